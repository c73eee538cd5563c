"""What a person sees while a run goes on."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from .conftest import QUIET, Run, scores
from .servers import error

LIVE = re.compile(r"jmeb: \d+/12 conversations · \d+ in flight · [\d.]+ answers/s · [\d.]+( k)? tokens")


def on_a_terminal(project, *args: str) -> str:
    """Everything that a run writes to a terminal."""
    command = [sys.executable, "-mpytest", *QUIET, "--jmeb-suite=toy", "--jmeb-model=it", *args]
    main, side = pty.openpty()
    with subprocess.Popen(command, cwd=project.path, stdout=side, stderr=side, close_fds=True):
        os.close(side)
        written = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            written += part
    os.close(main)
    return written.decode("utf-8", "replace")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_terminal_shows_one_live_line(project, serve, workers):
    """It is drawn over and over in place of dots, and the summary follows."""
    serve(scores(9, 8, 7), seconds=0.15)
    text = on_a_terminal(project, workers, "--jmeb-concurrency=4")
    drawn = LIVE.findall(text)
    assert len(drawn) > 3
    assert "12/12 conversations" in text
    assert "SAFE: all that was asked for holds" in text
    assert "toy ." not in text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_live_line_says_why_it_waits(project, serve, workers):
    """Before what a narrow terminal cuts off."""
    good, tries = scores(9, 8, 7), iter(range(10**6))
    serve(lambda body: (503, error("busy", "overloaded")) if next(tries) < 8 else good(body))
    text = on_a_terminal(project, workers, "--jmeb-concurrency=4")
    assert "jmeb: 0/12 conversations · waiting: it: 503: overloaded ·" in text
    assert "SAFE: all that was asked for holds" in text


def test_failures_keep_their_names(project, serve):
    """After the live line the short summary reads as ever."""
    serve(scores(9, 5, 1))
    text = on_a_terminal(project, "-n0")
    assert "FAILED toy::X-1/plain/ja/0" in re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_verbose_output_has_no_live_line(project, serve):
    """With -v every conversation has a line of its own."""
    serve(scores(9, 8, 7), seconds=0.05)
    text = on_a_terminal(project, "-n0", "-v")
    assert not LIVE.search(text)
    assert "toy::X-1/plain/ja/0" in text


def test_a_pipe_gets_dots(run: Run, serve):
    """A log file is not drawn over."""
    serve(scores(9, 8, 7))
    result = run("-n0", model="it")
    result.stdout.fnmatch_lines(["toy ............*"])
    assert "\r" not in result.stdout.str()


def test_the_header_says_what_will_run(run: Run, serve):
    """Conversations, models, judges and what the suite is."""
    serve(scores(9, 8, 7))
    result = run("-n0", model="it")
    result.stdout.fnmatch_lines(
        ["jmeb: 12 test cases with it; judges one, two", "jmeb: suite toy 1: a toy suite"]
    )


def test_no_terminal_at_all(run: Run, serve):
    """-q -q says little and ends the same."""
    serve(scores(9, 8, 7))
    assert run("-n0", "-qq", model="it").ret == 0
