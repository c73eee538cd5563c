"""A disk that fills up: a clear message, no verdict on what was not written down, and nothing lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.cli import main

from .conftest import Run, scores


class Disk:
    """A filesystem of its own, small enough to be full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.filler = path / "filler"

    def leave(self, room: int) -> None:
        """Fill it up to so many bytes."""
        self.filler.unlink(missing_ok=True)
        found = os.statvfs(self.path)
        self.filler.write_bytes(bytes(max(0, found.f_bavail * found.f_bsize - room)))

    def free(self) -> None:
        """Make room again."""
        self.filler.unlink()


@pytest.fixture
def disk(project: pytest.Pytester) -> Iterator[Disk]:
    """A disk of four megabytes in the project; skipped where nothing may be mounted."""
    path = project.path / "disk"
    path.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "jmeb", path], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing can be mounted here ({error})")
    yield Disk(path)
    subprocess.run(["umount", path], check=True)


def said(result: pytest.RunResult) -> str:
    """Everything that was printed, which held no traceback."""
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    return text


def what_was_found(path: Path) -> str:
    """results.json but for times and the run's name."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for name in ("id", "started", "finished"):
        del found["run"][name]
    return json.dumps(found)


def rows(folder: Path) -> int:
    """How many answers the journal holds."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        return db.execute("select count(*) from answers").fetchone()[0]


Start = Callable[..., pytest.RunResult]


@pytest.fixture
def start(run: Run, both: tuple[str, ...]) -> Start:
    """A run of that name whose folder is on the small disk."""

    def go(name: str, *args: str) -> pytest.RunResult:
        return run(*both, "--jmeb-out=disk/runs", f"--jmeb-run={name}", *args, model="it")

    return go


@pytest.mark.parametrize("room", [150_000, 300_000])
def test_a_disk_that_fills_up_in_the_midst(start: Start, disk: Disk, serve: Any, room: int) -> None:
    """The run ends as inconclusive and says why; with room again it ends as an undisturbed one.

    What the journal took is not asked for again.
    """
    server = serve(scores(9, 8, 7))
    disk.leave(room)
    result = start("one", "--jmeb-concurrency=4", "--junitxml=disk/junit.xml")
    assert result.ret == 10
    text = said(result)
    assert "INCONCLUSIVE: " in text
    assert "one/journal.sqlite: " in text
    assert "could not be written (database or disk is full); what was written before is kept" in text
    assert "go on with --jmeb-run=one" in text
    assert not (disk.path / "runs/one/results.json").exists()
    disk.free()
    kept, asked = rows(disk.path / "runs/one"), len(server.requests)
    assert start("one").ret == 0
    assert len(server.requests) - asked == 12 * 9 - kept
    assert asked - kept <= 4 + 1
    assert start("two").ret == 0
    first, second = (what_was_found(disk.path / f"runs/{name}/results.json") for name in ("one", "two"))
    assert first == second


def test_a_disk_without_room_for_a_journal(start: Start, disk: Disk, serve: Any) -> None:
    """It is a mistake before anything is asked, and the folder can be used once there is room."""
    server = serve(scores(9, 8, 7))
    disk.leave(0)
    result = start("one")
    assert result.ret == 4
    assert "disk is full" in said(result) or "No space left on device" in said(result)
    assert server.requests == []
    disk.free()
    assert start("one").ret == 0
    assert (disk.path / "runs/.gitignore").read_text() == "*\n"


def test_a_command_whose_disk_fills_up_in_the_midst(
    run: Run, disk: Disk, serve, project, monkeypatch, capsys
):
    """It ends as inconclusive with the journal's name, and goes on where it was once there is room."""
    server = serve(scores(9, 8, 7))
    assert run("--jmeb-out=disk/runs", "--jmeb-run=one", model="it").ret == 0
    monkeypatch.chdir(project.path)
    asked = len(server.requests)
    disk.leave(200_000)
    command = [
        "rejudge",
        "one",
        "--judge",
        "two",
        "--judge",
        "demo/judge-a",
        "--out",
        "disk/runs",
        "--run",
        "new",
    ]
    assert main(command) == 10
    said = capsys.readouterr().err
    assert "runs/new/journal.sqlite: " in said
    assert "could not be written (database or disk is full)" in said
    disk.free()
    assert main(command) in (0, 1, 10)
    assert (disk.path / "runs/new/results.json").exists()
    assert 36 <= len(server.requests) - asked <= 36 + 64


def test_reports_with_something_in_the_way(project: Any, run: Run, both: Any, serve: Any) -> None:
    """No file of an end that the run did not come to: the earlier reports stay, or there are none."""
    serve(scores(9, 8, 7))
    folder = project.path / ".jmeb/one"
    (folder / "scores.csv").mkdir(parents=True)
    result = run(*both, "--jmeb-run=one", model="it")
    assert result.ret == 10
    assert f"{folder / 'scores.csv'}: cannot be written (Is a directory); no answer is lost" in said(result)
    assert sorted(path.name for path in folder.iterdir()) == ["journal.sqlite", "lock", "scores.csv"]


@pytest.mark.parametrize("name", ["results.json", "report.html"])
def test_reports_that_do_not_fit(project: Any, run: Run, both: Any, serve: Any, name: str) -> None:
    """Nothing holds that was not written down; every answer is kept, and no half of a report is left."""
    server = serve(scores(9, 8, 7))
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    folder = project.path / ".jmeb/one"
    whole, asked = what_was_found(folder / "results.json"), len(server.requests)
    for path in folder.iterdir():
        if path.name not in ("journal.sqlite", "lock"):
            path.unlink()
    (folder / f".{name}.new").symlink_to("/dev/full")
    result = run(*both, "--jmeb-run=one", model="it")
    assert result.ret == 10
    text = said(result)
    assert f"INCONCLUSIVE: {folder / name}: cannot be written (No space left on device)" in text
    assert "no answer is lost. Free some space" in text
    assert "--jmeb-run=one: nothing is asked twice" in text
    assert "files: " not in text
    assert sorted(path.name for path in folder.iterdir()) == ["journal.sqlite", "lock"]
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    assert what_was_found(folder / "results.json") == whole
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("model", "ends", "word"), [("demo", 10, "INCONCLUSIVE"), ("demo/compliant", 1, "UNSAFE")]
)
def test_a_junit_file_that_cannot_be_written(run: Run, both, project, model, ends, word) -> None:
    """A pipeline that lacks a report must not be green; what is unsafe stays unsafe."""
    result = run(*both, "--junitxml=/dev/full", "--jmeb-run=one", model=model)
    assert result.ret == ends
    text = said(result)
    assert "/dev/full: cannot be written (No space left on device). Free some space" in text
    assert "repeat the command with --jmeb-run=one: nothing is asked twice" in text
    assert f"{word}: " in text
    found = json.loads((project.path / ".jmeb/one/results.json").read_text(encoding="utf-8"))
    assert found["run"]["exit_status"] == ends


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("gate", "one", "--write"), ".jmeb/one/report.html"),
        (("rejudge", "one", "--judge", "demo/judge-b", "--judge", "one", "--run", "again"), ".jmeb/again/results.json"),
        (("merge", "one", "--to", "again"), ".jmeb/again/results.json"),
        (("baseline", "accept", "one"), "jmeb-baseline.json"),
        (("compare", "one", "--to", "again"), "again/compare.json"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_write(run: Run, project, serve, monkeypatch, capsys, command, name) -> None:
    """It names the file and why, and leaves neither half of it nor a draft; what was there stays."""
    serve(scores(9, 8, 7))
    assert run("--jmeb-run=one", model="it").ret == 0
    monkeypatch.chdir(project.path)
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.symlink_to("/dev/full")
    before = path.read_bytes() if path.exists() else None
    assert main(command) in (4, 10)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert (path.parent.name if command[0] == "compare" else name) in said.err
    assert "No space left on device" in said.err
    assert (path.read_bytes() if path.exists() else None) == before
    assert not draft.is_symlink()


@pytest.mark.parametrize(
    ("error", "ends"),
    [("OSError(28, 'No space left on device', 'theirs.html')", 10), ("ConnectionError('gone')", 1)],
)
def test_another_plugins_file_and_another_plugins_fault(run: Run, both, project, error, ends) -> None:
    """A report of another plugin that does not fit is named; what else is wrong with it stays its own."""
    project.makeconftest(f"def pytest_sessionfinish(session):\n    raise {error}\n")
    words = ("--jmeb-model=demo", "--jmeb-suite=toy", "--jmeb-run=one", "-p", "no:rerunfailures", *both)
    result = project.runpytest_subprocess(*words)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == ends
    assert ("theirs.html: cannot be written (No space left on device)" in said) is (ends == 10)
    assert ("ConnectionError: gone" in said) is (ends == 1)
