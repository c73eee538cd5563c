"""The terminal while a run goes on: one live line, or a line now and then in a log file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jmeb_plugin.report.as_terminal import status_line
from jmeb_plugin.transcript import printable

LIVE_EVERY, LOG_EVERY = 0.1, 20.0


class StatusLine:
    """Draws the run's progress.

    Live only on a terminal, at normal verbosity; elsewhere a whole line every 20 s. Under xdist the
    main thread is in xdist's loop, so a thread of its own draws.
    """

    def __init__(self, config: pytest.Config, progress: Callable[[], Any], live: bool) -> None:
        self.reporter = config.pluginmanager.get_plugin("terminalreporter")
        self.config = config
        self.progress = progress
        self.live = live and self.reporter is not None and self.reporter.isatty
        self.drawn = time.monotonic()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.on = False

    def start_thread(self) -> None:
        """Draw from a thread until `end`."""
        if not self.on:
            self.on = True
            threading.Thread(target=self.keep_drawing, name="jmeb-status", daemon=True).start()

    def keep_drawing(self) -> None:
        """Draw again and again."""
        while not self.over.wait(LIVE_EVERY):
            self.draw()

    def draw(self) -> None:
        """Draw the line if it is time to."""
        every = LIVE_EVERY if self.live else LOG_EVERY
        if self.reporter is None or self.over.is_set() or time.monotonic() - self.drawn < every:
            return
        with self.lock:
            self.drawn = time.monotonic()
            progress = self.progress()
            if progress is None:
                return
            text = printable(status_line(progress))
            if self.live:
                self.reporter.rewrite(text[: self.config.get_terminal_writer().fullwidth - 1], erase=True)
            else:
                self.reporter.write_line("\n" + text)

    def end(self) -> None:
        """Draw a last time, and leave the line."""
        if self.over.is_set():
            return
        if self.live and self.reporter is not None:
            self.drawn = 0.0
            self.draw()
            self.reporter.write_line("")
        self.over.set()
