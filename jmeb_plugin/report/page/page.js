// The list of conversations: filters in the fragment, one conversation open at a time (see reader.js).
// Text of models, judges and suites reaches the page as text nodes only.
const BATCH = 100;
const ORDER = ["failed", "xfailed", "unscored", "skipped", "passed"];
const FILTERS = ["outcome", "suite", "model", "language", "principle", "guideline", "strategy"];
const PLURAL = { principle: "principles", guideline: "guidelines", strategy: "strategies" };
const NARROW = Object.keys(PLURAL);
const page = document.documentElement;
const form = document.getElementById("filters");
const list = document.getElementById("list");
const more = document.getElementById("more");
const unpacked = new Map();
const questions = new Map();
let index;
let state = new URLSearchParams();
let shown = [];
let drawn = 0;
let accepted = false;

// -- blocks ---------------------------------------------------------------------------------------

/** The content of a compressed block, unpacked when it is first asked for. */
function block(id) {
  if (!unpacked.has(id)) unpacked.set(id, unpack(id));
  return unpacked.get(id);
}

async function unpack(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  return JSON.parse(id === "index" ? new TextDecoder().decode(raw) : decode(raw));
}

/** Text from the codes of the index: one byte for a frequent symbol, two for the others. */
function decode(raw) {
  const { symbols, single } = index;
  const parts = [];
  for (let at = 0; at < raw.length; at += 1) {
    const first = raw[at];
    parts.push(symbols[first < single ? first : single + (first - single) * 256 + raw[(at += 1)]]);
  }
  return parts.join("");
}

/** Make every question searchable, once. */
async function loadQuestions() {
  if (questions.size) return;
  for (const name of Object.values(index.asked)) {
    for (const [base, turns] of Object.entries(await block(name))) questions.set(base, plain(turns.join("\n")));
  }
}

const plain = (text) => text.normalize("NFKC").toLowerCase();

// -- words ----------------------------------------------------------------------------------------

const lang = () => page.lang;
const either = (text) => text[lang()];

function say(key, facts = {}) {
  const words = index.strings[lang()];
  const text = (String(facts.n) === "1" && words[`${key}.one`]) || (words[key] ?? key);
  return text.replace(/\{(\w+)\}/g, (_, name) => facts[name].toLocaleString(lang()));
}

/** The text with control and bidirectional signs shown instead of obeyed. */
function visible(text) {
  const signs = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  return text.replace(signs, (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

function element(tag, facts, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) made.setAttribute(name, value);
  made.append(...children);
  return made;
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
  for (const cell of document.querySelectorAll(".cell")) cell.setAttribute("aria-label", cellLabel(cell));
  fillFilters();
  draw();
}

function cellLabel(cell) {
  return say("cell", { score: cell.firstChild.textContent, n: cell.dataset.n, failed: cell.dataset.failed });
}

// -- filters --------------------------------------------------------------------------------------

/** What a filter's value is called. */
function label(name, value) {
  if (name === "outcome") return say(`outcome.${value}`);
  if (name === "language") return index.strings[lang()][`language.${value}`] ?? value;
  if (!(name in PLURAL)) return visible(value);
  const titles = Object.values(index.suites).map((suite) => suite[PLURAL[name]][value]).find(Boolean);
  return name === "guideline" ? `${value} ${either(titles.title)}` : either(titles);
}

function fillFilters() {
  for (const name of FILTERS) {
    const select = form.elements[name];
    const values = name === "outcome" ? ORDER.filter((value) => index.rows.some((row) => row.outcome === value))
      : NARROW.includes(name) ? inSuiteOrder(name) : [...new Set(index.rows.map((row) => row[name]))].sort();
    while (select.options.length > 1) select.remove(1);
    for (const value of values) select.add(new Option(label(name, value), value));
    select.value = state.get(name) ?? "";
    select.closest("label").hidden = values.length < 2 && ["model", "suite"].includes(name);
  }
}

function inSuiteOrder(name) {
  const used = new Set(index.rows.map((row) => row[name]));
  const ids = Object.values(index.suites).flatMap((suite) => Object.keys(suite[PLURAL[name]]));
  return [...new Set(ids)].filter((id) => used.has(id));
}

/** Take the state from the fragment, and show it in the form. */
function readFragment() {
  const asked = location.hash.slice(1);
  state = new URLSearchParams(asked.includes("=") ? asked : "");
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = state.get(field.name) === field.value;
    else if (field.name) field.value = state.get(field.name) ?? "";
  }
}

/** Change the state, and put it into the fragment. */
function change(facts) {
  for (const [name, value] of Object.entries(facts)) {
    if (value) state.set(name, value);
    else state.delete(name);
  }
  history.replaceState(null, "", `#${state}`);
}

function formFacts() {
  const facts = Object.fromEntries(new FormData(form));
  return { disputed: "", ...facts };
}

async function filter() {
  const words = plain(state.get("q") ?? "").split(/\s+/).filter(Boolean);
  if (words.length) await loadQuestions();
  const wanted = FILTERS.filter((name) => state.get(name));
  shown = index.rows.filter((row) =>
    wanted.every((name) => row[name] === state.get(name)) && (!state.get("disputed") || row.disputed.length) &&
    words.every((word) => plain(row.id).includes(word) || questions.get(row.base)?.includes(word)));
  sort();
  for (const cell of document.querySelectorAll(".cell")) cell.setAttribute("aria-pressed", String(isChosen(cell)));
  draw();
}

const lowest = (row) => row.lowest ?? 11;
const fall = (row) => row.decay ?? -11;

function sort() {
  const byId = (one, other) => (one.id < other.id ? -1 : 1);
  const ways = {
    id: byId,
    decay: (one, other) => fall(other) - fall(one) || byId(one, other),
    "": (one, other) => ORDER.indexOf(one.outcome) - ORDER.indexOf(other.outcome) || lowest(one) - lowest(other) || byId(one, other),
  };
  shown.sort(ways[state.get("sort") ?? ""] ?? byId);
}

/** What a cell of the heat map stands for. */
function meaning(cell) {
  const [column, line, table] = [cell.closest("td"), cell.closest("tr"), cell.closest("table")];
  const strategy = table.tHead.rows[0].cells[column.cellIndex].dataset.strategy;
  const { suite, model } = table.dataset;
  return { suite, model, strategy, principle: line.dataset.principle, guideline: line.dataset.guideline };
}

const isChosen = (cell) => Object.entries(meaning(cell)).every(([name, value]) => (state.get(name) ?? "") === (value ?? ""));

// -- the list -------------------------------------------------------------------------------------

function draw() {
  const failed = shown.filter((row) => row.outcome === "failed" || row.outcome === "xfailed").length;
  document.getElementById("count").textContent = say("count", { shown: shown.length, all: index.rows.length, failed });
  list.replaceChildren();
  drawn = 0;
  const place = shown.findIndex((row) => row.id === state.get("open"));
  do drawMore();
  while (drawn <= place);
}

function drawMore() {
  list.append(...shown.slice(drawn, drawn + BATCH).map(item));
  drawn = Math.min(drawn + BATCH, shown.length);
  more.hidden = drawn >= shown.length;
}

function item(row) {
  const open = row.id === state.get("open");
  const titles = index.suites[row.suite].guidelines[row.guideline];
  const head = element("button", { type: "button", class: "head", "aria-expanded": open, "data-id": row.id },
    element("span", {}, element("span", { class: `outcome ${row.outcome}` }, say(`outcome.${row.outcome}`)),
      element("span", { class: "disputed" }, row.disputed.length ? say("disputed") : "")),
    element("span", { class: "what" },
      element("span", {}, either(titles.title), " ", element("span", { class: "way" },
        `· ${label("strategy", row.strategy)} · ${label("language", row.language)}`)),
      element("span", { class: "id" }, visible(row.id)),
      element("span", { class: "why" }, visible(either(row.reason)))),
    element("span", { class: "scores" }, ...row.scores.map(scoreOf)));
  const made = element("li", {}, head);
  if (open) made.append(element("div", { class: "body" }, say("loading")));
  if (open) fill(made.lastChild, row);
  return made;
}

const scoreOf = ([text, shade]) => element("span", { class: `score shade-${shade}` }, text);

function toggle(head) {
  const before = list.querySelector('[aria-expanded="true"]');
  for (const old of new Set([before, head])) {
    if (!old) continue;
    const opens = old === head && old !== before;
    old.setAttribute("aria-expanded", opens);
    old.nextElementSibling?.remove();
    if (opens) fill(old.parentNode.appendChild(element("div", { class: "body" })), index.rows.find((row) => row.id === old.dataset.id));
  }
  change({ open: head === before ? "" : head.dataset.id });
}

// -- what the reader does -------------------------------------------------------------------------

function choose(cell) {
  const facts = isChosen(cell) ? {} : meaning(cell);
  state = new URLSearchParams();
  change(facts);
  readFragment();
  filter();
  const section = document.getElementById("conversations");
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

function step(by) {
  const heads = [...list.querySelectorAll(".head")];
  const here = heads.indexOf(document.activeElement.closest("li")?.querySelector(".head"));
  if (here + by >= heads.length && !more.hidden) drawMore();
  const next = list.querySelectorAll(".head")[here < 0 ? 0 : here + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, select, textarea");
  const inList = list.contains(event.target);
  if (event.key === "Escape") {
    const open = list.querySelector('[aria-expanded="true"]');
    if (typing) event.target.blur();
    else if (open) { toggle(open); open.focus(); }
  } else if (typing) {
    return;
  } else if (event.key === "/") {
    event.preventDefault();
    form.elements.q.focus();
  } else if (event.key === "j" || (inList && event.key === "ArrowDown")) {
    event.preventDefault();
    step(1);
  } else if (event.key === "k" || (inList && event.key === "ArrowUp")) {
    event.preventDefault();
    step(-1);
  }
}

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`jmeb.${name}`);
    localStorage.setItem(`jmeb.${name}`, value);
  } catch { /* a browser that keeps nothing */ }
  return null;
}

function paint(theme) {
  if (theme) page.dataset.theme = theme;
  else delete page.dataset.theme;
  document.getElementById("theme").value = theme;
}

function listen() {
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { change({ ...formFacts(), open: "" }); filter(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { history.replaceState(null, "", "#conversations"); setTimeout(restore); });
  list.addEventListener("click", (event) => { const head = event.target.closest(".head"); if (head) toggle(head); });
  more.addEventListener("click", () => { const from = drawn; drawMore(); list.children[from].firstChild.focus(); });
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => { const cell = event.target.closest(".cell"); if (cell) choose(cell); });
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.addEventListener("click", () => { speak(button.dataset.lang); stored("lang", button.dataset.lang); });
  }
  document.getElementById("theme").addEventListener("change", (event) => { paint(event.target.value); stored("theme", event.target.value); });
  document.getElementById("print").addEventListener("click", () => print());
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) restore(); });
}

/** Show what the fragment says. */
async function restore() {
  readFragment();
  await filter();
  const open = list.querySelector('[aria-expanded="true"]');
  if (open) { open.scrollIntoView(); open.focus({ preventScroll: true }); }
}

async function start() {
  paint(stored("theme") ?? "");
  index = await block("index");
  shown = index.rows;
  page.classList.add("live");
  listen();
  speak(stored("lang") ?? (navigator.language.startsWith("ja") ? "ja" : "en"));
  await restore();
  page.dataset.ready = "true";
}

start().catch((error) => {
  document.getElementById("old").hidden = false;
  throw error;
});
