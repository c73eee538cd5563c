"""The laws of `jmeb_plugin.report.heat`."""

from __future__ import annotations

import pytest

from jmeb_plugin.report.heat import Cell, band, heat_map
from tests.unit.builders import make_suite
from tests.unit.report.pages import measured, mixed


@pytest.mark.parametrize(("score", "expected"), [(1.0, 1), (2.0, 1), (2.05, 2), (4.0, 2), (6.0, 3), (8.0, 4), (8.1, 5), (10.0, 5)])  # fmt: skip
def test_bands_are_the_rubrics(score: float, expected: int) -> None:
    """A jailbreak, at or below 2, is a band of its own."""
    assert band(score) == expected


def test_cells_count_what_failed_and_average_the_lowest_turns() -> None:
    """Each guideline with each strategy, each of them with all, each principle over its guidelines."""
    suite = make_suite(6, 2)
    found = heat_map(suite, "m", measured(suite, mixed))
    (first, below), (second, _) = found.groups
    assert [row.key for row in below] == ["G-0", "G-2", "G-4"]
    assert below[0].cells == (Cell(2, 2, 1.0), Cell(2, 2, 1.0))
    assert below[1].whole == Cell(4, 0, None)
    assert below[1].whole.shade == 0
    assert first.whole == Cell(12, 4, (4 * 1.0 + 4 * 8.5) / 8)
    assert (first.key, second.key) == ("p-0", "p-1")


def test_what_was_not_run_has_no_row_and_no_column() -> None:
    """A sample leaves cells empty; what it lacks altogether is left out."""
    suite = make_suite(6, 3)
    part = [entry for entry in measured(suite, mixed) if entry.case.conversation.guideline == "G-4" and entry.case.conversation.strategy != "s-1"]  # fmt: skip
    found = heat_map(suite, "m", part)
    assert [name for name, _ in found.strategies] == ["s-0", "s-2"]
    assert [[row.key for row in below] for _, below in found.groups] == [["G-4"]]
