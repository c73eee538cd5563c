"""How far a job is, on stderr: one line renewed on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self

from jmeb_plugin.jobs import Job
from jmeb_plugin.report.words import money, tokens
from jmeb_plugin.transcript import printable

LIVE_EVERY, LOG_EVERY = 0.2, 20.0
WIDTH = 110


class Meter:
    """Says how many of ``total`` things are done, from `step` to `step`, while the block lasts."""

    def __init__(self, job: Job, what: str, total: int) -> None:
        self.job = job
        self.what = what
        self.total = total
        self.done = 0
        self.live = sys.stderr.isatty()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.keep_drawing, name="jmeb-meter", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.thread.join()
        if self.done or error is None:  # of what never began the error says enough
            self.draw(last=True)

    def step(self) -> None:
        """One more is done."""
        self.done += 1

    def keep_drawing(self) -> None:
        """Draw again and again."""
        while not self.over.wait(LIVE_EVERY if self.live else LOG_EVERY):
            self.draw()

    def draw(self, *, last: bool = False) -> None:
        """Draw the line; the ``last`` one stays."""
        text = printable(self.line())
        shown, end = (f"\r{text:<{WIDTH}}"[: WIDTH + 1], "\n" if last else "") if self.live else (text, "\n")
        print(shown, end=end, file=sys.stderr, flush=True)

    def line(self) -> str:
        """How far it is, and what it took."""
        seen = self.job.progress()
        speed = seen.answers / seen.seconds if seen.seconds else 0.0
        parts = [
            f"{self.done}/{self.total} {self.what}",
            *([f"waiting: {seen.trouble}"] if seen.trouble else []),
            f"{seen.in_flight} in flight",
            f"{speed:.1f} answers/s",
            f"{tokens(seen.tokens)} tokens",
        ]
        if seen.usd:
            parts.append(money(seen.usd))
        return "jmeb: " + " · ".join(parts)
