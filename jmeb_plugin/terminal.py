"""The terminal while a run goes on: one live line, or a line now and then in a log file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jmeb_plugin.report.as_terminal import outage_line, recovery_line, status_line
from jmeb_plugin.transcript import printable

LIVE_EVERY, LOG_EVERY = 0.1, 20.0
OUTAGE_AFTER = 5.0
"""Seconds without an answer, since a try failed, after which a log gets a line of its own about it."""


class StatusLine:
    """Draws the run's progress.

    Live only on a terminal, at normal verbosity; elsewhere a whole line every 20 s, and one when an
    endpoint stops answering and one when it answers again. Under xdist the main thread is in xdist's
    loop, so a thread of its own draws.
    """

    def __init__(self, config: pytest.Config, progress: Callable[[], Any], live: bool) -> None:
        self.reporter = config.pluginmanager.get_plugin("terminalreporter")
        self.config = config
        self.progress = progress
        self.live = live and self.reporter is not None and self.reporter.isatty
        self.drawn = time.monotonic()
        self.asked = 0.0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.on = False
        self.outage = ""
        self.outage_began = 0.0

    def start_thread(self, ready: Callable[[], bool]) -> None:
        """Draw from a thread, once it is ``ready``, until `end`."""
        if not self.on:
            self.on = True
            threading.Thread(target=self.keep_drawing, args=(ready,), name="jmeb-status", daemon=True).start()

    def keep_drawing(self, ready: Callable[[], bool]) -> None:
        """Draw again and again."""
        while not ready():
            if self.over.wait(LIVE_EVERY):
                return
        while not self.over.wait(LIVE_EVERY):
            self.draw()

    def draw(self) -> None:
        """Draw the line if it is time to."""
        if self.reporter is None or self.over.is_set() or time.monotonic() - self.asked < LIVE_EVERY:
            return
        with self.lock:
            self.asked = time.monotonic()
            progress = self.progress()
            if progress is None:
                return
            if self.live:
                text = printable(status_line(progress))
                self.reporter.rewrite(text[: self.config.get_terminal_writer().fullwidth - 1], erase=True)
                return
            if self.asked - self.drawn >= LOG_EVERY:
                self.drawn = self.asked
                self.write(status_line(progress))
            self.watch(progress)

    def watch(self, progress: Any) -> None:
        """Write a line when an outage begins, and one when it has ended."""
        if not self.outage and progress.waiting >= OUTAGE_AFTER:
            self.outage, self.outage_began = progress.trouble, time.monotonic() - progress.waiting
            self.write(outage_line(progress))
        elif self.outage and not progress.waiting:
            self.write(recovery_line(self.outage, time.monotonic() - self.outage_began))
            self.outage = ""

    def write(self, text: str) -> None:
        """A line of its own in a log, after whatever dots stand there."""
        if self.reporter is not None:
            dots = bool(self.config.get_terminal_writer().width_of_current_line)
            self.reporter.write_line("\n" * dots + printable(text))

    def end(self) -> None:
        """Draw a last time, and leave the line."""
        if self.over.is_set():
            return
        if self.live and self.reporter is not None:
            self.asked = 0.0
            self.draw()
            self.reporter.write_line("")
        self.over.set()
