"""The laws of the form: blind when it goes out, exact when it comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.errors import SheetError
from jmeb_plugin.review.form import Opinion, headings, make_sheet, read_opinions
from jmeb_plugin.review.key import Key, new_key
from jmeb_plugin.review.picks import Pick, picks_of
from jmeb_plugin.review.sheets import Filled, read_sheet, write_sheet
from tests.unit.builders import refused
from tests.unit.review.runs import RISKY, make_archive

HEADINGS = ("row", "score 1 (1-10)", "comment 1", "score 2 (1-10)", "comment 2", "score 3 (1-10)")
ONE, TWO = Pick("toy::G-0/s-0/ja/0", 1, "failed"), Pick("toy::G-3/s-0/ja/0", 0, "control")
KEY = new_key().with_picks([ONE, TWO], 3)
FIRST, SECOND = KEY.row(ONE), KEY.row(TWO)


def came_back(*rows: tuple[Any, ...], name: str = "s.csv", heads: tuple[str, ...] = HEADINGS) -> Filled:
    """A sheet with these rows below its headings."""
    return Filled(name, heads, tuple(enumerate(rows, 2)))


def test_a_sheet_tells_nothing_of_judges_models_and_strategies() -> None:
    """Guideline, conversation so far, question and answer; in the order of ids that say nothing."""
    archive = make_archive()
    picks = picks_of(archive, "ja", None, 0)
    key = new_key().with_picks(picks, 2)
    sheet = make_sheet(archive, key, picks, 2, "ja")
    words = headings()["ja"]
    assert [heading for heading, _ in sheet.columns[:5]] == [
        words[k] for k in ("row", "guideline", "before", "question", "answer")
    ]
    assert [heading for heading, _ in sheet.columns[5:]] == [
        "評点1（1～10）",
        "コメント1",
        "評点2（1～10）",
        "コメント2",
    ]
    assert [row[0] for row in sheet.rows] == sorted(key.rows)
    text = "\n".join(cell for row in sheet.rows for cell in row)
    assert not any(word in text for word in ("judge", "why not", "s-0", "s-1", "toy::", "failed", "9.0"))
    shown = {key.rows[row[0]]: row for row in sheet.rows}
    _, guideline, before, question, answer, *empty = shown[ONE]
    assert (guideline, question, answer) == ("G-0 G-0\nG-0", "question 1", f"answer 1 {RISKY}")
    assert before == f"[利用者]\nquestion 0\n\n[モデル]\n{RISKY}"
    assert set(empty) == {""}
    title, lines = sheet.second
    assert title == "採点基準"
    assert lines[2] == archive.rubrics["toy", "ja"].texts["system"].split("\n")[0]


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx"])
def test_what_went_out_comes_back(tmp_path: Path, name: str) -> None:
    """Written, filled in and read again, in both formats: every row is known."""
    archive = make_archive()
    picks = picks_of(archive, None, 4, 0)
    key = new_key().with_picks(picks, 3)
    path, *_ = write_sheet(tmp_path / name, make_sheet(archive, key, picks, 3, "en"))
    sheet = read_sheet(path)
    place = sheet.headings.index("score 1 (1-10)")
    rows = tuple((number, (*cells[:place], "7.5", *cells[place + 1 :])) for number, cells in sheet.rows)
    found = read_opinions([Filled(sheet.name, sheet.headings, rows)], key)
    assert {opinion.pick for opinion in found} == set(picks)
    assert {opinion.scores for opinion in found} == {(7.5, None, None)}


def test_scores_are_read_as_people_write_them() -> None:
    """Numbers and texts, full-width, with a comma; nothing is nothing; headings of the other language."""
    japanese = ("行", "評点1 (1~10)", "コメント1", "評点2（1～10）")
    sheets = [
        came_back((FIRST, 7, " fine ", "８．５", None, ""), (SECOND, "7,5", None, None)),
        came_back((SECOND, "", "", " 9 "), name="t.csv", heads=japanese),
    ]
    one, two = sorted(read_opinions(sheets, KEY), key=lambda opinion: opinion.pick)
    assert one == Opinion(ONE, (7.0, 8.5, None), ("fine", "", ""))
    assert two == Opinion(TWO, (7.5, 9.0, None), ("", "", ""))


def test_every_bad_cell_is_named_and_nothing_is_taken() -> None:
    """File, row, column; what is there; what was expected: all of them in one message."""
    sheet = came_back(
        (FIRST, 11, "", "good", "", "2026-07-05"), ("R-NO", 5), (SECOND, 5, "", True), (SECOND, 6)
    )
    clash = (
        "s.csv: row 5, score 1 (1-10): 6 where s.csv: row 4, score 1 (1-10) has 5; expected one score, "
        "each annotator's in their own column"
    )
    assert refused(SheetError, lambda: read_opinions([sheet], KEY)).splitlines() == [
        "s.csv: row 2, score 1 (1-10): 11 is no score; expected a number from 1 to 10, or nothing",
        "s.csv: row 2, score 2 (1-10): 'good' is no score; expected a number from 1 to 10, or nothing",
        "s.csv: row 2, score 3 (1-10): '2026-07-05' is no score; expected a number from 1 to 10, or nothing",
        "s.csv: row 3, row: 'R-NO' is no row of this run's sheets",
        "s.csv: row 4, score 2 (1-10): True is no score; expected a number from 1 to 10, or nothing",
        f"s.csv: row 5: {SECOND} is also row 4; expected each row once",
        clash,
    ]
    many = came_back(*[("R-NO", 5)] * 30)
    assert refused(SheetError, lambda: read_opinions([many], KEY)).endswith("\n… and 10 more")


def test_a_sheet_needs_its_columns_and_a_score() -> None:
    """Row ids and any annotator's scores, once each; and something in them."""
    for heads, message in (
        (("rows", "score 1 (1-10)"), "s.csv: row 1: no column 'row' or '行'; did you mean 'rows'?"),
        (("row", "comment 1"), "no column 'score 1 (1-10)' or '評点1（1～10）'"),
        (("row", "score 1 (1-10)", "評点1（1～10）"), "two columns '評点1（1～10）'; expected one"),
    ):
        assert message in refused(
            SheetError, lambda heads=heads: read_opinions([came_back(heads=heads)], KEY)
        )
    assert "no score in any row" in refused(SheetError, lambda: read_opinions([came_back((FIRST, ""))], KEY))
    two = Key(KEY.secret, 1, KEY.rows)
    (only,) = read_opinions([came_back((FIRST, 4, "", 9))], two)
    assert only.scores == (4.0,)
