"""The laws of ``jmeb compare``: finished runs in, tables and files out, nobody asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.cli import main
from tests.unit.compared import HELPFUL, TWO, make_results

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs in ``.jmeb``: ``one`` of two models, the same with other judges, and a broken one."""
    monkeypatch.chdir(tmp_path)
    keep("one", make_results(TWO, id="one"))
    keep("other", make_results(TWO, id="other", judges={"names": [], "sha256": "x"}))
    Path(".jmeb/one/helpfulness.json").write_text(json.dumps({"models": HELPFUL}), encoding="utf-8")
    return tmp_path


def keep(name: str, results: dict[str, Any]) -> None:
    """A run's folder with its results."""
    folder = Path(".jmeb") / name
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


def test_one_run_of_several_models_is_compared_and_written(runs: Path, capsys: Captured) -> None:
    """Each run once however often it is named; files only where they are asked for."""
    assert main(["compare", "one", ".jmeb/one", "--paper", "--to", "both"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 models of 1 run\n")
    assert "medical − general" in out
    assert "90.0 % / 80.0 %" in out
    found = json.loads(Path("both/compare.json").read_text("utf-8"))
    assert [row["name"] for row in found["models"]] == ["a", "a-med"]
    assert Path("both/compare.csv").read_text("utf-8").startswith("forced,source,subject")
    assert Path("both/compare.md").read_text("utf-8").startswith("# 2 models of 1 run\n")
    page = Path("both/compare.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<svg") == 7
    assert main(["compare", "one", "--group", "family"]) == 0
    assert sorted(path.name for path in runs.iterdir()) == [".jmeb", "both"]


def test_unlike_runs_are_compared_only_by_force(runs: Path, capsys: Captured) -> None:
    """A mistake that says what differs; with ``--force`` every output says it."""
    assert main(["compare", "one", "other"]) == 4
    assert "run other had other judges than run one; expected the same" in capsys.readouterr().err
    assert main(["compare", "one", "other", "--force"]) == 0
    out = capsys.readouterr().out
    assert "FORCED: run other had other judges" in out
    assert "a-med (other)" in out


def test_mistakes_are_one_message(runs: Path, capsys: Captured) -> None:
    """No such run, a damaged helpfulness.json, a place that cannot be written."""
    Path("taken").write_text("")
    assert main(["compare", "one", "--to", "taken"]) == 4
    assert "--to" in (said := capsys.readouterr().err)
    assert "cannot be written" in said
    assert main(["compare", "two"]) == 4
    assert "no run 'two'" in capsys.readouterr().err
    Path(".jmeb/one/helpfulness.json").write_text("{")
    assert main(["compare", "one"]) == 4
    assert "helpfulness.json: cannot be read" in capsys.readouterr().err
