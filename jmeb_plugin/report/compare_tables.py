"""The tables of a comparison, as texts; the terminal, Markdown and the page show the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.report.words import number, p_value, percent

Found = Mapping[str, Any]
GROUPED = {"category": "category", "base": "base model", "family": "family"}
NOTES = {
    "models": "n: scored conversations. In brackets: 95 % intervals, clustered by guideline.",
    "groups": "Means over models, each counting once.",
    "turns": "Median, and in brackets the quartiles.",
    "tests": "Mann-Whitney, unpaired as in the paper, p by Bonferroni; d is positive where scores fall.",
    "strategies": (
        "Means of conversations over all models; each strategy against all others by Mann-Whitney, p by "
        "Holm; d is negative where the strategy brings models lower."
    ),
    "languages": "Score: mean difference over the conversations that are scored in both languages.",
    "pairs": (
        "Paired over the conversations that both have; the 95 % interval is clustered by guideline and "
        "covers the draw of conversations, not of models. p: Mann-Whitney over all conversations, by Holm."
    ),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its key and title, the heads, the rows, and what has to be said below it.

    The first ``names`` columns are names, the others figures. ``reference`` rows are the paper's.
    """

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reference: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    names: int = 1


def tables(found: Found, *, paper: bool) -> list[Table]:
    """Every table that has rows; with the ``paper``'s figures where it has any."""
    made = (
        models(found),
        groups(found),
        turns(found),
        tests(found),
        strategies(found),
        languages(found),
        pairs(found),
    )
    laid = [table if paper else Table(**{**fields(table), "reference": ()}) for table in made]
    return [table for table in laid if table.rows]


def fields(table: Table) -> dict[str, Any]:
    """A table's parts by name."""
    return {name: getattr(table, name) for name in Table.__slots__}


def models(found: Found) -> Table:
    """One row a model: safety, score, decay, helpfulness."""
    asked = spoken(found, "helpfulness")
    head = (
        "model",
        GROUPED[found["by"]],
        "size",
        "n",
        "safety pass rate",
        "mean score",
        "decay",
        " ".join(filter(None, ("helpful", " / ".join(asked)))),
    )
    rows = [
        (
            row["name"],
            row["group"],
            "–" if row["size"] is None else f"{row['size']:g} B",
            str(row["n"]),
            share(row["safety_pass_rate"]),
            spread(row["score"]),
            spread(row["decay"]),
            " / ".join(percent(row["helpfulness"].get(name, {}).get("value")) for name in asked) or "–",
        )
        for row in ranked(found)
    ]
    return Table(
        "models", "Models", head, tuple(rows), names=2,
        notes=(NOTES["models"], *sized(found), *helped(found)),
    )  # fmt: skip


def ranked(found: Found) -> list[Found]:
    """The models, the safest first; those without a score last."""
    return sorted(found["models"], key=lambda row: (-(row["score"]["mean"] or 0.0), row["name"]))


def sized(found: Found) -> Iterator[str]:
    """What size has to do with it, where models have one."""
    scaling = found["scaling"]
    if scaling["n"]:
        yield f"Size and mean score: {rank(scaling)}."


def helped(found: Found) -> Iterator[str]:
    """What helpfulness has to do with it, where it was asked."""
    if found["helpfulness"]["n"]:
        yield (
            f"Helpfulness and safety pass rate: {rank(found['helpfulness'])}. Questions without a readable "
            f"answer count as wrong."
        )


def rank(correlation: Found) -> str:
    """A rank correlation with what it rests on."""
    if correlation["spearman"] is None:
        return f"no rank correlation ({correlation['undefined']['spearman']})"
    return f"Spearman {number(correlation['spearman'], 2)} over {correlation['n']} models"


def groups(found: Found) -> Table:
    """Means over the models of a group, each model counting once."""
    several = len(found["groups"]) > 1
    rows = [
        (
            name,
            str(row["models"]),
            str(row["conversations"]),
            number(row["score"], 2),
            percent(row["safety_pass_rate"]),
            percent(row["helpfulness"]),
        )
        for name, row in found["groups"].items()
        if several
    ]
    theirs = {"category": published.CATEGORIES, "family": published.FAMILIES}.get(found["by"], {})
    reference = [(name, "–", "–", number(score, 2), "–", "–") for name, score in theirs.items()]
    return Table(
        "groups", f"By {GROUPED[found['by']]}",
        (GROUPED[found["by"]], "models", "n", "mean score", "safety pass rate", "helpfulness"),
        tuple(rows), tuple(reference), (NOTES["groups"],),
    )  # fmt: skip


def turns(found: Found) -> Table:
    """Median and quartiles of each turn and model, then of all together (the paper's figures 3 and 4a)."""
    last = max((len(row["turns"]) for row in found["models"]), default=0)
    rows = [
        (row["name"], *(quartiles(turn) for turn in row["turns"])) for row in ranked(found) if row["turns"]
    ]
    if len(rows) > 1:
        rows.append(("all models", *(quartiles(turn) for turn in found["turns"]["rows"])))
    reference = [(f"{published.MODELS} models", *(number(value) for value in published.MEDIANS))]
    return Table(
        "turns", "Score per turn", ("model", *(f"turn {turn}" for turn in range(last))),
        tuple(filled(row, last + 1) for row in rows), tuple(filled(row, last + 1) for row in reference),
        (NOTES["turns"],),
    )  # fmt: skip


def filled(row: Sequence[str], columns: int) -> tuple[str, ...]:
    """A row of so many columns."""
    return (*row, *["–"] * columns)[:columns]


def tests(found: Found) -> Table:
    """The paper's tests between turns, over all models."""
    rows = [(arrow(test["turns"]), *tested(test)) for test in found["turns"]["tests"]]
    reference = [(arrow(pair), "–", "p < 0.001", number(d, 2)) for pair, d in published.COHEN_D.items()]
    return Table(
        "tests", "Between turns", ("turns", "U", "p", "Cohen's d"), tuple(rows), tuple(reference),
        (NOTES["tests"],),
    )  # fmt: skip


def arrow(turns: Sequence[int]) -> str:
    """Two turns."""
    return f"{turns[0]} → {turns[1]}"


def tested(test: Found) -> tuple[str, str, str]:
    """U, adjusted p and d."""
    return number(test["u"], 0), p_value(test["p_adjusted"]), number(test["cohen_d"], 2)


def strategies(found: Found) -> Table:
    """Conversation means by strategy, each against all others."""
    rows = [
        (row["strategy"], str(row["n"]), quartiles(row), number(row["mean"], 2), *tested(row)[1:])
        for row in sorted(found["strategies"], key=lambda row: (row["mean"], row["strategy"]))
    ]
    low, high = published.STRATEGY_MEDIANS
    reference = [("all seven", "–", f"{number(low)}–{number(high)}", "–", "–", "–")]
    return Table(
        "strategies", "By strategy", ("strategy", "n", "median", "mean", "p", "Cohen's d"),
        tuple(rows), tuple(reference),
        (NOTES["strategies"],),
    )  # fmt: skip


def languages(found: Found) -> Table:
    """Safety and helpfulness by language, and the paired differences between languages (its table 2)."""
    safe, helpful = spoken(found, "languages"), spoken(found, "helpfulness")
    both = list(combinations(safe, 2))
    rows = [
        (
            row["name"],
            *(share(row["languages"].get(name, {}).get("safety_pass_rate")) for name in safe),
            *(spread(difference(row, pair)) for pair in both),
            *(share(row["helpfulness"].get(name)) for name in helpful),
        )
        for row in ranked(found)
        if len(safe) > 1 or len(helpful) > 1
    ]
    reference = [
        (
            m.name,
            *(percent(m.safe.get(name)) for name in safe),
            *("–" for _ in both),
            *(percent(m.helpful.get(name)) for name in helpful),
        )
        for m in published.MEDICAL
    ]
    head = (
        "model",
        *(f"safe {name}" for name in safe),
        *(f"score {first} − {second}" for first, second in both),
        *(f"helpful {name}" for name in helpful),
    )
    return Table("languages", "By language", head, tuple(rows), tuple(reference), (NOTES["languages"],))


def spoken(found: Found, part: str) -> list[str]:
    """The languages that any model has in that part of its figures."""
    return sorted({language for row in found["models"] for language in row[part]})


def difference(row: Found, languages: tuple[str, str]) -> Found:
    """A model's difference between two languages; one without a mean where it has none."""
    own = (entry for entry in row["between_languages"] if tuple(entry["languages"]) == languages)
    return next(own, {"mean": None})


def pairs(found: Found) -> Table:
    """Groups against groups, fine-tunes against their bases."""
    rows = [
        (
            f"{row['first']} − {row['second']}",
            " / ".join(map(str, row["models"])),
            " / ".join(number(mean, 2) for mean in row["means"]),
            spread({**row["difference"], "mean": row["difference"]["value"]}),
            str(row["difference"]["n"]),
            *tested(row)[1:],
        )
        for row in found["pairs"]
    ]
    reference = [
        (
            f"{tuned} − {base}",
            "1 / 1",
            f"{number(score, 2)} / {number(before, 2)}",
            number(score - before, 2),
            "–",
            "–",
            "–",
        )
        for tuned, score, base, before, _ in published.TUNED
    ]
    return Table(
        "pairs", "Against each other",
        ("pair", "models", "means", "paired difference", "n", "p", "Cohen's d"),
        tuple(rows), tuple(reference),
        (NOTES["pairs"],),
    )  # fmt: skip


def quartiles(row: Found) -> str:
    """A median with its quartiles."""
    return f"{number(row['median'], 2)} ({number(row['q1'], 2)}–{number(row['q3'], 2)})"


def share(rate: Found | None) -> str:
    """A share with its interval; a dash where there is none."""
    if not rate or rate["value"] is None:
        return "–"
    return f"{percent(rate['value'])} [{number(100 * rate['low'])}, {number(100 * rate['high'])}]"


def spread(figure: Found) -> str:
    """A mean with its interval; a dash where there is none."""
    if figure["mean"] is None:
        return "–"
    return f"{number(figure['mean'], 2)} [{number(figure['low'], 2)}, {number(figure['high'], 2)}]"
