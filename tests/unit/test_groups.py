"""The laws of two groups over the same guidelines."""

from __future__ import annotations

import pytest
import scipy.stats
from hypothesis import given, strategies as st

from jmeb_plugin import stats

SCORES = st.lists(st.integers(2, 20).map(lambda half: half / 2), min_size=2, max_size=12)


@given(SCORES, SCORES)
def test_the_interval_holds_the_difference(first, second):
    """And equal input gives equal bytes; swapped groups swap the sign."""
    clusters = [f"g{n % 3}" for n in range(len(first))], [f"g{n % 3}" for n in range(len(second))]
    found = stats.difference_of_means(first, second, clusters, 5, draws=100)
    assert found.low <= found.value <= found.high
    assert found == stats.difference_of_means(first, second, clusters, 5, draws=100)
    assert stats.difference_of_means(second, first, clusters[::-1], 5, draws=100).value == pytest.approx(
        -found.value
    )


def test_an_empty_group_has_no_difference():
    """Nor have two values of one guideline an interval, unless nothing varies."""
    assert stats.difference_of_means([], [1.0], ([], ["g"]), 0) is None
    assert stats.difference_of_means([2.0, 3.0], [1.0], (["g", "g"], ["g"]), 0) is None
    assert stats.difference_of_means([2.0], [1.0], (["g"], ["g"]), 0).low == 1.0


@given(SCORES, SCORES)
def test_welch_is_scipys_where_it_is_defined(first, second):
    """A group that is too small or constant has a reason instead."""
    t, p = stats.welch_t(first, second)
    if len(set(first)) == len(set(second)) == 1:
        assert (t.value, p.reason) == (None, "neither group varies")
    elif min(len(set(first)), len(set(second))) > 1:
        assert p.value == pytest.approx(scipy.stats.ttest_ind(first, second, equal_var=False).pvalue)
    assert stats.welch_t(first[:1], second)[1].reason == "fewer than two values in a group"


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=4), st.lists(st.floats(-3, 3), min_size=2, max_size=4))
def test_rows_and_columns_are_taken_off(rows, columns):
    """A table that is only the sum of its row and its column leaves nothing."""
    cells = [(r, c) for r in range(len(rows)) for c in range(len(columns))]
    left = stats.less_row_and_column(
        [rows[r] + columns[c] for r, c in cells], [f"r{r}" for r, _ in cells], [f"c{c}" for _, c in cells]
    )
    assert left == pytest.approx([0.0] * len(cells), abs=1e-9)
    assert stats.less_row_and_column([], [], []) == []
