"""Folders and files that a run cannot use: one message, nothing asked, nothing damaged."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.cli import main

from .conftest import Run, results, scores
from .test_journal_and_resume import start, wait_for


def mistake(result: pytest.RunResult, *words: str) -> None:
    """The run ended with 4 and one message that holds these words."""
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert result.ret == 4
    for word in words:
        assert word in result.stderr.str()


def content(folder: Path) -> dict[str, bytes]:
    """Every file below the folder but for locks, as its bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextmanager
def fixed(path: Path) -> Iterator[None]:
    """Nobody, root included, may change the path within the block."""
    if (
        shutil.which("chattr") is None
        or subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode
    ):
        pytest.skip("chattr +i does not work here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """The folder is one of a filesystem that is mounted read-only within the block."""
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "jmeb", path], check=False, capture_output=True
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("how", [fixed, read_only])
def test_a_folder_that_may_not_be_written(run: Run, both, project, serve, how: Callable[[Path], Any]) -> None:
    """Be it by its attributes or by its filesystem; even root gets a message."""
    server = serve(scores(9, 8, 7))
    out = project.path / "out"
    out.mkdir()
    with how(out):
        mistake(run(*both, "--jmeb-out=out", "--jmeb-run=one", model="it"), "out/one: cannot be made (")
    assert server.requests == []
    assert run(*both, "--jmeb-out=out", "--jmeb-run=one", model="it").ret == 0


def test_a_file_where_the_folder_should_be(run: Run, both, project, serve) -> None:
    """It is named, and stays."""
    server = serve(scores(9, 8, 7))
    project.path.joinpath(".jmeb").write_text("mine")
    mistake(run(*both, "--jmeb-run=one", model="it"), ".jmeb/one: cannot be made (")
    assert project.path.joinpath(".jmeb").read_text() == "mine"
    assert server.requests == []


@pytest.mark.parametrize("name", ["journal.sqlite", "lock"])
def test_a_journal_that_may_not_be_written(run: Run, both, project, serve, name) -> None:
    """Nothing is asked that could not be written down; once it may be, the run is there again."""
    server = serve(scores(9, 8, 7))
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    folder, asked = project.path / ".jmeb/one", len(server.requests)
    before = content(folder)
    with fixed(folder / name):
        mistake(run(*both, "--jmeb-run=one", model="it"), ".jmeb/one")
    assert content(folder) == before
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    assert len(server.requests) == asked


def older(path: Path) -> None:
    """A journal of version 0."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update meta set value = '0' where name = 'version'")


def foreign(path: Path) -> None:
    """Another program's database."""
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table bookmarks (url)")


def cut(path: Path) -> None:
    """The file without its last page."""
    path.write_bytes(path.read_bytes()[:-4096])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (older, "written by another version (0; expected 1); it is left as it is"),
        (foreign, "cannot be used as a journal (a database of another program); it is left as it is"),
        (cut, "cannot be used as a journal (d"),
    ],
)
def test_a_journal_that_is_not_ours_to_use(
    run: Run, both, project, serve, monkeypatch, capsys, spoil: Callable[[Path], None], words: str
) -> None:
    """Neither a run nor a command changes a byte of it, or of the reports beside it."""
    server = serve(scores(9, 8, 7))
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    folder, asked = project.path / ".jmeb/one", len(server.requests)
    spoil(folder / "journal.sqlite")
    before = content(folder)
    mistake(run(*both, "--jmeb-run=one", model="it"), "one/journal.sqlite: ", words)
    assert content(folder) == before
    assert len(server.requests) == asked
    monkeypatch.chdir(project.path)
    judges = ("--judge", "demo/judge-a", "--judge", "demo/judge-b")
    for command in (("gate", "one", "--write"), ("rejudge", "one", *judges, "--run", "again")):
        assert main(command) == 4
        assert "one/journal.sqlite: " in capsys.readouterr().err
    assert content(folder) == before


def test_commands_beside_a_run_that_goes_on(project, run: Run, serve, monkeypatch, capsys) -> None:
    """They read what is there, write over nothing of it, and the run ends as if alone."""
    server = serve(scores(9, 8, 7))
    assert run("--jmeb-run=one", "--jmeb-id=*/ja/0", "--jmeb-gate=cases", model="it").ret == 0
    assert run("--jmeb-run=alone", model="it").ret == 0
    alone = results(project)
    asked, server.seconds = len(server.requests), 0.2
    process = start(project, "-n2", "--jmeb-run=live", "--jmeb-concurrency=4")
    wait_for(server, asked + 8)
    monkeypatch.chdir(project.path)
    assert main(["gate", "live"]) == 4
    assert "no run 'live'" in capsys.readouterr().err
    shutil.copy(".jmeb/one/results.json", ".jmeb/live")  # as if this were its second session
    assert main(["gate", "live", "--write"]) == 4
    assert "live" in capsys.readouterr().err
    assert process.poll() is None
    assert process.wait(60) == 0
    found = results(project)
    assert (found["models"], found["gates"], found["verdicts"]) == tuple(
        alone[name] for name in ("models", "gates", "verdicts")
    )


def test_two_of_one_command_at_once(project, run: Run, serve, monkeypatch, capsys) -> None:
    """The second is told; the first ends with every turn judged once."""
    server = serve(scores(9, 8, 7))
    assert run("--jmeb-run=one", model="it").ret == 0
    asked, server.seconds = len(server.requests), 0.2
    monkeypatch.chdir(project.path)
    command = ["rejudge", "one", "--judge", "two", "--judge", "demo/judge-a", "--run", "again"]
    first = subprocess.Popen(
        [sys.executable, "-mjmeb_plugin.cli", *command],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_for(server, asked + 1)
    assert main(command) == 4
    complaint = capsys.readouterr().err
    assert "again: another process is running this run" in complaint
    assert "conversations ·" not in complaint
    said = first.communicate(timeout=60)[1].decode()
    assert first.returncode in (0, 1, 10), said
    assert re.fullmatch(r"(jmeb: \d+/12 conversations · .*\n)*jmeb: 12/12 conversations · .*\n", said)
    assert len(server.requests) == asked + 36
