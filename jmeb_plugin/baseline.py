"""Baselines: what an earlier run scored, conversation by conversation, as results.json or a small file.

The file of ``jmeb baseline accept`` has a line for each conversation, so that a diff shows what
changed, and keeps the *first* run that was ever accepted beside the newest.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import RunError, closest, plain
from jmeb_plugin.scores import HIGHEST, LOWEST
from jmeb_plugin.shape import TEXT, Each, misfit
from jmeb_plugin.user_file import no_number, read_text
from jmeb_plugin.yaml_file import describe

KIND = "jmeb-baseline"
HASHES = ("suites", "rubric", "judges")
DECIMALS = 6
"""Of a turn's score in the file; repeats are averaged, so there may be more of them."""

FACTS = {"run": TEXT, "finished": TEXT, "suites": Each(TEXT, named=True), "rubric": TEXT, "judges": TEXT}


@dataclass(frozen=True, slots=True)
class Measured:
    """One conversation of a run, its repeats averaged. ``turns`` is empty where it has no score.

    ``unsafe``: at least one repeat broke its limits.
    """

    turns: tuple[float, ...]
    unsafe: bool

    @property
    def mean(self) -> float:
        """The mean over the turns of a scored conversation."""
        return mean_of(self.turns)


def mean_of(turns: Iterable[float]) -> float:
    """The mean of a conversation's turns, in a baseline and in the run that is held against it.

    Of the scores as the file keeps them: the same run has the same mean, read from wherever.
    """
    return statistics.fmean(kept(turn) for turn in turns)


def kept(score: float) -> float:
    """A turn's score as the file keeps it."""
    return round(score, DECIMALS)


@dataclass(frozen=True)
class Baseline:
    """A run to compare with: its name, what makes it comparable, and each model's conversations.

    ``hashes``: of suites (by name), rubric and judges. ``models``: conversations by base id.
    ``first``: the first run that was accepted, where a file remembers one.
    """

    run: str
    finished: str
    hashes: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Measured]]
    first: Baseline | None = None

    def differs(self, hashes: Mapping[str, Any]) -> list[str]:
        """What keeps a run with these hashes from being compared with this one."""
        return [name for name in HASHES if self.hashes[name] != hashes[name]]

    def refuse_unlike(self, hashes: Mapping[str, Any], where: str, otherwise: str) -> None:
        """Raise `RunError` unless a run with these hashes can be compared with this one.

        ``where`` names the option; ``otherwise`` what else could be done.
        """
        if unlike := self.differs(hashes):
            what = " and other ".join(unlike)
            raise RunError(f"{where}: run {self.run} had other {what}; expected the same{otherwise}")

    def model(self, name: str, *, several: bool) -> tuple[str, Mapping[str, Measured]]:
        """The model to compare ``name`` with: one with one whatever their names, else by name.

        Raises `RunError` where the baseline has no such model.
        """
        if name in self.models:
            return name, self.models[name]
        if not several and len(self.models) == 1:
            return next(iter(self.models.items()))
        raise RunError(f"baseline {self.run}: no model {name!r}{closest(name, self.models)}")


def hashes_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a run comparable, from the ``run`` of its results.json."""
    return {
        "suites": {suite["name"]: suite["sha256"] for suite in run["suites"]},
        "rubric": run["rubric"]["sha256"],
        "judges": run["judges"]["sha256"],
    }


def base_id(case_id: str) -> str:
    """An id without model and repeat."""
    suite, _, name = case_id.partition("::")
    return f"{suite}::{'/'.join(name.split('/')[:4])}"


def from_results(results: Mapping[str, Any]) -> Baseline:
    """The baseline that a run's results.json is."""
    groups: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in results["verdicts"]:
        groups[row["model"]][base_id(row["id"])].append(row)
    models = {
        model: {name: average(rows) for name, rows in sorted(conversations.items())}
        for model, conversations in groups.items()
    }
    run = results["run"]
    if attacker := run.get("attacker"):
        raise RunError(
            f"run {run['id']}: {attacker} made up the user's turns, so it cannot be compared; "
            f"expected a run of the fixed conversations"
        )
    return Baseline(run["id"], run["finished"], hashes_of(run), models)


def average(rows: Iterable[Mapping[str, Any]]) -> Measured:
    """One conversation from its repeats; those without a score are left out."""
    listed = list(rows)
    scored = [[turn["score"] for turn in row["turns"]] for row in listed if row["mean"] is not None]
    turns = tuple(statistics.fmean(column) for column in zip(*scored, strict=True)) if scored else ()
    return Measured(turns, any(row["outcome"] in ("failed", "xfailed") for row in listed))


def find_baseline(path: Path, out: Path) -> Path:
    """The path as it is, or where nothing is there, the run of that name in ``out``."""
    return out / path.name if not path.exists() and (out / path.name).exists() else path


def read_baseline(path: Path) -> Baseline:
    """A baseline from a run's folder, its results.json, or the file of ``jmeb baseline accept``.

    Raises `RunError` naming what the file is not.
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        text = read_text(file, RunError)
    except RunError as error:
        raise RunError(f"baseline {error}") from None
    try:
        data = json.loads(text, parse_constant=no_number)
        found = parse(data) if data.get("kind") == KIND else from_results(data)
        check_scores(found)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RunError(
            f"baseline {file}: neither results.json nor a file of `jmeb baseline accept` "
            f"({type(error).__name__}: {plain(str(error))})"
        ) from None
    return found


def check_scores(baseline: Baseline) -> None:
    """``ValueError`` for a score that no judge can have given, in the run or in the first one.

    Also for hashes and names that are no texts.
    """
    if problem := misfit({"run": baseline.run, "finished": baseline.finished, **baseline.hashes}, FACTS):
        raise ValueError(problem)
    for model, rows in baseline.models.items():
        if not isinstance(model, str):
            raise TypeError(f"model: expected a text, found {describe(model)}")
        for name, found in rows.items():
            if not all(LOWEST <= turn <= HIGHEST for turn in found.turns):
                raise ValueError(f"{name}: a score outside {LOWEST:g} to {HIGHEST:g}")
    if baseline.first is not None:
        check_scores(baseline.first)


def parse(data: Mapping[str, Any]) -> Baseline:
    """A baseline from the plain data of its file."""
    models = {
        model: {
            name: Measured(tuple(map(float, turns)), word == "unsafe")
            for name, (word, *turns) in rows.items()
        }
        for model, rows in data["models"].items()
    }
    hashes = {name: data["hashes"][name] for name in HASHES}
    first = parse(data["first"]) if data.get("first") else None
    return Baseline(str(data["run"]), str(data["finished"]), hashes, models, first)


def text_of(baseline: Baseline) -> str:
    """The file: JSON with a line for each conversation, the same for the same run."""
    return "\n".join(lines(baseline, "")) + "\n"


def lines(baseline: Baseline, indent: str) -> Iterator[str]:
    """The lines of one run in the file; `text_of` for what they are."""
    inner = indent + "  "
    yield "{" if not indent else f'{indent}"first": {{'
    for key, value in (
        *((("kind", KIND),) if not indent else ()),
        ("run", baseline.run), ("finished", baseline.finished), ("hashes", baseline.hashes),
    ):  # fmt: skip
        yield f"{inner}{json.dumps(key)}: {json.dumps(value, sort_keys=True)},"
    yield f'{inner}"models": {{'
    for place, (model, rows) in enumerate(sorted(baseline.models.items()), 1):
        yield f"{inner}  {json.dumps(model, ensure_ascii=False)}: {{"
        for index, (name, found) in enumerate(sorted(rows.items()), 1):
            word = "unsafe" if found.unsafe else "safe" if found.turns else "unscored"
            entry = json.dumps([word, *map(kept, found.turns)])
            yield f"{inner}    {json.dumps(name, ensure_ascii=False)}: {entry}{',' * (index < len(rows))}"
        yield f"{inner}  }}{',' * (place < len(baseline.models))}"
    if baseline.first is None or indent:
        yield f"{inner}}}"
    else:
        yield f"{inner}}},"
        yield from lines(baseline.first, inner)
    yield f"{indent}}}"
