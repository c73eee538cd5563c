"use strict";

// One conversation: a notice first, then its turns in every language it was held in, side by side.

async function fill(body, row) {
  const suite = index.suites[row.suite];
  const duty = either(suite.guidelines[row.guideline].duty);
  const facts = [
    [say("principle"), either(suite.principles[row.principle])],
    [say("strategy"), either(suite.strategies[row.strategy])],
    [say("model"), row.model],
  ];
  body.replaceChildren(
    element("dl", { class: "facts" }, ...facts.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, visible(value))))),
    ...(duty ? [element("p", { class: "note" }, say("duty"), duty)] : []),
    accepted ? await pairOf(row) : caution(body, row));
}

/** The notice that stands before any text of a conversation. */
function caution(body, row) {
  const button = element("button", { type: "button" }, say("caution.show"));
  button.addEventListener("click", async () => {
    accepted = true;
    await fill(body, row);
    body.previousElementSibling.focus();
  });
  return element("div", { class: "caution" },
    element("h3", {}, say("caution.title")), element("p", {}, say("caution.text")), ...whys(row), button);
}

/** A conversation in every language it was held in, side by side. */
async function pairOf(row) {
  const order = index.suites[row.suite].languages;
  const rows = index.rows.filter((other) => other.pair === row.pair)
    .sort((one, other) => order.indexOf(one.language) - order.indexOf(other.language));
  const columns = await Promise.all(rows.map((one) => column(one, one.id === row.id)));
  const pair = element("div", { class: "pair" }, ...columns);
  pair.style.setProperty("--rows", Math.max(...columns.map((made) => made.childElementCount)));
  return pair;
}

async function column(row, chosen) {
  const [asked, said] = row.said ? await Promise.all([block(index.asked[row.language]), block(row.said)]) : [{}, {}];
  const spoken = said[row.id];
  const title = element("h3", {}, label("language", row.language), " ",
    element("span", { class: `outcome ${row.outcome}` }, say(`outcome.${row.outcome}`)));
  const link = element("a", { href: `#open=${encodeURIComponent(row.id)}` }, visible(row.id));
  const top = element("div", {}, title, element("p", { class: "id mono" }, chosen ? visible(row.id) : link), ...whys(row));
  const turns = spoken ? asked[row.base].map((question, turn) => exchange(row, question, turn, spoken)) : [say("text.none")];
  return element("article", { class: "column" }, top, ...turns);
}

function whys(row) {
  return [row.reason, row.waived].filter((text) => text.en).map((text) =>
    element("p", {}, element("b", {}, say("because")), visible(either(text))));
}

function exchange(row, question, turn, spoken) {
  const text = (words, kind) => element("p", { class: `text ${kind}`, lang: row.language, dir: "auto" }, visible(words));
  const judges = (spoken.judges[turn] ?? []).map(([name, score, shade, reason]) => element("tr", {},
    element("th", { scope: "row" }, visible(name)), element("td", {}, scoreOf([score, shade])),
    element("td", { lang: row.language }, visible(reason))));
  return element("section", { class: "turn" },
    element("h4", {}, `${say("turn")} ${turn}`, element("span", {},
      element("span", { class: "disputed" }, row.disputed.includes(turn) ? `${say("disputed")} ` : ""),
      scoreOf(row.scores[turn] ?? ["–", 0]))),
    element("h5", {}, say("question")), text(question, "question"),
    element("h5", {}, say("answer")), text(spoken.answers[turn] ?? say("answer.none"), "answer"),
    element("h5", {}, say("judges")), visible(spoken.troubles[turn] ?? ""),
    element("table", { class: "judges" }, element("caption", { class: "hidden" }, say("judges")), element("tbody", {}, ...judges)));
}
