"""The laws of sheets as files: nothing in them is computed, and what comes back is read."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from openpyxl import load_workbook

from jmeb_plugin.errors import SheetError
from jmeb_plugin.review.sheets import (
    MOST,
    Sheet,
    check_new,
    csv_bytes,
    read_sheet,
    safe_cell,
    workbook,
    write_sheet,
)
from tests.unit.builders import refused

CUT = "(cut)"
COLUMNS = (("row", "narrow"), ("text", "wide"), ("score 1 (1-10)", "score"))


def sheet(*texts: str) -> Sheet:
    """A sheet of these texts."""
    rows = tuple((f"R-{k}", text, "") for k, text in enumerate(texts))
    return Sheet("answers", COLUMNS, rows, ("rubric", ("Be fair.", "=1")), CUT)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1", "\u3000＝1", "\u00a0@x", "＋1", "－1", "＠x", "\tx"],
)  # fmt: skip
def test_a_cell_that_would_be_computed_is_quoted(text: str) -> None:
    """Signs of a formula, in full width too, after blanks of any kind; tabs and carriage returns."""
    assert safe_cell(text, CUT).startswith("'")


@given(st.text() | st.text("=+-@＝ \t\r\n;'\"x"))
def test_no_cell_ever_begins_a_formula(text: str) -> None:
    """Whatever a model wrote: in either format, and however a CSV is split."""
    written = sheet(text)
    book = load_workbook(io.BytesIO(workbook(written)))
    assert all(cell.data_type != "f" for page in book for row in page for cell in row)
    raw = csv_bytes(written).decode("utf-8-sig")
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(raw, newline=""), delimiter=separator):
            assert not any(cell.strip()[:1] in tuple("=@＝＠") for cell in row if cell)


def test_a_text_keeps_its_words() -> None:
    """Line breaks stay, control signs are shown, what no cell holds is cut and says so."""
    assert safe_cell("a\r\nb\rc\x00 = d", CUT) == "a\nb\nc\\x00 = d"
    long = safe_cell("x" * (MOST + 1), CUT)
    assert (len(long), long[-6:]) == (MOST + 6, "\n(cut)")
    assert csv_bytes(sheet("a\n- b; - c\n=d")).decode("utf-8-sig").count("a\n- b; - c\n'=d") == 1
    assert safe_cell("a\n=b", CUT) == "a\n=b"  # in a workbook it stays one cell


@pytest.mark.parametrize(
    "part",
    [
        "=1",
        " =1",
        "＝1",
        "+1",
        "-1",
        "- 1+cmd|' /C calc'!A0",
        "- 1+1",
        "+ SUM(A1)",
        "－ cmd｜x！A0",
        "@x",
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "\n", "\n\n", "\r\n", " ; "])
def test_no_part_of_a_cell_begins_a_formula(separator: str, part: str) -> None:
    """Nor where whoever opens the CSV splits it elsewhere; what is only an item of a list is left as it is."""
    raw = csv_bytes(sheet(f"a{separator}{part}")).decode("utf-8-sig")
    cells = [cell.strip() for cell in re.split(r"[;\t\n]", raw)]
    assert any(cell.startswith("'") and part in cell for cell in cells)
    assert not any(cell.startswith(part) for cell in cells)


def test_many_blank_lines_take_no_time() -> None:
    """The look at a text grows with its length alone."""
    began = time.process_time()
    csv_bytes(sheet("\n" * MOST, ("\n" + " " * 99) * 300, "\n- (" * 8000))
    assert time.process_time() - began < 2


def test_a_workbook_is_ready_to_be_filled_in(tmp_path: Path) -> None:
    """Headings stay in sight, scores are numbers from 1 to 10, the rubric is the second sheet."""
    (path,) = write_sheet(tmp_path / "s.xlsx", sheet("Hello.", "=1"))
    book = load_workbook(path)
    first, second = book.worksheets
    assert (first.title, second.title, first.freeze_panes) == ("answers", "rubric", "B2")
    assert [cell.value for cell in second["A"]] == ["Be fair.", "'=1"]
    (rule,) = first.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1, rule.formula2) == ("C2:C3", "1", "10")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_csv_has_its_rubric_beside_it(tmp_path: Path) -> None:
    """With a byte order mark, by which Excel knows UTF-8."""
    path, rubric = write_sheet(tmp_path / "s.csv", sheet("こんにちは"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbfrow,text,score 1 (1-10)\r\n")
    assert (rubric.name, rubric.read_text("utf-8-sig")) == ("s-rubric.txt", "Be fair.\n=1")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("s.csv", "row,評点\r\nR-0,8\r\n\r\n".encode("utf-8-sig")),
        ("s.csv", "row;評点\nR-0;8\n".encode()),
        ("s.csv", "row\t評点\r\nR-0\t8\r\n".encode("utf-16")),
        ("s.csv", "row,評点\r\nR-0,8\r\n".encode("cp932")),
    ],
)
def test_what_spreadsheets_save_is_read(tmp_path: Path, name: str, raw: bytes) -> None:
    """Other separators, UTF-16, Japanese Windows' own encoding; empty rows are none."""
    (tmp_path / name).write_bytes(raw)
    found = read_sheet(tmp_path / name)
    assert (found.headings, found.rows) == (("row", "評点"), ((2, ("R-0", "8")),))


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    """Another ending, a missing, broken or empty file; a place that cannot be written."""
    for name, content, message in (
        ("s.ods", b"", ".ods is no sheet; expected .csv or .xlsx"),
        ("s", b"", "no ending is no sheet"),
        ("s.xlsx", b"PK", "cannot be read as .xlsx"),
        ("s.csv", b"", "the sheet is empty"),
        ("s.csv", b"\x81\xff\xff", "cannot be read as .csv"),
    ):
        (tmp_path / name).write_bytes(content)
        assert message in refused(SheetError, lambda name=name: read_sheet(tmp_path / name))
    assert "cannot be read (No such file" in refused(SheetError, lambda: read_sheet(tmp_path / "none.csv"))
    assert "s.xlsx: is there already" in refused(SheetError, lambda: check_new(tmp_path / "s.xlsx"))
    place = tmp_path / "nowhere" / "s.xlsx"
    assert f"{place}: cannot be written (No such file" in refused(
        SheetError, lambda: write_sheet(place, sheet())
    )
