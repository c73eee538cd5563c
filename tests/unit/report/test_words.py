"""The laws of `jmeb_plugin.report.words`: how numbers and verdicts are said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jmeb_plugin.report.words import (
    early_text,
    gate_row,
    headline,
    money,
    number,
    outcomes,
    p_value,
    percent,
    remarks,
    shown_gates,
    signed,
    tokens,
    usage_line,
    worst,
)
from tests.unit.builders import make_run


@pytest.mark.parametrize(
    ("say", "value", "words"),
    [
        (number, 7.25, "7.2"),
        (number, None, "–"),
        (number, -1.5e-16, "0.0"),
        (percent, -1.5e-16, "0.0 %"),
        (signed, -1.5e-16, "+0.00"),
        (signed, -0.5, "-0.50"),
        (signed, None, "–"),
        (percent, 0.8767, "87.7 %"),
        (percent, None, "–"),
        (p_value, 0.0004, "p < 0.001"),
        (p_value, 0.0123, "p = 0.012"),
        (p_value, None, "p –"),
        (tokens, 999, "999"),
        (tokens, 1_500, "1.5 k"),
        (tokens, 2_340_000, "2.3 M"),
        (money, 1.239, "1.24 USD"),
        (money, None, "no price set"),
    ],
)
def test_numbers_are_said_alike(say: Callable[[Any], str], value: float | None, words: str) -> None:
    """A number has its unit, and where there is none a dash or a word, never a zero."""
    assert say(value) == words


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [(0, "all holds", "SAFE: all holds"), (1, "x", "UNSAFE: x"), (10, "", "INCONCLUSIVE"), (2, "interrupted", "INTERRUPTED: interrupted"),
     (4, "no key", "MISTAKE: no key"), (3, "", "STATUS 3")],
)  # fmt: skip
def test_the_headline_is_a_word_and_the_reason(status: int, reason: str, line: str) -> None:
    """The first line of every report says what the exit status means."""
    assert headline({"run": make_run(exit_status=status, exit_reason=reason)}) == line


def test_only_what_happened_is_listed() -> None:
    """Outcomes that did not occur are not mentioned."""
    counts = {"selected": 9, "passed": 6, "failed": 0, "xfailed": 1, "skipped": 1, "unscored": 1}
    assert (
        outcomes(counts) == "9 conversations: 6 passed, 1 failed (excused), 1 unscored (excused), 1 unscored"
    )


def test_usage_is_one_line() -> None:
    """Requests, tokens and price; a run that only showed earlier verdicts asked nothing."""
    usage = {
        "requests": 1234,
        "input_tokens": 2_000_000,
        "cached_tokens": 5_000,
        "output_tokens": 70,
        "usd": None,
    }
    assert usage_line(usage) == "1,234 requests, 2.0 M tokens in (5.0 k cached), 70 out, no price set"
    assert usage_line({}) == "nothing was asked"


def test_the_worst_come_first() -> None:
    """Slices are ranked by pass rate, equal ones by mean; three are shown."""
    rows = {
        name: {"safety_pass_rate": rate, "mean": mean}
        for name, rate, mean in [("a", 1, 9), ("b", 0.5, 8), ("c", 0.5, 4), ("d", 0.9, 9)]
    }
    assert worst(rows) == "c 50.0 % (mean 4.0), b 50.0 % (mean 8.0), d 90.0 % (mean 9.0)"


def gate(**changes: Any) -> dict[str, Any]:
    """A gate as results.json has it."""
    whole = {"name": "min_safety_pass_rate", "slice": "", "model": "m", "kind": "safety", "threshold": 0.85,
             "value": 0.9, "low": 0.87, "high": 0.92, "state": "holds", "reason": ""}  # fmt: skip
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({}, ("holds", "min_safety_pass_rate", "0.9 (0.87 to 0.92) ≥ 0.85")),
        ({"slice": "language=ja", "low": None, "high": None}, ("holds", "min_safety_pass_rate language=ja", "0.9 ≥ 0.85")),
        ({"name": "max_mean_decay", "value": None, "low": None, "state": "not-asked", "reason": "none"}, ("not-asked", "max_mean_decay", "≤ 0.85 · none")),
        ({"value": -1.5e-16, "low": -2.75e-16, "high": 1e-16}, ("holds", "min_safety_pass_rate", "0 (0 to 0) ≥ 0.85")),
        ({"threshold": None, "value": None, "low": None, "state": "off"}, ("off", "min_safety_pass_rate", "")),
    ],
)  # fmt: skip
def test_a_gate_is_a_row(changes: dict[str, Any], row: tuple[str, str, str]) -> None:
    """State, name with slice, and figure with interval against the bar, then the reason."""
    assert gate_row(gate(**changes)) == row


def test_guard_rails_that_hold_are_counted_not_listed() -> None:
    """Gates that are off and slices that hold take no line; how many hold is said once."""
    rail, bad, off = gate(slice="language=ja"), gate(slice="language=en", state="fails"), gate(state="off")
    assert shown_gates([gate(), rail, bad, off]) == [gate(), bad]
    lines = list(
        remarks({"run": make_run(), "models": {}, "gates": [gate(), rail, bad, off], "verdicts": []})
    )
    assert lines[-1] == "1 guard rail of single languages and principles holds"


def test_remarks_say_what_was_measured_and_against_what() -> None:
    """Suite with its note, thresholds with hash and what is off, and waivers that are not needed any more."""
    suites = [
        {"name": "a", "version": "1", "note": "not the published data set"},
        {"name": "b", "version": "2", "note": ""},
    ]
    thresholds = {"path": "t.yaml", "sha256": "0123456789abcdef", "off": []}
    verdicts = [{"id": f"v{k}", "waived": "known", "outcome": "passed"} for k in range(6)]
    verdicts.insert(0, {"id": "w", "waived": "known", "outcome": "xfailed"})
    run = make_run(suites=suites, thresholds=thresholds)
    assert list(remarks({"run": run, "models": {}, "gates": [], "verdicts": verdicts})) == [
        "suite a 1: not the published data set",
        "suite b 2",
        "thresholds t.yaml (sha256 0123456789ab); off: nothing",
        "known failures that passed: v0, v1, v2, v3, v4, v5",
    ]


def test_remarks_say_what_was_held_to_and_what_is_waived() -> None:
    """The limits of conversations, how gates are decided, other limits, and each waiver with its day."""
    thresholds = {
        "path": "t.yaml", "sha256": "0" * 64, "off": [],
        "conversation": {"min_turn_score": 3.0, "min_mean_score": None, "max_decay": 5.25, "max_judge_gap": None, "on_dispute": "report"},
        "benign": {"min_turn_score": 5.0},
        "release": {"m": {"decide_on": "point", "min_conversations": 134}, "n": {"decide_on": "bound", "min_conversations": None}},
        "overrides": [{"when": {"language": "en", "strategy": "slow"}, "conversation": {"max_decay": 6.0}}],
    }  # fmt: skip
    waived = [
        {"id": "a/*", "until": "2027-03-31", "reason": "vendor", "state": "in-force", "conversations": 3, "failed": 2},
        {"id": "b", "until": "2026-11-28", "reason": "hope", "state": "expired", "conversations": 1, "failed": 1},
    ]  # fmt: skip
    run = make_run(thresholds=thresholds, waivers=waived)
    assert list(remarks({"run": run, "models": {}, "gates": [], "verdicts": []}))[2:] == [
        (
            "each conversation was held to min_turn_score 3, max_decay 5.25, benign.min_turn_score 5; "
            "other limits hold for language=en and strategy=slow"
        ),
        "gates of m are decided on the estimate alone, from 134 conversations up",
        "gates of n are decided on the 95 % interval, from 1 conversation up",
        "known failure a/* (until 2027-03-31; 2 of 3 conversations failed): vendor",
        "known failure b (EXPIRED on 2026-11-28; 1 of 1 conversation failed): hope",
    ]


def test_what_the_pass_rate_counts_is_said_where_there_is_one() -> None:
    """It is another question than passing, which is why both numbers can stand side by side."""
    results = {"run": make_run(), "gates": [], "verdicts": []}
    said = "the safety pass rate counts every conversation whose turns all score above 2, passed or failed"
    for n, times in ((0, 0), (4, 1)):
        lines = list(remarks({**results, "models": {"m": {"safety_pass_rate": {"n": n}}}}))
        assert lines.count(said) == times


def test_a_run_that_ended_early_says_what_its_figures_are_of() -> None:
    """Whatever else has no score was held, and does not count as missing."""
    rows = [{"reason": reason} for reason in ("was not run", "turn 1: no answer", "", "was not run")]
    assert early_text({"verdicts": rows}) == (
        "ENDED EARLY: 2 of 4 conversations were held; the figures are of those"
    )
    assert early_text({"verdicts": rows[1:3]}) == ""
    assert "no conversation was held" in early_text({"verdicts": rows[:1]})


def test_changes_against_the_baseline_are_listed() -> None:
    """New failures and fixed ones by id, the first ten of each."""
    ids = [f"toy::G-0/s-0/en/{k}" for k in range(12)]
    regression = {"run": "old", "new_failures": ids, "fixed": ids[:1]}
    results = {"run": make_run(), "models": {"m": {"regression": regression}}, "gates": [], "verdicts": []}
    lines = list(remarks(results))
    assert f"new failures of m against old: {', '.join(ids[:10])} and 2 more" in lines
    assert f"fixed of m against old: {ids[0]}" in lines
