"""What is compared: models of several runs, each with its scored conversations and its facts."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.baseline import HASHES, base_id, hashes_of
from jmeb_plugin.errors import RunError
from jmeb_plugin.figures import counted
from jmeb_plugin.scores import JAILBREAK

GROUPINGS = ("category", "base", "family")
NO_GROUP = "–"


@dataclass(frozen=True, slots=True)
class Talk:
    """One scored conversation with one model, its repeats averaged.

    ``pair`` is its id without the language: what it shares with itself in the other one. ``passed``
    is the share of repeats whose every turn is above the jailbreak band.
    """

    id: str
    cluster: str
    strategy: str
    language: str
    pair: str
    turns: tuple[float, ...]
    passed: float

    @property
    def mean(self) -> float:
        """The mean over its turns."""
        return statistics.fmean(self.turns)


@dataclass(frozen=True)
class Subject:
    """A model of a run. ``names``: what ``base`` of another model may call it.

    ``talks`` are those of harmful suites that have a score, in the order of ids; ``unscored`` counts
    the others. ``helpful``: the languages of its helpfulness.json, empty where nothing is attached.
    """

    name: str
    run: str
    names: tuple[str, ...]
    category: str
    base: str
    family: str
    size: float | None
    talks: tuple[Talk, ...]
    unscored: int
    helpful: Mapping[str, Mapping[str, Any]]

    @property
    def means(self) -> list[float]:
        """The mean of each conversation."""
        return [talk.mean for talk in self.talks]

    def group(self, by: str, others: Sequence[Subject]) -> str:
        """Its group: what its endpoint says, of ``base`` the model that it or others were tuned from."""
        if by == "base":
            tuned = any(other.base in self.names for other in others if other.base)
            own = self.name if tuned else NO_GROUP
            return next((o.name for o in others if self.base in o.names), self.base) if self.base else own
        return str(getattr(self, by)) or NO_GROUP


def subjects_of(results: Mapping[str, Any], helpful: Mapping[str, Any]) -> list[Subject]:
    """The models of one run, from its results.json and the models of its helpfulness.json."""
    run = results["run"]
    benign = {suite["name"] for suite in run["suites"] if suite.get("kind", "harmful") != "harmful"}
    rows: dict[str, dict[str, list[Mapping[str, Any]]]] = {
        name: defaultdict(list) for name in results["models"]
    }
    for row in results["verdicts"]:
        if row["suite"] not in benign:
            rows[row["model"]][base_id(row["id"])].append(row)
    found = []
    for name, own in rows.items():
        facts = run["endpoints"].get(name, {})
        talks = [talk(name, group) for name, group in sorted(own.items())]
        found.append(
            Subject(
                name=name,
                run=run["id"],
                names=(name, facts.get("model") or name),
                **{fact: facts.get(fact) or "" for fact in GROUPINGS},
                size=facts.get("size"),
                talks=tuple(talk for talk in talks if talk is not None),
                unscored=talks.count(None),
                helpful=helpful.get(name, {}).get("languages", {}),
            )
        )
    return found


def talk(name: str, rows: Sequence[Mapping[str, Any]]) -> Talk | None:
    """One conversation from its repeats; ``None`` where none of them has a score."""
    scored = [[turn["score"] for turn in row["turns"]] for row in rows if row["mean"] is not None]
    if not scored:
        return None
    suite, _, rest = name.partition("::")
    guideline, strategy, language, number = rest.split("/")
    return Talk(
        id=name,
        cluster=f"{suite}::{guideline}",
        strategy=strategy,
        language=language,
        pair=f"{suite}::{guideline}/{strategy}/{number}",
        turns=tuple(statistics.fmean(column) for column in zip(*scored, strict=True)),
        passed=statistics.fmean(all(turn > JAILBREAK for turn in turns) for turns in scored),
    )


def told_apart(subjects: Sequence[Subject]) -> list[Subject]:
    """The models, those of one name with their run's name as well."""
    times = Counter(subject.name for subject in subjects)
    return [
        replace(subject, name=f"{subject.name} ({subject.run})") if times[subject.name] > 1 else subject
        for subject in subjects
    ]


def unlike(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs between the first of these runs and each other one, in words; empty where nothing does."""
    first, *others = (results["run"] for results in runs)
    found = [
        f"run {run['id']} had its user's turns made up by {run['attacker']}"
        for run in (first, *others)
        if run.get("attacker")
    ]
    for other in others:
        mine, yours = hashes_of(first), hashes_of(other)
        names = [name for name in HASHES if mine[name] != yours[name]]
        if names:
            found.append(f"run {other['id']} had other {' and other '.join(names)} than run {first['id']}")
    return found


def refuse_unlike(runs: Sequence[Mapping[str, Any]], *, force: bool) -> list[str]:
    """`unlike`, or unless ``force`` a `RunError` where there is anything."""
    found = unlike(runs)
    if found and not force:
        raise RunError(
            f"{'; '.join(found)}; expected the same suites, rubric and judges, "
            f"or --force, which every output will say"
        )
    return found


def remarks(runs: Sequence[Mapping[str, Any]], subjects: Sequence[Subject]) -> Iterator[str]:
    """What a reader must know before reading on: other conversations, other ends, what the suite is."""
    yield from dict.fromkeys(
        f"suite {suite['name']} {suite['version']}{': ' if suite['note'] else ''}{suite['note']}"
        for results in runs
        for suite in results["run"]["suites"]
    )
    for results in runs:
        run = results["run"]
        if run["partial"]:
            yield f"run {run['id']} is partial: {run['partial']}"
        if run["exit_status"] != 0:
            reason = f": {run['exit_reason']}" if run["exit_reason"] else ""
            yield f"run {run['id']} ended with {run['exit_status']}{reason}"
    for subject in subjects:
        if subject.unscored:
            lost = counted(subject.unscored, "conversation has", "conversations have")
            yield f"{subject.name}: {lost} no score and {'is' if subject.unscored == 1 else 'are'} left out"
    ids = [{talk.id for talk in subject.talks} for subject in subjects]
    if len({frozenset(own) for own in ids}) > 1:
        yield (
            f"the models were not scored on the same conversations: {len(set.intersection(*ids))} are "
            f"scored in all, {len(set.union(*ids))} in any; only paired differences are over the same ones"
        )
