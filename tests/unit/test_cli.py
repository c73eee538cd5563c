"""The laws of the ``jmeb`` command: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jmeb_plugin.cli import main
from tests.unit.builders import make_run, row, write_suite
from tests.unit.dataset.test_build import changed, write
from tests.unit.dataset.test_check import talk

Captured = pytest.CaptureFixture[str]


def test_checking_a_good_suite_ends_with_0(tmp_path: Path, capsys: Captured) -> None:
    """A suite without errors ends with 0 and its figures."""
    assert main(["suite", "check", str(write_suite(tmp_path, [talk("en"), talk("ja")]))]) == 0
    assert capsys.readouterr().out.endswith("0 errors, 0 warnings\n")


def test_a_finding_ends_with_1(tmp_path: Path, capsys: Captured) -> None:
    """An error in a suite is printed first, and ends with 1; a warning alone does not."""
    assert main(["suite", "check", str(write_suite(tmp_path, [row("en")]))]) == 0
    assert "warning: " in capsys.readouterr().out
    assert main(["suite", "check", str(write_suite(tmp_path, [row("ja")]))]) == 1
    assert capsys.readouterr().out.startswith(f"error: {tmp_path}/conversations.ja.jsonl:2: turn 0: no kana")


def test_building_writes_what_changed(tmp_path: Path, capsys: Captured) -> None:
    """``--check`` writes nothing and ends with 1 where something would change; then there is nothing to do."""
    folder = str(write(tmp_path))
    assert main(["suite", "build", folder, "--check"]) == 1
    assert capsys.readouterr().out.endswith("3 files, 3 out of date\n")
    assert not (tmp_path / "suite.yaml").exists()
    assert main(["suite", "build", folder]) == 0
    assert capsys.readouterr().out.startswith(f"written: {tmp_path / 'suite.yaml'}\n")
    assert main(["suite", "build", folder]) == main(["suite", "build", folder, "--check"]) == 0
    assert capsys.readouterr().out == "3 files, 0 written\n3 files, 0 out of date\n"


def test_what_a_file_system_refuses_is_one_message(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: the file and what is the matter with it, and 4; Ctrl-C ends with 2."""
    found = {"run": {**make_run(), "exit_status": 0}, "models": {}, "gates": [], "verdicts": []}
    (tmp_path / "results.json").write_text(json.dumps(found), "utf-8")
    path = tmp_path / "nowhere" / "baseline.json"
    assert main(["baseline", "accept", str(tmp_path), "--to", str(path)]) == 4
    assert capsys.readouterr().err == f"jmeb: {path}: No such file or directory\n"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jmeb_plugin.cli.suite.find_suite", stop)
    assert main(["suite", "check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "jmeb: interrupted\n"


def test_a_bundled_suite_is_found_by_its_name(capsys: Captured) -> None:
    """The suite that comes with the package needs no path."""
    assert main(["suite", "build", "jmeb", "--check"]) == 0
    assert capsys.readouterr().out == "3 files, 0 out of date\n"


def test_an_import_is_checked_and_reported(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings in the text do not undo an import; what it lacks before a run is said at the end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("no,q\n1,Why?\n2,\n", encoding="utf-8")
    (tmp_path / "m.toml").write_text('[map]\nid = "no"\n[set]\nlanguage = "fr"\n', encoding="utf-8")
    typed = ["suite", "import", "data.csv", "--to", "new suite", "--mapping", "m.toml", "--map", "turns=q"]
    given = ["--set", "guideline=A", "--set", "strategy=plain", "--kind", "benign", "--licence", "CC0"]
    assert main([*typed, *given]) == 1
    assert capsys.readouterr().err == (
        f"jmeb: 1 bad row, 0 allowed (--skip-bad):\n"
        f"{tmp_path}/data.csv:3: turns: expected a text, found an empty one\n"
    )
    assert not (tmp_path / "new suite").exists()
    assert main([*typed, *given, "--skip-bad", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"left out: {tmp_path}/data.csv:3: turns: expected a text, found an empty one"
    assert "suite new-suite 1 (benign), sha256" in "\n".join(lines)
    assert "no rubric 'over-refusal' for the language 'fr'" in lines[-2]
    assert lines[-1] == f"1 conversation in {tmp_path}/new suite"
    assert main([*typed, *given, "--skip-bad", "1"]) == 4
    assert main([*typed, "--skip-bad", "-1"]) == 4
    assert capsys.readouterr().err.endswith("jmeb: --skip-bad -1: expected a whole number from 0\n")


@pytest.mark.parametrize("action", ["check", "build"])
def test_an_unknown_suite_ends_with_4(action: str, capsys: Captured) -> None:
    """A mistake is one line on stderr without a traceback."""
    assert main(["suite", action, "jmbe"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("jmeb: no suite 'jmbe': expected a bundled name")
    assert error.count("\n") == 1


def test_a_broken_source_ends_with_4(tmp_path: Path, capsys: Captured) -> None:
    """A card that is not whole stops the build before anything is written."""
    assert main(["suite", "build", str(write(tmp_path, changed("seeds.0.card.who", ...)))]) == 4
    assert "card: who missing" in capsys.readouterr().err
    assert not (tmp_path / "suite.yaml").exists()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ([], "COMMAND"),
        (["suite"], "ACTION"),
        (["suite", "chck", "x"], "invalid choice: 'chck'"),
        (["suite", "check"], "NAME|PATH"),
    ],
)
def test_what_cannot_be_typed_ends_with_4(typed: list[str], message: str, capsys: Captured) -> None:
    """A command that does not exist or lacks its suite ends like every mistake, with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(typed)
    error = capsys.readouterr().err
    assert caught.value.code == 4
    assert error.startswith("usage: jmeb")
    assert message in error
