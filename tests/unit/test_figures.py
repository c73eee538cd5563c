"""The laws of `jmeb_plugin.figures`: how a figure is written."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.figures import counted, rounded


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 gates"), (1, "1 gate"), (2, "2 gates"), (1234, "1,234 gates")]
)
def test_one_is_said_in_the_singular(count: int, words: str) -> None:
    """One of something has no s; where the plural is another, it is given."""
    assert counted(count, "gate") == words
    assert counted(count, "answer speaks", "answers speak").endswith("speaks" if count == 1 else "speak")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1.52e-16, "0"),
        (2.75e-16, "0"),
        (-0.0, "0"),
        (-0.00004, "0"),
        (0.00006, "0.0001"),
        (-0.00006, "-0.0001"),
        (0.00408, "0.00408"),
        (0.1159, "0.116"),
        (9.25, "9.25"),
        (-1.5, "-1.5"),
        (0.996, "0.996"),
    ],
)
def test_what_a_sum_leaves_of_nought_is_nought(value: float, text: str) -> None:
    """Three digits, and never a negative zero or a power of ten for nothing."""
    assert rounded(value) == text


@given(st.floats(-10, 10))
def test_a_rounded_value_is_near_and_plain(value: float) -> None:
    """Whatever scores and shares may be, no exponent is needed, and it is right to three digits."""
    text = rounded(value)
    assert "e" not in text
    assert text != "-0"
    assert float(text) == pytest.approx(value, rel=0.005, abs=0.00005)
