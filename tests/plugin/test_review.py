"""The laws of ``jmeb review``: a sheet goes out, comes back, and is held against the judges."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from openpyxl import load_workbook

from jmeb_plugin.archive import case_to_json, suite_to_json
from jmeb_plugin.cli import main
from tests.unit.review.runs import make_archive

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run named ``r``, as a run leaves it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".jmeb" / "r"
    folder.mkdir(parents=True)
    archive = make_archive(folder)
    (folder / "results.json").write_text(json.dumps(archive.results), encoding="utf-8")
    database = sqlite3.connect(folder / "journal.sqlite")
    database.execute("create table meta (name text, value text)")
    database.execute("create table records (id text, record text)")
    suites = [suite_to_json(suite) for suite in archive.suites]
    rubrics = [
        [suite, language, {"name": r.name, "language": language, "texts": r.texts, "sha256": r.sha256}]
        for (suite, language), r in archive.rubrics.items()
    ]
    for name, value in (("suites", suites), ("rubrics", rubrics)):
        database.execute("insert into meta values (?, ?)", (name, json.dumps(value)))
    for case in archive.cases:
        text = json.dumps({"case": case_to_json(case), "record": archive.records[case.id].to_json()})
        database.execute("insert into records values (?, ?)", (case.id, text))
    database.commit()
    database.close()
    return folder


def test_a_sheet_goes_out_and_comes_back(run: Path, capsys: Captured) -> None:
    """Blind rows, scores of two annotators, agreement beside the paper's, kept in the run's folder."""
    assert main(["review", "export", "r", "--language", "ja", "--annotators", "2", "--control", "4"]) == 0
    assert "12 turns: 6 failed, 2 disputed, 4 control\n" in capsys.readouterr().out
    key = json.loads((run / "review-key.json").read_text("utf-8"))["rows"]
    judged = {row["id"]: row["turns"] for row in json.loads((run / "results.json").read_text())["verdicts"]}
    book = load_workbook(run / "review.xlsx")
    page = book.worksheets[0]
    for row in page.iter_rows(min_row=2):
        pick = key[row[0].value]
        score = judged[pick["case"]][pick["turn"]]["score"]
        row[5].value, row[7].value = score, min(10.0, score + 1)
    book.save("back.xlsx")
    assert main(["review", "import", "r", "back.xlsx"]) == 0
    out = capsys.readouterr().out
    assert "12 of 12 turns came back; 12 have a score (0 by the third annotator): 6 failed, 2 disputed" in out
    for line in ("0.648", "0.659", "0.796", "0.777", "76.5 %", "1.51", "not comparable figure by figure"):
        assert line in out
    found = json.loads((run / "review.json").read_text("utf-8"))
    assert found["humans"]["annotators"] == [1, 2]
    assert found["judges"]["all"]["within_2"] > 0.9
    assert len(found["turns"]) == 12


def test_mistakes_are_one_message_and_write_nothing(run: Path, capsys: Captured) -> None:
    """What cannot be meant is found before anything is written."""
    for words, message in (
        (
            ["import", "r", "s.csv"],
            "no review-key.json; expected a run whose sheets `jmeb review export` wrote",
        ),
        (["export", "r", "--annotators", "1"], "--annotators: expected a whole number from 2, found '1'"),
        (["export", "r", "--control", "-1"], "--control: expected a whole number from 0, found '-1'"),
        (["export", "r", "--to", "s.ods"], ".ods is no sheet"),
        (["export", "r", "--language", "fr"], "--language fr: the run has none (there is: en, ja)"),
    ):
        assert main(["review", *words]) == 4
        assert message in capsys.readouterr().err
    assert sorted(path.name for path in run.iterdir()) == ["journal.sqlite", "results.json"]
    assert main(["review", "export", "r", "--to", "s.csv"]) == 0
    assert {path.name for path in Path().iterdir()} == {".jmeb", "s.csv", "s-rubric.txt"}
    assert main(["review", "export", "r", "--to", "s.csv"]) == 4
    assert "s.csv: is there already, perhaps filled in; expected another --to FILE" in capsys.readouterr().err
    assert main(["review", "import", "r", "s.csv"]) == 4
    assert "s.csv: no score in any row; nothing to import" in capsys.readouterr().err
    assert not (run / "review.json").exists()
