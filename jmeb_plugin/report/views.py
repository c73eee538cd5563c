"""What the page shows of a run, as texts in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from jmeb_plugin.report import words
from jmeb_plugin.report.bilingual import Both, for_one, known, said, sentence, titled
from jmeb_plugin.report.heat import strategy_title
from jmeb_plugin.report.plots import figures, points_of
from jmeb_plugin.report.words import (
    HEADLINES,
    early_end,
    facets,
    limit_facts,
    money,
    number,
    p_value,
    percent,
    shown_gates,
    tokens,
)
from jmeb_plugin.suite import Suite
from jmeb_plugin.verdict import Judged

TONES = {0: ("good", "✓"), 1: ("bad", "✕")}
LISTED = 200
"""How many failures the printed list has room for."""

SHARES = ("rate", "within")
TONE_OF = {"better": "holds", "no-worse": "holds", "worse": "fails", "cannot-tell": "cannot-tell"}
OUTCOMES = ("failed", "xfailed", "unscored", "skipped", "passed")
ORDER = {"fails": 0, "cannot-tell": 1, "partial": 2, "holds": 3, "not-asked": 4}


def filled(key: str, **facts: str | float) -> Both:
    """A string of the page with its ``{name}`` filled in; where ``n`` is one, that for one."""
    text = said(for_one(key) if facts.get("n") == 1 else key)
    return Both(text.en.format(**facts), text.ja.format(**facts))


def both_filled(key: str, english: str, japanese: str) -> Both:
    """A string of the page with its ``{what}`` filled in, in each language by another text."""
    text = said(key)
    return Both(text.en.format(what=english), text.ja.format(what=japanese))


def verdict_view(results: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict of the run: its word, why, and how it looks."""
    run = results["run"]
    status = run["exit_status"]
    tone, sign = TONES.get(status, ("open", "?"))
    word = known(f"headline.{status}", HEADLINES.get(status, f"STATUS {status}"))
    return {"tone": tone, "sign": sign, "word": word, "reason": sentence(run["exit_reason"])}


def warnings(results: Mapping[str, Any]) -> list[Both]:
    """What keeps a reader from taking the verdict at its face."""
    found = []
    if ended := early_end(results["verdicts"]):
        held, every = ended
        found.append(filled("early", held=held, n=every) if held else said("early.nothing"))
    if partial := results["run"].get("partial"):
        text = sentence(partial)
        found.append(both_filled("partial", text.en, text.ja))
    if differs := results.get("baseline", {}).get("differs"):
        names = [said(f"differs.{name}") for name in differs]
        facts = (", ".join(name.en for name in names), "、".join(name.ja for name in names))
        found.append(both_filled("baseline.forced", *facts))
    passed = sum(bool(row["waived"]) and row["outcome"] == "passed" for row in results["verdicts"])
    if passed:
        found.append(filled("waived.passed", n=passed))
    over = sum(row["failed"] for row in results["run"]["waivers"] if row["state"] == "expired")
    if over:
        found.append(filled("waived.expired", n=over))
    for key, name in (("withheld", "withheld"), ("addresses", "addresses_judge")):
        if count := sum(model[name] for model in results["models"].values()):
            found.append(filled(key, n=count))
    return found


def counts(results: Mapping[str, Any]) -> dict[str, Both]:
    """How many conversations and gates there are, and what became of them."""
    outcomes = Counter(row["outcome"] for row in results["verdicts"])
    states = Counter(gate["state"] for gate in results["gates"] if gate["state"] != "off")
    return {
        "conversations": counted("outcome", OUTCOMES, outcomes),
        "gates": counted("state", tuple(ORDER), states),
    }


def counted(kind: str, names: Sequence[str], found: Mapping[str, int]) -> Both:
    """Each name with its number, those that are not there left out."""
    parts = [(said(f"{kind}.{name}"), found[name]) for name in names if found.get(name)]
    return Both(
        " · ".join(f"{text.en} {count}" for text, count in parts) or "–",
        "・".join(f"{text.ja} {count}" for text, count in parts) or "–",
    )


def suite_views(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The suites of the run with what they are."""
    return [{**suite, "note": sentence(suite["note"])} for suite in results["run"]["suites"]]


def model_view(results: Mapping[str, Any], name: str, index: int, judged: Sequence[Judged]) -> dict[str, Any]:
    """Everything the page says of a model but its heat map and conversations."""
    model = results["models"][name]
    gates = [gate for gate in results["gates"] if gate["model"] == name]
    suites = {entry.case.suite.name: entry.case.suite for entry in judged}
    ended = early_end([row for row in results["verdicts"] if row["model"] == name])
    held = len([gate for gate in gates if gate["slice"] and gate["state"] == "holds"])
    return {
        "id": f"model-{index}",
        "name": name,
        "outcomes": counted("outcome", OUTCOMES, model["conversations"]),
        "early": filled("early.model", held=ended[0], n=ended[1]) if ended else None,
        "gates": gate_views(shown_gates(gates), suites),
        "lead": f"gates.lead.{results['run']['thresholds']['release'][name]['decide_on']}",
        "held": filled("gates.held", n=held) if held else None,
        "cards": list(cards(model)),
        "figures": list(figure_views(model, judged, f"m{index}")),
        "turns": model["turns"],
        "tests": model["decay"].get("tests", []),
        "slices": [
            (facet, titled_rows(suites, facet, model[f"by_{facet}"]))
            for facet in ("language", "principle", "strategy")
        ],
        "agreement": list(agreement(model)),
        "regression": regression_view(model["regression"], judged) if "regression" in model else None,
    }


def waiver_views(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The known failures that matched, as rows of a table."""
    return [
        {**row, "of": filled("waiver.of", failed=row["failed"], n=row["conversations"])}
        for row in results["run"]["waivers"]
    ]


def limits_view(thresholds: Mapping[str, Any]) -> dict[str, Any]:
    """What each conversation was held to, and by what the gates of each model were decided."""
    several = len(thresholds["release"]) > 1
    return {
        "limits": [f"{name} {value}" for name, value in limit_facts(thresholds)],
        "overrides": [facets(override["when"]) for override in thresholds["overrides"]],
        "decided": [
            (f"{model}: " if several else "")
            + ", ".join(f"{name} {value}" for name, value in release.items() if value is not None)
            for model, release in thresholds["release"].items()
        ],
    }


def gate_views(gates: Sequence[Mapping[str, Any]], suites: Mapping[str, Suite]) -> list[dict[str, Any]]:
    """The rows of the table: what fails comes first, guard rails of slices after all else."""
    ranked = sorted(gates, key=lambda gate: (bool(gate["slice"]), ORDER.get(gate["state"], len(ORDER))))
    rows = [gate_view(gate, suites) for gate in ranked]
    first = next((row for row, gate in zip(rows, ranked, strict=True) if gate["slice"]), {})
    first["first"] = True
    return rows


def gate_view(gate: Mapping[str, Any], suites: Mapping[str, Suite]) -> dict[str, Any]:
    """A gate as a row of the table."""
    facet, _, value = gate["slice"].partition("=")
    share = any(word in gate["name"] for word in SHARES)

    def shown(figure: float | None) -> str:
        return percent(figure) if share else number(figure, 2)

    span = "" if gate["low"] is None else f"{shown(gate['low'])} – {shown(gate['high'])}"
    bar = "≥" if gate["name"].startswith("min") else "≤"
    name, _, turn = gate["name"].partition(".turn")
    title = slice_title(suites, facet, value) if facet else known(f"gate.{name}", gate["name"])
    if turn:
        title = Both(f"{title.en}, turn {turn}", f"{title.ja}（ターン {turn}）")
    return {
        "state": gate["state"],
        "name": gate["name"],
        "title": title,
        "value": shown(gate["value"]),
        "span": span,
        "threshold": "–" if gate["threshold"] is None else f"{bar} {shown(gate['threshold'])}",
        "reason": sentence(gate["reason"]),
    }


def slice_title(suites: Mapping[str, Suite], facet: str, value: str) -> Both:
    """``language=ja`` in words."""
    kind, title = known(facet, facet), facet_title(suites, facet, value)
    return Both(f"{kind.en}: {title.en}", f"{kind.ja}：{title.ja}")


def titled_rows(
    suites: Mapping[str, Suite], facet: str, rows: Mapping[str, Any]
) -> list[tuple[Both, Mapping[str, Any]]]:
    """The rows of slices with what each is called, in the suites' order."""
    places = {
        name: place
        for suite in suites.values()
        for place, name in enumerate((*suite.languages, *suite.principles, *suite.strategies))
    }
    ranked = sorted(rows, key=lambda name: places.get(name, len(places)))
    return [(facet_title(suites, facet, name), rows[name]) for name in ranked]


def facet_title(suites: Mapping[str, Suite], facet: str, value: str) -> Both:
    """What a language, principle or strategy is called."""
    for suite in suites.values():
        if facet == "principle" and value in suite.principles:
            return titled(suite.principles[value], value)
        if facet == "strategy" and value in suite.strategies:
            return strategy_title(suite, value)
    return known(f"{facet}.{value}", value)


def cards(model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The main figures of a model."""
    rate, score, decay, judges = (model[name] for name in ("safety_pass_rate", "score", "decay", "judges"))
    if rate["value"] is not None:
        span = f"{percent(rate['low'])} – {percent(rate['high'])}"
        yield card("safety", percent(rate["value"]), filled("interval", span=span))
        span = f"{number(score['low'], 2)} – {number(score['high'], 2)}"
        yield card("score", number(score["mean"], 2), filled("interval", span=span))
        span = f"{number(decay['low'], 2)} – {number(decay['high'], 2)}"
        yield card("decay", number(decay["mean"], 2), filled("interval", span=span))
        yield card("collapse", percent(decay["collapse_rate"]), said("card.collapse.more"))
    if judges["n"]:
        yield card("judges", percent(judges["within_2"]), filled("card.judges.more", n=model["disputed"]))
    if (refused := model["over_refusal"])["n"]:
        span = f"{percent(refused['low'])} – {percent(refused['high'])}"
        yield card("refused", percent(refused["value"]), filled("interval", span=span))
    if usage := model["usage"]:
        taken = tokens(usage["input_tokens"] + usage["output_tokens"])
        price = "–" if usage["usd"] is None else money(usage["usd"])
        yield card("usage", price, filled("card.usage.more", requests=f"{usage['requests']:,}", tokens=taken))


def card(key: str, value: str, more: Both) -> dict[str, Any]:
    """One of them."""
    return {"key": f"card.{key}", "value": value, "more": more}


def figure_views(model: Mapping[str, Any], judged: Sequence[Judged], prefix: str) -> Iterator[dict[str, Any]]:
    """The figures, each with what it shows in words."""
    harmful = [entry for entry in judged if entry.case.suite.kind == "harmful"]
    names = model["judges"]["names"]
    medians = " → ".join(number(turn["median"], 2) for turn in model["turns"])
    texts = {
        "course": filled("figure.course.text", medians=medians),
        "turns": said("figure.turns.text"),
        "decay": filled("figure.decay.text", mean=number(model["decay"]["mean"], 2)),
        "judges": filled(
            "figure.judges.text",
            n=model["judges"]["n"],
            spearman=number(model["judges"]["spearman"], 2),
            icc=number(model["judges"]["icc_2_1"], 2),
        ),
    }
    for key, svg in figures(points_of(harmful), names, prefix).items():
        yield {"key": key, "svg": Markup(svg), "text": texts[key]}  # noqa: S704 - our own drawing


def agreement(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How well the judges agree."""
    judges = model["judges"]
    yield "agreement.n", str(judges["n"])
    yield "agreement.within_2", percent(judges["within_2"])
    for name in ("pearson", "spearman", "icc_2_1", "spearman_brown", "mae"):
        yield f"agreement.{name}", number(judges[name], 2)
    yield "agreement.disputed", str(model["disputed"])


def regression_view(found: Mapping[str, Any], judged: Sequence[Judged]) -> dict[str, Any]:
    """How a model compares with the baseline; ids are those of this run, so that they can be opened."""
    state = found["state"]
    facts = {"model": found["model"], "tone": TONE_OF[state], "state": said(f"drop.{state}")}
    if "drop" not in found:
        return {**facts, "text": sentence(found["undefined"]["drop"]), "new_failures": [], "fixed": []}
    drop = found["drop"]
    suites = {entry.case.suite.name: entry.case.suite for entry in judged}
    ids = {entry.case.base_id: entry.case.id for entry in reversed(judged)}
    margin = "–" if found["margin"] is None else f"{found['margin']:g}"
    return {
        **facts,
        "text": filled(
            "drop.text", drop=signed(drop["value"]), low=signed(drop["low"]), high=signed(drop["high"]),
            margin=margin, n=found["n"], p=p_value(found["wilcoxon"]["p"]), alone=found["not_in_baseline"],
        ),
        "first": first_view(found.get("first")),
        "turns": [
            {**row, "span": filled("span", low=signed(row["low"]), high=signed(row["high"]))}
            for row in found["turns"]
        ],
        "slices": [(facet, titled_rows(suites, facet, rows)) for facet, rows in found["slices"].items()],
        "new_failures": [ids[base] for base in found["new_failures"]],
        "fixed": [ids[base] for base in found["fixed"]],
    }  # fmt: skip


def first_view(first: Mapping[str, Any] | None) -> Both | None:
    """The drop to the first run that was ever accepted, where that is known."""
    if not first or not first["drop"]:
        return None
    return filled("drop.first", run=first["run"], drop=signed(first["drop"]["value"]))


def signed(value: float | None) -> str:
    """A difference with its sign, as type has it."""
    return words.signed(value).replace("-", "−")


def not_passed(judged: Sequence[Judged]) -> list[Judged]:
    """Whatever did not pass."""
    return [entry for entry in judged if entry.verdict.outcome != "passed"]


def failure_rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The list that is printed: id, outcome, scores and why."""
    return [
        {
            "id": entry.case.id,
            "outcome": entry.verdict.outcome,
            "arc": " → ".join(number(turn.value) for turn in entry.verdict.turns),
            "reason": sentence(entry.verdict.reason),
        }
        for entry in not_passed(judged)[:LISTED]
    ]


def unlisted(judged: Sequence[Judged]) -> Both | None:
    """That the printed list is not the whole; ``None`` if it is."""
    left = len(not_passed(judged)) - LISTED
    return filled("failures.more", n=left) if left > 0 else None
