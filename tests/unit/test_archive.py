"""The laws of a run read back from its folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from jmeb_plugin.archive import case_to_json, find_run, open_archive, suite_to_json
from jmeb_plugin.errors import RunError
from jmeb_plugin.journal import Journal
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.scores import Record
from tests.unit.builders import cases_of, make_run, make_suite, make_thresholds, record


def write_run(folder: Path, scores: list[tuple[float, ...] | None], only: slice = slice(None)) -> list[str]:
    """A run's folder with one record for each tuple of turn scores; ``None`` is unscored. Its ids.

    Each is of a guideline of its own; ``only``: the part of them that the run holds.
    """
    suite = make_suite(len(scores), languages=("en",))
    cases = cases_of(suite)
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.note("suites", [suite_to_json(suite)])
    journal.note("rubrics", [[suite.name, k, asdict(v)] for k, v in load_rubrics(suite).items()])
    for case, turns in list(zip(cases, scores, strict=True))[only]:
        made = record(*turns) if turns else record(trouble="turn 0: no answer")
        journal.keep(case.id, {"case": case_to_json(case), "record": made.to_json()})
    journal.close()
    results = {"run": make_run(), "models": {"m": {}}, "gates": [], "verdicts": []}
    folder.joinpath("results.json").write_text(json.dumps(results), encoding="utf-8")
    return [case.id for case in cases]


def test_a_run_comes_back_whole(tmp_path: Path) -> None:
    """Cases, records, suites and rubrics are those that were written."""
    ids = write_run(tmp_path / "r", [(9.0, 8.0, 7.0), (9.0, 2.0, 1.0)])
    archive = open_archive(tmp_path / "r")
    assert [case.id for case in archive.cases] == sorted(ids)
    assert [len(suite.conversations) for suite in archive.suites] == [2]
    assert archive.suites[0].guidelines["G-0"].duty == {"en": "G-0"}
    assert {rubric.name for rubric in archive.rubrics.values()} == {"safety"}
    assert all(isinstance(archive.records[i], Record) for i in ids)
    verdicts = archive.judged(make_thresholds({"min_turn_score": 3.0}), expected=False)
    assert [entry.verdict.outcome for entry in verdicts] == ["passed", "failed"]


def test_excuses_are_counted_by_the_thresholds_at_hand(tmp_path: Path) -> None:
    """Of the unscored, as many as these thresholds allow are skipped, in the order of ids."""
    write_run(tmp_path / "r", [None, None, (9.0, 9.0, 9.0), (9.0, 9.0, 9.0)])
    archive = open_archive(tmp_path / "r")
    strict = archive.judged(make_thresholds(), expected=False)
    mild = archive.judged(make_thresholds(max_unscored_rate=0.25), expected=False)
    assert [entry.verdict.outcome for entry in strict].count("unscored") == 2
    assert [e.verdict.outcome for e in mild] == ["skipped", "unscored", "passed", "passed"]


def test_a_run_is_found_by_name_path_and_file(tmp_path: Path) -> None:
    """Its name in the out folder, its folder, its results.json, or ``latest``."""
    write_run(tmp_path / "out" / "r1", [(9.0, 9.0, 9.0)])
    folder = tmp_path / "out" / "r1"
    for name in ("r1", str(folder), str(folder / "results.json"), "latest"):
        assert find_run(name, tmp_path / "out") == folder


@pytest.mark.parametrize(("name", "message"), [("r2", "no run 'r2'"), ("latest", "no finished run")])
def test_what_is_no_run_is_said(tmp_path: Path, name: str, message: str) -> None:
    """The name, where it was looked for, and what there is."""
    with pytest.raises(RunError, match=message):
        find_run(name, tmp_path / "out")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1}'])
def test_a_broken_results_file_is_refused(tmp_path: Path, text: str) -> None:
    """Not JSON, or not a run's: one message with the file."""
    write_run(tmp_path / "r", [(9.0, 9.0, 9.0)])
    (tmp_path / "r" / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"results\.json"):
        open_archive(tmp_path / "r")


def test_a_missing_journal_is_refused(tmp_path: Path) -> None:
    """Without the journal there is nothing to read back."""
    write_run(tmp_path / "r", [(9.0, 9.0, 9.0)])
    (tmp_path / "r" / "journal.sqlite").unlink()
    with pytest.raises(RunError, match=r"journal\.sqlite: cannot be read"):
        open_archive(tmp_path / "r")


def test_a_run_that_was_not_through_decides_nothing(tmp_path: Path) -> None:
    """A conversation that was selected and never held is in no record: no gate may pass it over."""
    ids = write_run(tmp_path / "r", [(9.0, 9.0, 9.0)] * 3, only=slice(2))
    results = tmp_path / "r" / "results.json"
    row = {"suite": "toy", "model": "m", "outcome": "passed", "reason": "", "mean": None, "turns": []}
    whole = {"run": make_run(), "models": {"m": {}}, "gates": []}

    def select(names: list[str]) -> None:
        rows = [{"id": name, **row} for name in names]
        results.write_text(json.dumps({**whole, "verdicts": rows}), "utf-8")

    for selected in ([], ids[:2]):
        select(selected)
        open_archive(tmp_path / "r").refuse_unfinished()
    select(ids)
    with pytest.raises(
        RunError, match=r"r: 1 of 3 conversations not held .*; resume it first \(--jmeb-run r\)$"
    ):
        open_archive(tmp_path / "r").refuse_unfinished()


def test_a_case_is_found_by_a_part_that_leaves_one(tmp_path: Path) -> None:
    """The whole id, or without model and repeat; anything else names the closest."""
    ids = write_run(tmp_path / "r", [(9.0, 9.0, 9.0)])
    archive = open_archive(tmp_path / "r")
    assert archive.case(ids[0]).id == ids[0]
    with pytest.raises(RunError, match="is no conversation of this run; did you mean"):
        archive.case(ids[0] + "x")


def test_a_suite_keeps_its_order(tmp_path: Path) -> None:
    """Guidelines come back as the suite lists them, G-2 before G-10: reports show them in that order."""
    write_run(tmp_path / "r", [(9.0, 9.0, 9.0)] * 12)
    assert list(open_archive(tmp_path / "r").suites[0].guidelines) == [f"G-{k}" for k in range(12)]
