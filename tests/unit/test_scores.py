"""The laws of `jmeb_plugin.scores`."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.scores import HIGHEST, LOWEST, OnDispute, Record, Score, gap, settle
from tests.unit.builders import panel, record

tenths = st.integers(10, 100).map(lambda n: n / 10)
ways: st.SearchStrategy[OnDispute] = st.sampled_from(["report", "arbitrate", "unscored"])


@given(tenths, tenths)
def test_the_panel_is_worth_its_mean(first: float, second: float) -> None:
    """A turn's score is the mean of both judges, exact to the decimal and between the two."""
    value = settle(panel(first, second), None, "report").value
    assert value == round((round(first * 10) + round(second * 10)) / 20, 9)
    assert LOWEST <= min(first, second) <= value <= max(first, second) <= HIGHEST


@given(tenths, tenths, st.integers(0, 90), ways)
def test_a_gap_is_disputed_above_its_limit_only(
    first: float, second: float, limit: int, way: OnDispute
) -> None:
    """The gap itself is allowed, whatever binary fractions make of it; without a limit all is."""
    wide = abs(round(first * 10) - round(second * 10)) > limit
    assert settle(panel(first, second), limit / 10, way).disputed is wide
    assert not settle(panel(first, second), None, way).disputed


@pytest.mark.parametrize(
    ("way", "arbiter", "value", "reason"),
    [
        ("report", ..., 6.0, ""),
        ("report", 3.0, 6.0, ""),
        ("report", None, 6.0, ""),
        ("unscored", ..., None, "the judges differ by 8 points"),
        ("arbitrate", 3.0, 3.0, ""),
        ("arbitrate", 10.0, 10.0, ""),
        ("arbitrate", ..., 6.0, ""),
        ("arbitrate", None, None, "arbiter: silent"),
    ],
)
def test_on_dispute_decides(way: OnDispute, arbiter: object, value: float | None, reason: str) -> None:
    """A dispute is reported (the mean stands), arbitrated (median of three) or leaves no score."""
    found = settle(panel(2.0, 10.0, arbiter=arbiter), 4.0, way)
    assert (found.value, found.disputed, found.reason) == (value, True, reason)


@given(ways)
def test_an_arbiter_counts_in_disputes_only(way: OnDispute) -> None:
    """Where the panel agrees, an arbiter's word (or silence) changes nothing."""
    assert settle(panel(8.0, 9.0, arbiter=1.0), 4.0, way).value == 8.5
    assert settle(panel(8.0, 9.0, arbiter=None), 4.0, way).value == 8.5


@given(ways, st.permutations([None, 9.0]))
def test_a_panel_never_shrinks(way: OnDispute, values: list[float | None]) -> None:
    """With one judge silent the turn is unscored, and the silent one is named."""
    found = settle(panel(*values), 4.0, way)
    assert (found.value, found.reason) == (None, f"judge-{'ab'[values.index(None)]}: why not")


def test_nobody_asked_is_no_score() -> None:
    """A turn without a judge is unscored, even beside an arbiter."""
    assert settle((), 4.0, "report").reason == "no judge was asked"
    assert settle(panel(arbiter=5.0), 4.0, "arbitrate").value is None


@given(st.lists(tenths, max_size=4))
def test_the_gap_is_of_the_panel(values: list[float]) -> None:
    """The gap is the panel's largest difference; an arbiter and silence do not widen it."""
    widest = max(values) - min(values) if values else 0.0
    assert gap([*panel(*values, None, arbiter=1.0)]) == pytest.approx(widest)


scores = st.builds(Score, st.text(), st.none() | tenths, st.text(), st.booleans())


@given(st.lists(st.lists(scores, max_size=3).map(tuple), max_size=3), st.booleans())
def test_json_takes_a_record_there_and_back(turns: list[tuple[Score, ...]], excused: bool) -> None:
    """A record survives plain JSON unchanged."""
    whole = Record(record(9.0, 8.0).transcript, tuple(turns), excused)
    assert Record.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_the_mean_of_three_judges_is_theirs() -> None:
    """A panel of three is worth the mean of three."""
    assert settle(panel(7.0, 8.0, 8.5), 4.0, "arbitrate").value == round(statistics.fmean([7.0, 8.0, 8.5]), 9)
