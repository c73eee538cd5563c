"""Signals: a request to end is Ctrl-C, and Ctrl-C waits while something is loaded or written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def held_back() -> Iterator[list[int]]:
    """Let no signal that ends a run break into the block; those that came are in the list.

    An interrupted import leaves half a module, and an interrupted report half of what a run leaves.
    Signals reach the main thread alone, so that on any other there is nothing to do.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    usual = {number: handler for number, handler in heard.items() if handler not in (signal.SIG_IGN, None)}
    for number in usual:
        signal.signal(number, note)
    try:
        yield came
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


class Termination:
    """SIGTERM as Ctrl-C, while a run goes on: CI systems end a job by it, and a run can say how to go on."""

    def __init__(self) -> None:
        self.taken = False

    def take(self) -> None:
        """Begin, where nobody else listens."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, interrupt)
            self.taken = True

    def give_back(self) -> None:
        """End as the process would have, unless somebody else has come to listen."""
        if self.taken and signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.taken = False


def interrupt(number: int, _: FrameType | None) -> None:
    """Ctrl-C's own way."""
    raise KeyboardInterrupt(signal.Signals(number).name)
