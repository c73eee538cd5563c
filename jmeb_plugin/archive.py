"""A run read back from its folder, for everything that is done without asking again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.baseline import base_id
from jmeb_plugin.errors import RunError, closest, plain
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import LATEST
from jmeb_plugin.journal_file import VERSION, address, refuse_version
from jmeb_plugin.judges import Rubric
from jmeb_plugin.scores import Record
from jmeb_plugin.shape import misfit
from jmeb_plugin.suite import Case, Conversation, Guideline, Strategy, Suite
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.user_file import check_file, parse_json, read_text
from jmeb_plugin.verdict import Judged, decide, judge_all, today
from jmeb_plugin.written import NOTED, RECORD, RESULTS


@dataclass(frozen=True)
class Archive:
    """A finished run: its results.json, and every conversation with what was measured of it.

    ``rubrics`` are by suite and language. Suites hold only the conversations of the run.
    """

    folder: Path
    results: Mapping[str, Any]
    cases: tuple[Case, ...]
    records: Mapping[str, Record]
    rubrics: Mapping[tuple[str, str], Rubric]
    noted: Mapping[str, Any]
    """Suites and rubrics as the journal has them, for a journal that shall hold the same."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites of the run."""
        return tuple({case.suite.name: case.suite for case in self.cases}.values())

    @property
    def models(self) -> tuple[str, ...]:
        """The models tested, as they were typed."""
        return tuple(self.results["models"])

    def judged(self, thresholds: Thresholds, *, expected: bool) -> list[Judged]:
        """Every case decided by these thresholds, excuses counted anew; see `judge_all`."""
        records = excuse(self.cases, self.records, thresholds)
        return judge_all(self.cases, records, thresholds, today(), expected=expected)

    def refuse_unfinished(self) -> None:
        """Raise `RunError` unless every conversation that was selected was held to its end.

        What was never held is in no record, so a gate over the records would not miss it.
        """
        rows = self.results["verdicts"]
        if missing := sum(row["id"] not in self.records for row in rows):
            raise RunError(
                f"{self.folder}: {missing} of {counted(len(rows), 'conversation')} not held before the run "
                f"ended; resume it first (--jmeb-run {self.folder.name})"
            )

    def case(self, case_id: str) -> Case:
        """A case by its id, or by its id without model and repeat where that leaves one."""
        found = [case for case in self.cases if case_id in case.ids]
        exact = [case for case in found if case.id == case_id]
        if len(exact or found) != 1:
            known = [case.id for case in found or self.cases]
            what = "means several" if found else "is no conversation"
            raise RunError(f"{self.folder}: {case_id!r} {what} of this run{closest(case_id, known)}")
        return (exact or found)[0]


def find_run(name: str, out: Path) -> Path:
    """The folder of a run: a path to it or to its results.json, or its name in ``out``.

    ``latest`` is the run that was written last. Raises `RunError` where there is none.
    """
    if name == LATEST:
        made = sorted(out.glob("*/results.json"), key=lambda path: path.stat().st_mtime_ns)
        if not made:
            raise RunError(f"{out}: no finished run; expected a folder with results.json")
        return made[-1].parent
    for path in (Path(name), out / name):
        folder = path.parent if path.name == "results.json" else path
        if (folder / "results.json").is_file():
            return folder
    known = [path.parent.name for path in out.glob("*/results.json")]
    raise RunError(
        f"no run {name!r}: expected a folder with results.json, or one of {out}{closest(name, known)}"
    )


def read_results(folder: Path) -> dict[str, Any]:
    """results.json of a run's folder; `RunError` where it is not one."""
    path = folder / "results.json" if folder.is_dir() else folder
    text = read_text(path, RunError)
    data: dict[str, Any] = parse_json(text, f"{path}: cannot be read as results.json", RunError)
    if not isinstance(data, dict) or not {"run", "models", "gates", "verdicts"} <= set(data):
        raise RunError(f"{path}: expected the results.json of a run, with run, models, gates and verdicts")
    if problem := misfit(data, RESULTS):
        raise RunError(f"{path}: {problem}: expected the results.json of a run, as it was written")
    check_verdicts(data, path)
    return data


def check_verdicts(data: Mapping[str, Any], path: Path) -> None:
    """Raise for a verdict of no model of the run, or one whose turns say other than its mean."""
    lengths: dict[tuple[str, str], int] = {}
    for row in data["verdicts"]:
        name, model, turns = row["id"], row["model"], row["turns"]
        place = f"{path}: verdicts: {plain(name)}"
        if model not in data["models"]:
            raise RunError(f"{place}: no model {plain(model)!r}{closest(model, data['models'])}")
        if row["mean"] is not None:
            same = lengths.setdefault((model, base_id(name)), len(turns)) == len(turns)
            if not turns or not same or any(turn["score"] is None for turn in turns):
                raise RunError(f"{place}: expected a score for each turn of a conversation that has a mean")


def open_archive(folder: Path) -> Archive:
    """Read a run back. Raises `RunError` where the folder holds no finished run of this version."""
    results = read_results(folder)
    path = folder / "journal.sqlite"
    check_file(path, RunError)
    try:
        noted, rows = read_journal(path)
        suites = {data["name"]: suite_from_json(data) for data in noted["suites"]}
        rubrics = {(suite, language): Rubric(**rubric) for suite, language, rubric in noted["rubrics"]}
        measured = [(case_from_json(row["case"], suites), Record.from_json(row["record"])) for row in rows]
    except (sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = (
            f"{type(error).__name__}: {plain(str(error))}" if not isinstance(error, sqlite3.Error) else error
        )
        raise RunError(f"{path}: cannot be read ({why}); expected the journal of a run") from None
    cases = with_conversations([case for case, _ in measured])
    records = {case.id: record for case, (_, record) in zip(cases, measured, strict=True)}
    return Archive(folder, results, tuple(cases), records, rubrics, noted)


def read_journal(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """What a journal notes of suites and rubrics, and its records; ``ValueError`` for a misshapen one."""
    with contextlib.closing(sqlite3.connect(address(path, "mode=ro"), uri=True)) as database:
        found = database.execute(
            "select name, value from meta where name in ('suites', 'rubrics', 'version')"
        )
        noted: dict[str, Any] = {"suites": [], "rubrics": []}
        noted |= {name: json.loads(value) for name, value in found}
        refuse_version(noted.pop("version", VERSION), path)
        rows = [json.loads(text) for (text,) in database.execute("select record from records order by id")]
    for value, shape in ((noted, NOTED), *((row, RECORD) for row in rows)):
        if problem := misfit(value, shape):
            raise ValueError(problem)
    return noted, rows


def case_to_json(case: Case) -> dict[str, Any]:
    """A case as plain data, without its suite."""
    return {
        "suite": case.suite.name,
        "conversation": {name: getattr(case.conversation, name) for name in case.conversation.__slots__},
        "model": case.model,
        "repeat": case.repeat,
        "name": case.name,
    }


def case_from_json(data: Mapping[str, Any], suites: Mapping[str, Suite]) -> Case:
    """Rebuild what `case_to_json` gave."""
    talk = Conversation(**{**data["conversation"], "turns": tuple(data["conversation"]["turns"])})
    return Case(suites[data["suite"]], talk, data["model"], data["repeat"], data["name"])


def suite_to_json(suite: Suite) -> dict[str, Any]:
    """A suite as plain data, without its conversations."""
    return {**asdict(dataclasses.replace(suite, conversations=())), "path": str(suite.path)}


def suite_from_json(data: Mapping[str, Any]) -> Suite:
    """Rebuild what `suite_to_json` gave."""
    return Suite(
        **{
            **data,
            "path": Path(data["path"]),
            "languages": tuple(data["languages"]),
            "guidelines": {name: Guideline(**entry) for name, entry in data["guidelines"].items()},
            "strategies": {name: Strategy(**entry) for name, entry in data["strategies"].items()},
            "conversations": (),
        }
    )


def with_conversations(cases: Sequence[Case]) -> list[Case]:
    """The cases, their suites holding the conversations that the cases are of."""
    talks: dict[str, dict[str, Conversation]] = {}
    for case in cases:
        talks.setdefault(case.suite.name, {})[case.conversation.id] = case.conversation
    suites = {
        case.suite.name: dataclasses.replace(case.suite, conversations=tuple(talks[case.suite.name].values()))
        for case in {case.suite.name: case for case in cases}.values()
    }
    return [dataclasses.replace(case, suite=suites[case.suite.name]) for case in cases]


def excuse(cases: Sequence[Case], records: Mapping[str, Record], thresholds: Thresholds) -> dict[str, Record]:
    """The records, of the unscored ones as many excused as these thresholds allow, in the order of ids."""
    selected = Counter(case.model for case in cases)
    left = {
        model: math.floor(thresholds.for_model(model).max_unscored_rate * count)
        for model, count in selected.items()
    }
    found = {}
    for case in sorted(cases, key=lambda case: case.id):
        record = dataclasses.replace(records[case.id], excused=False)
        verdict = decide(record, thresholds.for_case(case), len(case.conversation.turns))
        if not verdict.scored and left[case.model] > 0:
            left[case.model] -= 1
            record = dataclasses.replace(record, excused=True)
        found[case.id] = record
    return found
