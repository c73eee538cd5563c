"use strict";

// The page's language and colours; everything else on it stands as it is.
const page = document.documentElement;

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`jmeb.${name}`);
    localStorage.setItem(`jmeb.${name}`, value);
  } catch {
    // a page from disk may be allowed to store nothing
  }
  return null;
}

function speak(language) {
  page.lang = language;
  for (const node of document.querySelectorAll("[data-ja]")) {
    node.dataset.en ??= node.textContent;
    node.textContent = node.dataset[language];
  }
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  }
}

function paint(theme) {
  if (theme) page.dataset.theme = theme;
  else delete page.dataset.theme;
  document.getElementById("theme").value = theme;
}

for (const button of document.querySelectorAll("[data-lang]")) {
  button.addEventListener("click", () => { speak(button.dataset.lang); stored("lang", button.dataset.lang); });
}
document.getElementById("theme").addEventListener("change", (event) => { paint(event.target.value); stored("theme", event.target.value); });
document.getElementById("print").addEventListener("click", () => print());
page.classList.add("live");
paint(stored("theme") ?? "");
speak(stored("lang") ?? (navigator.language.startsWith("ja") ? "ja" : "en"));
page.dataset.ready = "true";
