"""One process talks; workers wait. Stops are quick and leave nobody behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from jmeb_plugin import controller  # loaded now, pytester does not forget it between two runs
from jmeb_plugin.errors import Stopped
from jmeb_plugin.relay import Answer, Relay, RelayClient, exactly

from .conftest import QUIET, Run, results, scores
from .servers import score
from .test_journal_and_resume import start, wait_for


def test_concurrency_is_of_the_whole_run(run: Run, serve):
    """However many workers wait, so many requests are in flight and no more; each is sent once."""
    server = serve(scores(9, 8, 7), seconds=0.05)
    assert run("-n4", "--jmeb-concurrency=5", model="it").ret == 0
    assert server.most_in_flight <= 5
    assert len(server.requests) == 12 * 9


def test_turns_come_in_order_with_the_answers_before_them(run: Run, serve):
    """A conversation's later turn is asked with the history of its own earlier answers."""
    server = serve(scores(9, 8, 7))
    run("-n2", model="it")
    for request in server.asked("target"):
        roles = [message["role"] for message in request["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        for question, answer in zip(request["messages"][::2], request["messages"][1::2], strict=False):
            assert answer["content"] == f"An answer to: {question['content'][:40]}"


def test_x_stops_at_once(run: Run, serve):
    """Nobody waits for conversations that no longer count."""
    server = serve(lambda body: score(1) if body["model"].startswith("judge") else "x", seconds=0.1)
    for workers in ("-n0", "-n2"):
        before = len(server.requests)
        assert run(workers, "-x", "--jmeb-concurrency=1", model="it").ret == 1
        assert len(server.requests) - before < 60


def test_maxfail_stops_at_once(run: Run, serve, way):
    """As -x does, after that many."""
    serve(lambda body: score(1) if body["model"].startswith("judge") else "x")
    result = run(*way, "--maxfail=2", model="it")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*stopping after [23] failures*"])


def stat(pid: int) -> list[str]:
    """State and parent of a process, from the kernel; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """Processes below this one."""
    running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [other for other in running if stat(other)[1:2] == [str(pid)]]


def alive(pids: list[int]) -> list[int]:
    """Those of the processes that still run."""
    return [pid for pid in pids if stat(pid)[:1] not in ([], ["Z"])]


def interrupt(project, serve, workers: str) -> int:
    """The exit status after Ctrl-C while answers are due that nobody has patience for."""
    server = serve(scores(9, 8, 7), seconds=300)
    process = start(project, workers, "--jmeb-run=one")
    wait_for(server, 4)
    below = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    status = process.wait(60)
    time.sleep(0.5)
    assert not alive(below)
    return status


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_ctrl_c_ends_with_2_and_leaves_nobody(project, serve, workers):
    """What is in flight is cancelled; no worker waits for ever."""
    assert interrupt(project, serve, workers) == 2


def test_a_killed_worker_loses_nothing(project, run: Run, serve):
    """Its conversation goes on on the controller, and another worker reports it."""
    server = serve(scores(9, 8, 7), seconds=0.2)
    process = start(project, "-n2", "--jmeb-run=one", "--jmeb-concurrency=4")
    wait_for(server, 8)
    for pid in children(process.pid)[:1]:
        os.kill(pid, signal.SIGKILL)
    assert process.wait(60) == 0
    assert results(project)["models"]["it"]["conversations"]["passed"] == 12


def test_a_killed_controller_leaves_no_worker(project, serve):
    """Workers notice that nobody is left to ask."""
    server = serve(scores(9, 8, 7), seconds=1)
    process = start(project, "-n2", "--jmeb-run=one")
    wait_for(server, 4)
    below = children(process.pid)
    assert below
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while alive(below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(below)


def test_the_log_says_now_and_then_how_far_the_run_is(project, serve):
    """Off a terminal there is no live line, but a whole one every 20 seconds."""
    command = [
        sys.executable,
        "-mpytest",
        *QUIET,
        "--jmeb-suite=toy",
        "--jmeb-model=it",
        "--jmeb-concurrency=4",
    ]
    serve(scores(9, 8, 7), seconds=0.9)
    done = subprocess.run([*command, "-n0"], cwd=project.path, capture_output=True, text=True, check=False)
    lines = re.findall(
        r"^jmeb: \d+/12 conversations · \d+ in flight · [\d.]+ answers/s · .*$", done.stdout, re.MULTILINE
    )
    assert lines


class Watched(Relay):
    """A relay that tells where it is."""

    ports: ClassVar[list[int]] = []

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.ports.append(self.address["port"])


def knock(port: int, over: threading.Event, refused: list[str]) -> None:
    """Strangers at the relay's door: no key, the wrong key, a proof sent back, garbage, a silent one."""
    with socket.create_connection(("127.0.0.1", port)) as silent:
        while not over.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
                challenge = exactly(peer, 32)
                peer.sendall(
                    [challenge, b"\xff" * 4096, b'{"wait": "toy::X-1/plain/ja/0", "start": true}'][
                        len(refused) % 3
                    ]
                )
                assert not peer.recv(1)
            try:
                RelayClient({"port": port, "key": "00" * 32})
            except Stopped as error:
                refused.append(str(error))
        silent.sendall(b"x")


def test_strangers_at_the_relay_change_nothing(run: Run, serve, project, monkeypatch):
    """They are refused all the while, get no word, and the run ends as without them."""
    monkeypatch.setattr(controller, "Relay", Watched)
    Watched.ports.clear()
    server = serve(scores(9, 8, 7), seconds=0.05)
    over, refused = threading.Event(), []

    def come() -> None:
        while not Watched.ports and not over.is_set():
            time.sleep(0.01)
        for port in Watched.ports:
            knock(port, over, refused)

    stranger = threading.Thread(target=come)
    stranger.start()
    result = run("-n2", "--jmeb-concurrency=8", model="it")
    over.set()
    stranger.join()
    assert result.ret == 0
    result.assert_outcomes(passed=15)
    assert len(refused) > 3
    assert len(server.requests) == 12 * 9
