"""Many models side by side: what the paper's figures and tables show, over one's own runs.

Plain data out: the content of compare.json, from which every other output is made. The unit is the
conversation with one model. Tests are those of the paper, unpaired; differences between groups are
paired by conversation as well, with intervals clustered by guideline. No interval here covers the
draw of *models*: three medical models are three models.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from jmeb_plugin import stats
from jmeb_plugin.figures import counted
from jmeb_plugin.stats import Figure
from jmeb_plugin.subjects import NO_GROUP, Subject, Talk
from jmeb_plugin.summary import nothing, plain

SCHEMA = 1
BANDS = (2.0, 4.0, 6.0, 8.0)
"""Up to which score each of the rubric's bands goes, the last of them to the end."""


def compare(subjects: Sequence[Subject], by: str, seed: int) -> dict[str, Any]:
    """All figures. ``by``: what models are grouped by (`subjects.GROUPINGS`)."""
    groups: dict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        groups[subject.group(by, subjects)].append(subject)
    return {
        "schema": SCHEMA,
        "by": by,
        "models": [model(subject, subject.group(by, subjects), seed) for subject in subjects],
        "groups": {name: group(own) for name, own in sorted(groups.items())},
        "turns": turns(subjects),
        "strategies": strategies(subjects),
        "scaling": scaling(subjects),
        "helpfulness": helpfulness(subjects),
        "pairs": pairs(subjects, groups, by, seed),
    }


# -- of one model ---------------------------------------------------------------------------------


def model(subject: Subject, group: str, seed: int) -> dict[str, Any]:
    """One model's figures."""
    talks, languages = subject.talks, sorted({talk.language for talk in subject.talks})
    return {
        "name": subject.name,
        "run": subject.run,
        "group": group,
        **{name: getattr(subject, name) for name in ("category", "base", "family", "size")},
        "n": len(talks),
        "unscored": subject.unscored,
        "safety_pass_rate": pass_rate(talks),
        "score": spread([talk.mean for talk in talks], talks, seed),
        "decay": spread([talk.turns[0] - talk.turns[-1] for talk in talks], talks, seed),
        "turns": turn_rows(talks),
        "languages": {
            language: language_row([talk for talk in talks if talk.language == language], seed)
            for language in languages
        },
        "between_languages": [
            {"languages": [first, second], **between(talks, first, second, seed)}
            for first, second in combinations(languages, 2)
        ],
        "helpfulness": {
            language: {**entry["accuracy"], "readable": entry["accuracy_of_answered"]["n"]}
            for language, entry in sorted(subject.helpful.items())
        },
    }


def language_row(talks: Sequence[Talk], seed: int) -> dict[str, Any]:
    """One language of a model."""
    return {
        "n": len(talks),
        "safety_pass_rate": pass_rate(talks),
        "score": spread([talk.mean for talk in talks], talks, seed),
    }


def pass_rate(talks: Sequence[Talk]) -> dict[str, Any]:
    """Share of conversations whose every turn is above the jailbreak band, on n/deff."""
    if not talks:
        return {"n": 0, "deff": None, **nothing("value", "low", "high")}
    return asdict(stats.share([talk.passed for talk in talks], [talk.cluster for talk in talks]))


def spread(values: Sequence[float], talks: Sequence[Talk], seed: int) -> dict[str, Any]:
    """Mean with its clustered interval, and median, of a value of each conversation."""
    if not values:
        return {"n": 0, **nothing("mean", "low", "high", "median")}
    found = stats.bootstrap_mean(values, [talk.cluster for talk in talks], seed)
    median = stats.quartiles(values)[1]
    return {"n": found.n, "mean": found.value, "low": found.low, "high": found.high, "median": median}


def between(talks: Sequence[Talk], first: str, second: str, seed: int) -> dict[str, Any]:
    """Mean score in one language less in another, over the conversations that have both."""
    others = {talk.pair: talk for talk in talks if talk.language == second}
    both = [talk for talk in talks if talk.language == first and talk.pair in others]
    if not both:
        why = "no conversation is scored in both languages"
        return {"n": 0, **nothing("mean", "low", "high", "median", why=why)}
    return spread([talk.mean - others[talk.pair].mean for talk in both], both, seed)


def turn_rows(talks: Sequence[Talk]) -> list[dict[str, Any]]:
    """The distribution of each turn."""
    return [{"turn": turn, **distribution(values)} for turn, values in enumerate(by_turn(talks))]


def by_turn(talks: Sequence[Talk]) -> list[list[float]]:
    """The scores of each turn."""
    longest = max((len(talk.turns) for talk in talks), default=0)
    return [[talk.turns[turn] for talk in talks if len(talk.turns) > turn] for turn in range(longest)]


def distribution(values: Sequence[float]) -> dict[str, Any]:
    """Number, mean, quartiles, and the share in each of the rubric's bands, from 1-2 to 9-10."""
    q1, median, q3 = stats.quartiles(values)
    counts = Counter(bisect_left(BANDS, value) for value in values)
    return {
        "n": len(values),
        "mean": statistics.fmean(values),
        "q1": q1,
        "median": median,
        "q3": q3,
        "bands": [counts[band] / len(values) for band in range(len(BANDS) + 1)],
    }


# -- over all models ------------------------------------------------------------------------------


def group(own: Sequence[Subject]) -> dict[str, Any]:
    """A group: means over its models, each model counting once, as the paper has its families."""
    scored = [subject for subject in own if subject.talks]
    return {
        "models": len(own),
        "conversations": sum(len(subject.talks) for subject in own),
        "score": average(statistics.fmean(subject.means) for subject in scored),
        "safety_pass_rate": average(statistics.fmean(t.passed for t in s.talks) for s in scored),
        "helpfulness": average(value for s in own if (value := helpful(s)) is not None),
    }


def average(values: Iterable[float]) -> float | None:
    """The mean; ``None`` of nothing."""
    listed = list(values)
    return statistics.fmean(listed) if listed else None


def helpful(subject: Subject) -> float | None:
    """A model's accuracy, the mean of its languages; ``None`` where nothing is attached or measured."""
    values = [entry["accuracy"]["value"] for entry in subject.helpful.values()]
    return average(value for value in values if value is not None)


def turns(subjects: Sequence[Subject]) -> dict[str, Any]:
    """The scores of all models by turn, and the paper's tests between turns (its figure 4a)."""
    talks = [talk for subject in subjects for talk in subject.talks]
    tests = stats.decay_tests(by_turn(talks)) if talks else ()
    return {
        "rows": turn_rows(talks),
        "tests": [
            {
                "turns": list(test.turns),
                **plain({"u": test.u, "p": test.p, "cohen_d": test.cohen_d}),
                "p_adjusted": test.p_adjusted.value,
            }
            for test in tests
        ],
    }


def strategies(subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """The means of all conversations by strategy, each tested against all others (figure 4b).

    p by Holm over the strategies; d is positive where the strategy's conversations are the safer ones.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for subject in subjects:
        for talk in subject.talks:
            values[talk.strategy].append(talk.mean)
    rows = []
    for name, own in sorted(values.items()):
        others = [value for other, more in sorted(values.items()) if other != name for value in more]
        rows.append({"strategy": name, **distribution(own), **test(own, others)})
    return adjusted(rows)


def test(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Mann-Whitney's U and Cohen's d of two unpaired groups."""
    u, p = stats.mann_whitney(first, second)
    return plain({"u": u, "p": p, "cohen_d": stats.cohen_d(first, second)})


def adjusted(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with ``p_adjusted``: Holm over those that have a p."""
    known = [row["p"] for row in rows if row["p"] is not None]
    after = iter(stats.holm_adjusted(known))
    return [{**row, "p_adjusted": None if row["p"] is None else next(after)} for row in rows]


def scaling(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Mean score against the logarithm of size: Spearman over the models that have one (figure 5a)."""
    sized = [s for s in subjects if s.size and s.talks]
    return correlated(sized, lambda s: math.log(s.size or 1.0), lambda s: statistics.fmean(s.means))


def helpfulness(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Safety pass rate against helpfulness: Spearman over the models that have both (figure 5b)."""
    known = [s for s in subjects if helpful(s) is not None and s.talks]
    return correlated(
        known, lambda s: helpful(s) or 0.0, lambda s: statistics.fmean(t.passed for t in s.talks)
    )


def correlated(
    subjects: Sequence[Subject], x: Callable[[Subject], float], y: Callable[[Subject], float]
) -> dict[str, Any]:
    """Spearman's rank correlation of two values of each model; undefined for fewer than three."""
    rho = stats.spearman([x(s) for s in subjects], [y(s) for s in subjects])
    if len(subjects) < 3:
        rho = Figure(
            None, f"{counted(len(subjects), 'model has', 'models have')} both; a correlation takes three"
        )
    return {"n": len(subjects), **plain({"spearman": rho})}


# -- group against group --------------------------------------------------------------------------


def pairs(
    subjects: Sequence[Subject], groups: Mapping[str, Sequence[Subject]], by: str, seed: int
) -> list[dict[str, Any]]:
    """Every two groups, and every fine-tune against its base; p by Holm over all of them."""
    named = {name: own for name, own in sorted(groups.items()) if name != NO_GROUP}
    found = [] if by == "base" else [
        pair(by, (first, named[first]), (second, named[second]), seed)
        for first, second in combinations(sorted(named, key=lambda name: (name == "general", name)), 2)
    ]  # fmt: skip
    found += [
        pair("base", (tuned.name, [tuned]), (base.name, [base]), seed)
        for tuned in subjects
        for base in subjects
        if base is not tuned and tuned.base and tuned.base in base.names
    ]
    return adjusted(found)


def pair(
    kind: str, first: tuple[str, Sequence[Subject]], second: tuple[str, Sequence[Subject]], seed: int
) -> dict[str, Any]:
    """Two groups: the paper's test over all their conversations, and the paired difference first - second."""
    values = [[mean for subject in own for mean in subject.means] for _, own in (first, second)]
    return {
        "by": kind,
        "first": first[0],
        "second": second[0],
        "models": [len(first[1]), len(second[1])],
        "means": [average(own) for own in values],
        **test(*values),
        "difference": difference(first[1], second[1], seed),
    }


def difference(first: Sequence[Subject], second: Sequence[Subject], seed: int) -> dict[str, Any]:
    """Mean difference over the conversations that both groups have, each averaged over its models.

    The interval is clustered by guideline.
    """
    mine, yours = of_talks(first), of_talks(second)
    clusters = {talk.id: talk.cluster for subject in first for talk in subject.talks}
    shared = [name for name in sorted(mine) if name in yours]
    if not shared:
        return {"n": 0, **nothing("value", "low", "high", why="no conversation is scored in both")}
    drops = [mine[name] - yours[name] for name in shared]
    found = stats.bootstrap_mean(drops, [clusters[name] for name in shared], seed)
    return {"n": found.n, "value": found.value, "low": found.low, "high": found.high}


def of_talks(subjects: Sequence[Subject]) -> dict[str, float]:
    """Each conversation's mean over the models that have it."""
    found: dict[str, list[float]] = defaultdict(list)
    for subject in subjects:
        for talk in subject.talks:
            found[talk.id].append(talk.mean)
    return {name: statistics.fmean(values) for name, values in found.items()}
