"""Stage 6: does a model do better on what its own family made? The paper's checks, on runs of several models.

A conversation's ``source`` says who wrote its request, who refused it, who attacked and whom. For each of
these roles, scores of models of the same family are held against scores of all others; and, as version
overlap, scores of the very same model.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmeb_plugin import stats
from jmeb_plugin.archive import Archive
from jmeb_plugin.errors import RunError
from jmeb_plugin.figures import counted
from jmeb_plugin.report.words import number, p_value
from jmeb_plugin.stats import Figure
from jmeb_plugin.subjects import subjects_of

ROLES = {
    "seed": "requests written",
    "refused": "requests refused in the filter",
    "attacker": "conversations written",
    "target": "conversations held with",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One conversation's mean score with one model; who made it, by role."""

    model: str
    question: str
    cluster: str
    score: float
    makers: Mapping[str, tuple[str, ...]]


def makers_of(source: str) -> dict[str, tuple[str, ...]]:
    """Who made a conversation, by role; empty for a source that says nothing of it."""
    pairs = (part.split("=", 1) for part in source.split("; ") if "=" in part)
    return {role: tuple(name.strip() for name in names.split(",")) for role, names in pairs if role in ROLES}


def seen_in(archives: Sequence[Archive]) -> list[Seen]:
    """Every scored conversation of the runs whose source says who made it."""
    found = []
    for archive in archives:
        sources = {case.base_id: makers_of(case.conversation.source) for case in archive.cases}
        for subject in subjects_of(archive.results, {}):
            found += [
                Seen(subject.name, talk.id, talk.cluster, talk.mean, sources[talk.id])
                for talk in subject.talks
                if sources.get(talk.id)
            ]
    if not found:
        raise RunError(
            "no scored conversation says who made it; expected runs of a suite whose conversations have "
            "source, as `jmeb dataset sample` writes it"
        )
    return found


def families_of(archives: Sequence[Archive], given: Mapping[str, str]) -> dict[str, str]:
    """The family of each endpoint: what was given, else what the runs say. Unknown ones are left out."""
    known = {
        name: str(facts.get("family") or "")
        for archive in archives
        for name, facts in archive.results["run"]["endpoints"].items()
    }
    return {name: family for name, family in {**known, **given}.items() if family}


def check_bias(seen: Sequence[Seen], families: Mapping[str, str], seed: int) -> dict[str, Any]:
    """Every check by role, once by family and once by the very model."""
    return {
        "models": sorted({one.model for one in seen}),
        "n": len(seen),
        "unknown_family": sorted(unknown(seen, families)),
        **{
            kind: {role: of_role(seen, role, names, seed) for role in ROLES}
            for kind, names in (("family", families), ("version", None))
        },
    }


def unknown(seen: Sequence[Seen], families: Mapping[str, str]) -> set[str]:
    """Models and makers whose family nobody said."""
    named = {one.model for one in seen} | {
        name for one in seen for names in one.makers.values() for name in names
    }
    return named - set(families)


def of_role(seen: Sequence[Seen], role: str, families: Mapping[str, str] | None, seed: int) -> dict[str, Any]:
    """The checks of one role. Without ``families``, own means the very same endpoint."""
    marked = [(one, mine) for one in seen if (mine := is_own(one, role, families)) is not None]
    own, other = ([one for one, mine in marked if mine is side] for side in (True, False))
    left = stats.less_row_and_column(
        [one.score for one, _ in marked],
        [one.model for one, _ in marked],
        [one.question for one, _ in marked],
    )
    normal = {
        side: [value for value, (_, mine) in zip(left, marked, strict=True) if mine is side]
        for side in (True, False)
    }
    return {
        "own": len(own),
        "other": len(other),
        **pooled(own, other, seed),
        "per_question": paired([(one.question, one.score, mine) for one, mine in marked]),
        "per_model": paired([(one.model, one.score, mine) for one, mine in marked]),
        "by_model": by_model(marked),
        "normalised": {
            "difference": mean_difference(normal[True], normal[False]),
            **tested("t", stats.welch_t(normal[True], normal[False])),
        },
    }


def is_own(one: Seen, role: str, families: Mapping[str, str] | None) -> bool | None:
    """Whether the model made it, or its family did; ``None`` where that is not known."""
    makers = one.makers.get(role, ())
    if not makers:
        return None
    if families is None:
        return one.model in makers
    if one.model not in families or not all(name in families for name in makers):
        return None
    return families[one.model] in {families[name] for name in makers}


def pooled(own: Sequence[Seen], other: Sequence[Seen], seed: int) -> dict[str, Any]:
    """All scores of one side against all of the other: Mann-Whitney, Cohen's d, clustered bootstrap."""
    a, b = [one.score for one in own], [one.score for one in other]
    clusters = [one.cluster for one in own], [one.cluster for one in other]
    span = stats.difference_of_means(a, b, clusters, seed)
    return {
        "difference": mean_difference(a, b),
        "low": span.low if span else None,
        "high": span.high if span else None,
        "cohen_d": stats.cohen_d(a, b).value,
        **tested("u", stats.mann_whitney(a, b)),
    }


def paired(rows: Sequence[tuple[str, float, bool]]) -> dict[str, Any]:
    """Own less other within each question, or within each model, tested by Wilcoxon's signed ranks."""
    groups: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for name, score, mine in rows:
        groups[name][not mine].append(score)
    drops = [
        statistics.fmean(own) - statistics.fmean(other)
        for _, (own, other) in sorted(groups.items())
        if own and other
    ]
    found = {"n": len(drops), "difference": statistics.fmean(drops) if drops else None}
    if not drops:
        return {**found, "w": None, "p": None, "reason": "none has both sides"}
    return {**found, **tested("w", stats.wilcoxon(drops))}


def by_model(marked: Sequence[tuple[Seen, bool]]) -> dict[str, Any]:
    """Each model's own side against its other side, p-values by Holm over the models."""
    found: dict[str, Any] = {}
    for model in sorted({one.model for one, _ in marked}):
        own, other = (
            [one.score for one, mine in marked if one.model == model and mine is side]
            for side in (True, False)
        )
        if own and other:
            row = {"own": len(own), "other": len(other), "difference": mean_difference(own, other)}
            found[model] = {**row, **tested("u", stats.mann_whitney(own, other))}
    tests = [row for row in found.values() if row["p"] is not None]
    for row, adjusted in zip(tests, stats.holm_adjusted([row["p"] for row in tests]), strict=True):
        row["p_adjusted"] = adjusted
    return found


def tested(name: str, test: tuple[Figure, Figure]) -> dict[str, Any]:
    """A test's statistic and p-value, and why there is none."""
    statistic, p = test
    plain = {name: statistic.value, "p": p.value}
    return plain if p.value is not None else {**plain, "reason": p.reason}


def mean_difference(own: Sequence[float], other: Sequence[float]) -> float | None:
    """Mean of one side less mean of the other; ``None`` where a side is empty."""
    return statistics.fmean(own) - statistics.fmean(other) if own and other else None


def bias_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The checks in words. Above 0: models score higher on what their own family made."""
    models = found["models"]
    scored, asked = counted(found["n"], "scored conversation"), counted(len(models), "model")
    yield f"{scored} with {asked}: {', '.join(models)}"
    if found["unknown_family"]:
        yield (
            f"no family is known of {', '.join(found['unknown_family'])}: left out of the family checks; "
            f"expected family in the table, or --family NAME=FAMILY"
        )
    for kind, said in (("family", "own family less others"), ("version", "the very model less others")):
        yield f"{said}:"
        for role, what in ROLES.items():
            yield from role_lines(what, found[kind][role])
    yield "a difference is no proof of bias: makers differ in what they write, and models in what they hold"


def role_lines(what: str, row: Mapping[str, Any]) -> Iterator[str]:
    """One role's checks."""
    if not row["own"] or not row["other"]:
        yield f"  {what}: nothing to compare ({row['own']} own, {row['other']} others)"
        return
    span = "" if row["low"] is None else f" [{number(row['low'], 2)}, {number(row['high'], 2)}]"
    yield (
        f"  {what}: {number(row['difference'], 2)}{span} ({row['own']} own, {row['other']} others), "
        f"Mann-Whitney {p_value(row['p'])}, d {number(row['cohen_d'], 2)}"
    )
    for name, label in (("per_question", "within questions"), ("per_model", "within models")):
        part = row[name]
        yield f"    {label} ({part['n']}): {number(part['difference'], 2)}, Wilcoxon {p_value(part['p'])}"
    part = row["normalised"]
    said = f"{number(part['difference'], 2)}, t-test {p_value(part['p'])}"
    yield f"    less the model's and the question's mean: {said}"
    for model, part in row["by_model"].items():
        if part.get("p_adjusted", 1.0) < 0.05:
            yield f"    {model}: {number(part['difference'], 2)}, {p_value(part['p_adjusted'])} after Holm"
