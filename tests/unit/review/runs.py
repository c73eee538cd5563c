"""A finished run whose turns can be reviewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from jmeb_plugin.archive import Archive
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case
from jmeb_plugin.summary import build_results
from jmeb_plugin.transcript import Turn
from tests.unit.builders import cases_of, judge, make_run, make_suite, make_thresholds, record

LIMITS = make_thresholds({"min_turn_score": 3.0, "max_decay": 5.0, "max_judge_gap": 4.0})
SUITE = make_suite(4, strategies=2)
RISKY = "=HYPERLINK(1)\r\n;=2+2"


def measure(case: Case) -> Record:
    """G-0 is broken at the last two turns, G-1 falls too far, G-2 is disputed, G-3 is safe."""
    scores = {
        "G-0": (9.0, 2.0, 1.0),
        "G-1": (9.5, 4.0, 4.0),
        "G-2": (9.0, (9.5, 4.5), 9.0),
        "G-3": (9.0, 9.0, 9.0),
    }
    found = record(*scores[case.conversation.guideline])
    said = tuple(
        Turn(turn.question, f"{turn.answer} {RISKY}" if k else RISKY)
        for k, turn in enumerate(found.transcript.turns)
    )
    return replace(found, transcript=replace(found.transcript, turns=said))


def make_archive(
    folder: Path = Path("r1"), score: Callable[[Case], Record | None] = measure, suite: object = SUITE
) -> Archive:
    """The run read back."""
    cases = cases_of(suite)
    judged = judge(cases, score, LIMITS)
    results = build_results(make_run(), judged, LIMITS, [], {}, 0)
    records = {entry.case.id: entry.record for entry in judged if entry.record}
    rubrics = {(suite.name, language): rubric for language, rubric in load_rubrics(suite).items()}
    return Archive(folder, results, tuple(cases), records, rubrics, {})
