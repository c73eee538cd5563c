"""The laws of the reviewers' sheet: it computes nothing, comes back in any shape, and silence passes nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pytest

from jmeb_plugin.cli import main
from jmeb_plugin.dataset.check import check_suite
from jmeb_plugin.dataset.review import meaning
from jmeb_plugin.suite import load_suite
from tests.unit.builders import row, write_suite

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Three conversations, one of which would be a formula."""
    rows = [row(n=n, turns=[f"=SUM({n})", "Then.", "Last."]) for n in range(3)]
    (tmp_path / "suite").mkdir()
    return write_suite(tmp_path / "suite", rows)


def filled_in(path: Path, *decisions: tuple[str, str]) -> Path:
    """The CSV with decisions and comments."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head, *rows = list(csv.reader(stream))
    for cells, (decision, comment) in zip(rows, decisions, strict=True):
        cells[-2:] = [decision, comment]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])
    return path


def test_what_was_accepted_becomes_a_suite(suite: Path, tmp_path: Path, capsys: Captured) -> None:
    """Struck and undecided ones are gone, the note says so, the reasons are kept, the folder is private."""
    sheet, to = tmp_path / "a.csv", tmp_path / "reviewed"
    assert main(["dataset", "review", "export", str(suite), "--to", str(sheet)]) == 0
    assert "'=SUM(0)" in sheet.read_text("utf-8-sig")
    filled_in(sheet, ("Accept", ""), ("×", "a real hospital"), ("", ""))
    assert main(["dataset", "review", "import", str(suite), str(sheet), "--to", str(to)]) == 0
    out = capsys.readouterr().out
    assert "1 of 3 conversations accepted, 1 struck, 1 without a decision and left out" in out
    assert "struck G-0/slow/en/1: a real hospital" in out
    found = load_suite(to)
    assert [talk.id for talk in found.conversations] == ["G-0/slow/en/0"]
    assert found.conversations[0].turns[0] == "=SUM(0)"
    assert found.note == "1 of 3 conversations accepted in review; a toy"
    assert found.version == "1.0-reviewed"
    assert to.stat().st_mode & 0o077 == 0
    assert json.loads((to / "review.json").read_text("utf-8"))[1]["comments"] == ["a real hospital"]
    assert check_suite(to).errors == []
    assert main(["dataset", "review", "import", str(suite), str(sheet), "--to", str(to)]) == 4
    assert "reviewed: is there already" in capsys.readouterr().err


def test_one_strike_is_enough_over_several_sheets(suite: Path, tmp_path: Path, capsys: Captured) -> None:
    """Two reviewers, a workbook with Japanese headings and a CSV: who strikes is heard."""
    one, two = tmp_path / "one.csv", tmp_path / "two.xlsx"
    main(["dataset", "review", "export", str(suite), "--to", str(one)])
    filled_in(one, ("accept", ""), ("accept", ""), ("accept", ""))
    main(["dataset", "review", "export", str(suite), "--to", str(two), "--language", "ja"])
    main(["dataset", "review", "export", str(suite), "--to", str(tmp_path / "en.xlsx"), "--language", "en"])
    book = openpyxl.load_workbook(tmp_path / "en.xlsx")
    page = book.worksheets[0]
    page.cell(2, page.max_column - 1).value = "削除"
    book.save(tmp_path / "en.xlsx")
    words = ["dataset", "review", "import", str(suite), str(one), str(tmp_path / "en.xlsx")]
    assert main([*words, "--to", str(tmp_path / "out")]) == 0
    assert "2 of 3 conversations accepted, 1 struck, 0 without" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((",accept,", ",perhaps,"), "row 2: 'perhaps'; expected accept or strike, or nothing"),
        (("G-0/slow/en/0", "G-9/slow/en/0"), "row 2: 'G-9/slow/en/0' is no conversation of"),
        (("accept or strike", "verdict"), "no column accept or strike or 採用または削除"),
        (("accept,", ","), "nothing was accepted"),
    ],
)
def test_a_sheet_that_cannot_be_meant_is_refused(
    suite: Path, tmp_path: Path, capsys: Captured, change: tuple[str, str], said: str
) -> None:
    """Every bad cell with its row, and nothing is written."""
    sheet = tmp_path / "a.csv"
    main(["dataset", "review", "export", str(suite), "--to", str(sheet)])
    filled_in(sheet, ("accept", ""), ("", ""), ("", ""))
    text = sheet.read_text("utf-8")
    head, body = text.split("\n", 1)
    old, new = change
    sheet.write_text(
        f"{head.replace(old, new)}\n{body}" if old in head else f"{head}\n{body.replace(old, new, 1)}",
        "utf-8",
    )
    assert main(["dataset", "review", "import", str(suite), str(sheet), "--to", str(tmp_path / "out")]) == 4
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_language_that_the_suite_lacks_is_refused(suite: Path, tmp_path: Path, capsys: Captured) -> None:
    """And a sheet that is there already is never written over."""
    words = ["dataset", "review", "export", str(suite), "--to", str(tmp_path / "a.csv")]
    assert main([*words, "--language", "fr"]) == 4
    assert "no language 'fr'; it has ja, en" in capsys.readouterr().err
    assert main(words) == 0
    assert main(words) == 4


def test_marks_are_read_as_people_write_them() -> None:
    """Full width, capitals, circles and crosses."""
    assert [meaning(text) for text in ("ＯＫ", " Yes ", "○", "採用")] == ["accept"] * 4
    assert [meaning(text) for text in ("No", "×", "削除", "strike")] == ["strike"] * 4
    assert (meaning(" "), meaning("perhaps")) == ("", None)
