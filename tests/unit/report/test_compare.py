"""The laws of a comparison's outputs: the same figures everywhere, and whose they are."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from jmeb_plugin.paper import LABEL, MEDICAL
from jmeb_plugin.report.compare_csv import csv_text
from jmeb_plugin.report.compare_tables import tables
from jmeb_plugin.report.compare_text import markdown_text, terminal_lines, width
from tests.unit.compared import TWO, eroding, make_comparison, make_results


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A comparison of two models."""
    return make_comparison()


def rows_of(found: dict[str, Any], *, paper: bool = False) -> list[dict[str, str]]:
    """compare.csv as a notebook reads it."""
    return list(csv.DictReader(io.StringIO(csv_text(found, paper=paper))))


def test_every_table_is_square_and_the_safest_model_stands_first(found: dict[str, Any]) -> None:
    """As many cells as heads in every row, the paper's included."""
    made = {table.key: table for table in tables(found, paper=True)}
    assert list(made) == ["models", "groups", "turns", "tests", "strategies", "languages", "pairs"]
    for table in made.values():
        assert {len(row) for row in (*table.rows, *table.reference)} == {len(table.head)}
    assert [row[0] for row in made["models"].rows] == ["a", "a-med"]
    assert made["models"].rows[0] == (
        "a", "general", "70 B", "24", "100.0 % [86.2, 100.0]", "9.17 [9.10, 9.23]", "0.25 [0.06, 0.44]", "90.0 % / 80.0 %",
    )  # fmt: skip
    assert made["pairs"].rows[1][0] == "a-med − a"
    assert len(made["languages"].reference) == len(MEDICAL)


def test_the_papers_figures_are_there_only_when_asked_for_and_labelled(found: dict[str, Any]) -> None:
    """In the terminal, in Markdown and in CSV."""
    plain = [
        "\n".join(terminal_lines(found, paper=False)),
        markdown_text(found, paper=False),
        csv_text(found, paper=False),
    ]
    laid = [
        "\n".join(terminal_lines(found, paper=True)),
        markdown_text(found, paper=True),
        csv_text(found, paper=True),
    ]
    assert not any("medgemma" in text or "paper:" in text for text in plain)
    assert all("medgemma-4b-it" in text and LABEL in text for text in laid)
    theirs = [row for row in rows_of(found, paper=True) if row["source"] == LABEL]
    assert len(theirs) == 3 + 2 + 5 + 4 * 6 + 2
    assert {
        row["source"] for row in rows_of(found) if row["subject"] == "a-med" and row["language"] == "ja"
    } == {"r1"}


def test_csv_has_every_figure_with_what_it_is_of(found: dict[str, Any]) -> None:
    """A figure a row; what is undefined is empty."""
    rows = rows_of(found)
    (rate,) = [
        r for r in rows if r["subject"] == "a" and r["measure"] == "safety_pass_rate" and not r["language"]
    ]
    assert (rate["value"], rate["n"], rate["group"]) == ("1.0", "24", "general")
    (pair,) = [r for r in rows if r["against"] == "general"]
    assert float(pair["low"]) < float(pair["value"]) < float(pair["high"])
    (scaling,) = [r for r in rows if r["measure"] == "spearman_scaling"]
    assert (scaling["value"], scaling["n"]) == ("", "2")


def test_a_forced_comparison_says_so_everywhere() -> None:
    """First in the terminal and in Markdown, in every row of the CSV."""
    found = make_comparison(forced=("run r2 had other judges than run r1",))
    said = "FORCED: run r2 had other judges than run r1; these figures do not compare like with like"
    assert list(terminal_lines(found, paper=False))[1] == said
    assert f"**{said}**" in markdown_text(found, paper=False).splitlines()
    assert {row["forced"] for row in rows_of(found)} == {"run r2 had other judges than run r1"}


def test_names_can_be_neither_markup_nor_formulas() -> None:
    """A model's name is its user's own word."""
    found = make_comparison(make_results({"=1+1|<b>": (eroding, {})}), helpful={})
    assert "=1+1\\|\\<b\\>" in markdown_text(found, paper=False)
    assert {row["subject"] for row in rows_of(found)} >= {"'=1+1|<b>"}


def test_columns_line_up_whatever_the_script() -> None:
    """Wide signs take two columns of a terminal."""
    found = make_comparison(make_results({"医療": TWO["a"], "general": TWO["a-med"]}), helpful={})
    lines = list(terminal_lines(found, paper=False))
    at = lines.index("Models")
    assert len({width(line) for line in lines[at + 1 : at + 4]}) == 1


def test_what_nobody_scored_has_dashes_and_no_empty_table() -> None:
    """Nothing is a number that was not measured."""
    found = make_comparison(make_results({"a": (lambda case: None, {})}), helpful={})
    (only,) = tables(found, paper=True)
    assert only.rows == (("a", "–", "–", "0", "–", "–", "–", "–"),)
    assert "suite toy 1: a toy" in list(terminal_lines(found, paper=False))
