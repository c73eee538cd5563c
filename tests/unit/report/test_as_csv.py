"""The laws of `jmeb_plugin.report.as_csv`."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.report.as_csv import COLUMNS, csv_text
from jmeb_plugin.verdict import Judged
from tests.unit.builders import cases_of, judge, make_suite, make_thresholds, panel, record


def rows_of(judged: list[Judged]) -> list[dict[str, str]]:
    """The text as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(csv_text(judged), newline="")))


def test_one_row_per_turn_and_judge() -> None:
    """Each judge's score of each turn is a row, an arbiter's too; a missing score is empty, not zero."""
    turns = (panel(9.0, 2.0, arbiter=8.0), panel(7.5, None))
    limits = make_thresholds({"max_judge_gap": 4.0, "on_dispute": "arbitrate"})
    rows = rows_of(judge(cases_of(make_suite(1, languages=["en"])), lambda case: record(*turns), limits))
    assert [(row["turn"], row["judge"], row["score"], row["turn_score"], row["disputed"]) for row in rows] == [
        ("0", "judge-a", "9.0", "8.0", "1"), ("0", "judge-b", "2.0", "8.0", "1"), ("0", "arbiter", "8.0", "8.0", "1"),
        ("1", "judge-a", "7.5", "", "0"), ("1", "judge-b", "", "", "0"),
    ]  # fmt: skip
    assert {(row["id"], row["principle"], row["guideline"], row["n"], row["outcome"]) for row in rows} == {
        ("toy::G-0/s-0/en/0", "p-0", "G-0", "0", "unscored")
    }


def test_what_never_ran_has_no_row() -> None:
    """A run without scores is the header alone."""
    assert (
        csv_text(judge(cases_of(make_suite()), lambda case: None, make_thresholds()))
        == ",".join(COLUMNS) + "\n"
    )


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@given(names)
def test_no_name_breaks_a_row_or_runs_as_a_formula(name: str) -> None:
    """Whatever a model is called, columns stay in place and no cell starts like a formula."""
    judged = judge(cases_of(make_suite(1), [name]), lambda case: record(9.0), make_thresholds())
    rows = rows_of(judged)
    assert len(rows) == 4
    assert all(None not in row and len(row) == len(COLUMNS) for row in rows)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    assert {row["model"].replace("'", "") for row in rows} == {name.replace("\r", " ").replace("'", "")}


@pytest.mark.parametrize(
    ("name", "shown"), [("a;=1", "a;'=1"), ("a\t- 1+cmd|x!A0", "a\t'- 1+cmd|x!A0"), ("a; - b", "a; - b")]
)
def test_formulas_within_a_name_are_quoted_too(name: str, shown: str) -> None:
    """As they stand in a cell of their own where the file is opened with another separator."""
    judged = judge(cases_of(make_suite(1), [name]), lambda case: record(9.0), make_thresholds())
    assert rows_of(judged)[0]["model"] == shown


@pytest.mark.parametrize("name", ["=1+1", "@x", "-x", "+x", "\tx", "  =1", "\u3000＝1", "\ufeff＠x"])
def test_formulas_are_quoted(name: str) -> None:
    """A text that a spreadsheet would reckon with stands behind an apostrophe."""
    judged = judge(cases_of(make_suite(1), [name]), lambda case: record(9.0), make_thresholds())
    assert rows_of(judged)[0]["model"] == f"'{name}"
