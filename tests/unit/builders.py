"""Toy suites, cases, records and verdicts, each in one readable line."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from jmeb_plugin.errors import UserMistake
from jmeb_plugin.scores import Record, Score
from jmeb_plugin.suite import Case, Conversation, Guideline, Strategy, Suite, make_cases
from jmeb_plugin.thresholds import (
    ConversationLimits,
    KnownFailure,
    Override,
    ReleaseLimits,
    Thresholds,
    load_thresholds,
)
from jmeb_plugin.transcript import Transcript, Turn
from jmeb_plugin.verdict import Judged, judge_all

TODAY = dt.date(2027, 1, 15)
HEAD: dict[str, Any] = {
    "name": "toy",
    "version": "1.0",
    "kind": "harmful",
    "rubric": "safety",
    "note": "a toy",
    "languages": ["ja", "en"],
    "principles": [{"id": "p-0", "titles": {"en": "First"}}, {"id": "p-1", "titles": {"en": "Second"}}],
    "guidelines": [
        {"id": "G-0", "principle": "p-0", "titles": {"en": "Zero"}, "duty": {"en": "Do no harm."}},
        {"id": "G-1", "principle": "p-1", "titles": {"en": "One"}, "duty": {"en": "Do good."}},
    ],
    "strategies": [{"id": "slow", "name": "Slow", "description": "Step by step."}],
}


def row(language: str = "en", guideline: str = "G-0", n: int = 0, **changes: Any) -> dict[str, Any]:
    """One line of a conversations file, right unless changed."""
    return {
        "id": f"{guideline}/slow/{language}/{n}",
        "guideline": guideline,
        "strategy": "slow",
        "language": language,
        "n": n,
        "seed": "a request",
        "turns": ["First.", "Then.", "Last."],
        "source": "",
        **changes,
    }


def write_suite(folder: Path, rows: Sequence[dict[str, Any]] = (), **head: Any) -> Path:
    """A suite on disk; ``head`` replaces keys of suite.yaml (``...`` takes one away)."""
    text = {key: value for key, value in {**copy.deepcopy(HEAD), **head}.items() if value is not ...}
    (folder / "suite.yaml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    for language in ("ja", "en"):
        own = [json.dumps(entry) for entry in rows if entry["language"] == language]
        lines = ['{"canary": "do not train"}', *own]
        (folder / f"conversations.{language}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def make_suite(
    guidelines: int = 2,
    strategies: int = 1,
    per_cell: int = 1,
    languages: Sequence[str] = ("ja", "en"),
    kind: str = "harmful",
    turns: int = 3,
    name: str = "toy",
) -> Suite:
    """A suite in memory with ``per_cell`` conversations in every cell; two principles take turns."""
    names = [f"G-{k}" for k in range(guidelines)]
    ways = [f"s-{k}" for k in range(strategies)]
    talks = tuple(
        Conversation(f"{g}/{s}/{lang}/{n}", g, s, lang, n, "seed", tuple(f"turn {t}" for t in range(turns)))
        for lang in languages for g in names for s in ways for n in range(per_cell)
    )  # fmt: skip
    return Suite(
        path=Path("toy"), name=name, version="1", kind=kind, rubric="safety", note="a toy",
        languages=tuple(languages), principles={"p-0": {}, "p-1": {}},
        guidelines={g: Guideline(g, f"p-{k % 2}", {"en": g}, {"en": g}) for k, g in enumerate(names)},
        strategies={s: Strategy(s, s, s) for s in ways}, conversations=talks, sha256="0" * 64,
    )  # fmt: skip


def cases_of(suite: Suite, models: Sequence[str] = ("m",), repeats: int = 1) -> list[Case]:
    """Every case of a suite."""
    return make_cases(suite, suite.conversations, models, repeats)


def panel(*values: float | None, arbiter: Any = ...) -> tuple[Score, ...]:
    """The scores of judges a, b … on one turn, then the arbiter's if there is one."""
    heard = [Score(f"judge-{chr(97 + k)}", value, "why not") for k, value in enumerate(values)]
    return (*heard, *([] if arbiter is ... else [Score("arbiter", arbiter, "silent", arbiter=True)]))


def record(*turns: Any, trouble: str = "", excused: bool = False) -> Record:
    """What was measured: each turn is one number (both judges agree), a pair, or ready scores."""
    scores = tuple(
        turn if turn and isinstance(turn, tuple) and isinstance(turn[0], Score)
        else panel(*(turn if isinstance(turn, tuple) else (turn, turn)))
        for turn in turns
    )  # fmt: skip
    said = tuple(Turn(f"question {k}", f"answer {k}") for k in range(len(turns)))
    return Record(Transcript("id", "m", 0, said, trouble, 1.5), scores, excused)


def make_thresholds(
    conversation: dict[str, Any] | None = None,
    overrides: Sequence[Override] = (),
    known: Sequence[KnownFailure] = (),
    benign: float | None = None,
    **release: Any,
) -> Thresholds:
    """Thresholds as a file with these limits gives them; keywords are the release limits."""
    return Thresholds(
        Path("thresholds.yaml"), "f" * 64, ConversationLimits(**(conversation or {})),
        ReleaseLimits(**release), benign, tuple(overrides), tuple(known),
    )  # fmt: skip


def read_thresholds(folder: Path, text: str) -> Thresholds:
    """Thresholds from the text of a file; ``version: 1`` is put before it."""
    path = folder / "thresholds.yaml"
    path.write_text(f"version: 1\n{text}", encoding="utf-8")
    return load_thresholds(path)


def judge(
    cases: Sequence[Case],
    measure: Callable[[Case], Record | None],
    thresholds: Thresholds,
    *,
    expected: bool = False,
) -> list[Judged]:
    """Every case with its verdict; ``measure`` gives each one's record, or none if it never ran."""
    found = {case.id: measured for case in cases if (measured := measure(case)) is not None}
    return judge_all(cases, found, thresholds, TODAY, expected=expected)


def refused(error: type[UserMistake], call: Callable[[], object]) -> str:
    """The message with which a call refuses what it was given; empty where it does not."""
    try:
        call()
    except error as found:
        return str(found)
    return ""


def make_run(**changes: Any) -> dict[str, Any]:
    """The ``run`` of results.json, as the controller writes it."""
    return {
        "id": "r1", "started": "2027-01-15T00:00:00+00:00", "finished": "2027-01-15T00:01:00+00:00",
        "exit_status": 1, "exit_reason": "a gate failed", "versions": {},
        "thresholds": {"path": "thresholds.yaml", "sha256": "f" * 64, "off": ["max_regression"]},
        "rubric": {"sha256": "e" * 64}, "judges": {"names": ["judge-a", "judge-b"], "sha256": "d" * 64},
        "suites": [{"name": "toy", "version": "1", "sha256": "0" * 64, "note": "a toy"}],
        "options": {}, "endpoints": {}, "partial": "", **changes,
    }  # fmt: skip
