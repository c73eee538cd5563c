"""Nothing that was paid for is lost or paid for twice."""

from __future__ import annotations

import collections
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import QUIET, Run, results, scores
from .servers import error, score
from .test_exit_status import PRICED


def without_marks(body) -> str:
    """A request as text, the fences' codes left out."""
    return re.sub(r"\b[0-9a-f]{16}\b", "", json.dumps(body, ensure_ascii=False))


def start(project, *args: str) -> subprocess.Popen:
    """Pytest in a process of its own, which a test may kill."""
    command = [sys.executable, "-mpytest", *QUIET, "--jmeb-suite=toy", "--jmeb-model=it", "-q", *args]
    return subprocess.Popen(
        command,
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(server, count: int) -> None:
    """Until the server was asked so often."""
    deadline = time.monotonic() + 60
    while len(server.requests) < count and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("count", [3, 40, 90])
def test_a_killed_run_resumes_and_asks_nothing_twice(project, run: Run, serve, workers, count):
    """SIGKILL at any moment: what was answered is there, only what was in flight is asked again."""
    server = serve(scores(9, 8, 7), seconds=0.05)
    process = start(project, workers, "--jmeb-run=one", "--jmeb-concurrency=8")
    wait_for(server, count)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.3)
    assert run("--jmeb-run=one", workers, model="it").ret == 0
    twice = [n for n in collections.Counter(map(without_marks, server.requests)).values() if n > 1]
    assert len(twice) <= 8
    assert all(n == 2 for n in twice)
    assert len(server.requests) <= 12 * 9 + 8


def test_a_resumed_run_ends_as_an_undisturbed_one(project, run: Run, serve):
    """Times and the run's name apart, results.json is the same to the byte."""
    server = serve(scores(9, 8, 7), seconds=0.02)
    process = start(project, "-n0", "--jmeb-run=one")
    wait_for(server, 50)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    run("--jmeb-run=one", "-n0", model="it")
    first = results(project)
    run("--jmeb-run=two", "-n0", model="it")
    second = results(project)
    for found in (first, second):
        del found["run"]["started"], found["run"]["finished"], found["run"]["id"]
    assert json.dumps(first) == json.dumps(second)


def test_a_finished_run_shows_its_verdicts_and_asks_nothing(run: Run, both, serve):
    """The same command again costs nothing."""
    server = serve(scores(9, 8, 7))
    assert run(*both, "--jmeb-run=one", model="it").ret == 0
    asked = len(server.requests)
    again = run(*both, "--jmeb-run=one", model="it")
    again.assert_outcomes(passed=15)
    assert len(server.requests) == asked == 12 * 9


def test_resuming_asks_anew_only_for_unscored_turns(run: Run, serve):
    """A judge that failed is asked for a new attempt; its colleague and the target are not."""
    broken = [True]
    server = serve(lambda body: "no" if body["model"] == "judge-1" and broken[0] else score(9))
    assert run("--jmeb-run=one", model="it").ret == 10
    before = collections.Counter(request["model"] for request in server.requests)
    broken[0] = False
    assert run("--jmeb-run=one", model="it").ret == 0
    after = collections.Counter(request["model"] for request in server.requests)
    assert after - before == {"judge-1": 12 * 3}


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("--jmeb-seed=1",), "another seed"),
        (("--jmeb-repeats=2",), "another repeats"),
        (("-k", "X-1"), "another selection"),
        (("--jmeb-judge=one", "--jmeb-judge=demo/judge-a"), "another judge"),
    ],
)
def test_a_run_of_that_name_with_something_else_is_a_mistake(run: Run, serve, both, args, what):
    """Concurrency, thresholds, gate and transcripts may differ; what was measured may not.

    What the run left stays as it was.
    """
    server = serve(scores(9, 8, 7))
    run(*both, "--jmeb-run=one", model="it")
    asked, left = len(server.requests), Path(".jmeb/one/results.json").read_bytes()
    result = run(*both, "--jmeb-run=one", *args, model="it")
    assert result.ret == 4
    assert what in result.stderr.str()
    assert len(server.requests) == asked
    assert Path(".jmeb/one/results.json").read_bytes() == left
    assert run(*both, "--jmeb-run=one", "--jmeb-concurrency=3", "--jmeb-gate=cases", model="it").ret == 0


def test_two_processes_cannot_run_one_run(project, run: Run, serve):
    """The second says so, and the first goes on."""
    server = serve(scores(9, 8, 7), seconds=0.3)
    process = start(project, "-n0", "--jmeb-run=one", "--jmeb-concurrency=4")
    wait_for(server, 5)
    result = run("--jmeb-run=one", model="it")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*one: another process is running this run; *"])
    assert process.wait(60) == 0


def test_the_folder_is_private_and_ignored_by_git(run: Run, project):
    """Transcripts are nobody else's business."""
    run()
    (folder,) = project.path.glob(".jmeb/*/")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert project.path.joinpath(".jmeb/.gitignore").read_text().strip() == "*"
    assert {path.name for path in folder.iterdir()} >= {
        "journal.sqlite",
        "report.html",
        "results.json",
        "scores.csv",
        "summary.md",
    }


def test_every_answer_is_in_the_journal(run: Run, project, serve):
    """With what it was for, before anyone saw it."""
    serve(
        lambda body: (
            score(9) if body["model"].startswith("judge") else "<think>Let me see.</think>It is so. \ud800"
        )
    )
    assert run(model="it").ret == 0
    (path,) = project.path.glob(".jmeb/*/journal.sqlite")
    with sqlite3.connect(path) as db:
        rows = db.execute(
            "select role, turn, count(*) from answers group by role, turn order by role, turn"
        ).fetchall()
        (text,) = db.execute("select reply from answers where role = 'target' limit 1").fetchone()
    db.close()
    assert rows == [(role, turn, 12) for role in ("judge0", "judge1", "target") for turn in range(3)]
    reply = json.loads(text)
    assert (reply["text"], reply["reasoning"]) == ("It is so. \ufffd", "Let me see.")


def test_a_damaged_journal_is_one_message(run: Run, project, serve):
    """Nothing is overwritten."""
    serve(scores(9, 8, 7))
    folder = project.path / ".jmeb" / "one"
    folder.mkdir(parents=True)
    folder.joinpath("journal.sqlite").write_bytes(b"this is no database" * 100)
    result = run("--jmeb-run=one", model="it")
    assert result.ret == 4
    assert "cannot be used as a journal" in result.stderr.str()
    assert folder.joinpath("journal.sqlite").read_bytes().startswith(b"this is no database")


def test_what_was_found_unsafe_stays_so_however_the_next_session_ends(run: Run, project, serve, both):
    """A resumed run that comes to nothing new - the budget, the key - still knows what it knew."""
    dead = [False]

    def answer(body):
        text = body["messages"][-1]["content"]
        if "Y-1" in text and not body["model"].startswith("judge"):
            return (401, error("invalid_api_key")) if dead[0] else (402, error("payment_required"))
        return score(1)

    serve(answer, toml=PRICED)
    args = (*both, "--jmeb-run=one", "--jmeb-gate=cases", "--jmeb-concurrency=1")
    assert run(*args, model="it").ret == 1
    first = results(project)["models"]["it"]["conversations"]
    assert first["failed"] > 0 < first["unscored"]
    for more, said in (("--jmeb-budget=0.0001", "--jmeb-budget"), ("--jmeb-budget=99", "401")):
        dead[0] = True
        assert run(*args, more, model="it").ret == 1
        found = results(project)
        assert found["models"]["it"]["conversations"] == first
        assert f"{first['failed']} conversations failed; " in found["run"]["exit_reason"]
        assert said in found["run"]["exit_reason"]


def test_a_dead_key_hides_nothing_whatever_comes_first(project, run: Run, serve):
    """Even where no failure was reported again: the process says what results.json says."""
    dead = [False]

    def answer(body):
        if "Y-1" in body["messages"][-1]["content"] and not body["model"].startswith("judge"):
            return (401, error("invalid_api_key")) if dead[0] else (402, error("payment_required"))
        return score(1)

    serve(answer)
    project.makepyfile(backwards="def pytest_collection_modifyitems(items): items.reverse()")
    project.syspathinsert()
    args = ("--jmeb-run=one", "--jmeb-gate=cases", "--jmeb-concurrency=1")
    assert run(*args, model="it").ret == 1
    dead[0] = True
    assert run(*args, "-p", "backwards", model="it").ret == 1
    assert results(project)["run"]["exit_status"] == 1


def test_a_finished_run_that_is_shown_in_part_keeps_its_reports(run: Run, project, both):
    """``-x`` ends what pytest shows, not what was measured."""
    args = (*both, "--jmeb-run=one", "-p", "no:randomly")
    assert run(*args, model="demo/eroding").ret == 1
    first = results(project)
    assert run(*args, "-x", model="demo/eroding").ret == 1
    second = results(project)
    assert second["verdicts"] == first["verdicts"]
    assert second["gates"] == first["gates"]


def test_sigterm_is_a_request_to_end(project, serve):
    """A CI system that cancels a job gets the reports, and the run says how to go on."""
    server = serve(scores(9, 8, 7), seconds=0.2)
    process = start(project, "-n0", "--jmeb-run=one", "--jmeb-concurrency=4")
    wait_for(server, 20)
    process.terminate()
    assert process.wait(60) == 2
    found = results(project)["run"]
    assert (found["exit_status"], found["exit_reason"]) == (2, "go on with --jmeb-run=one")
