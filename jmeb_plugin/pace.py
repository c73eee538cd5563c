"""The arithmetic of pace: pauses between tries, units a minute, a window of requests. It asks nobody."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

TRIES = 9
"""The first, and eight more: with the pauses below an outage of two minutes is waited out."""

FIRST_WINDOW = 64.0
"""Requests that an endpoint is sent at a time before it has shown what it takes."""

DEAD_AFTER = 60.0
"""Seconds after which an address that never answered ends the run."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The seconds by which a lane keeps time."""

    unrefused: float = 0.05
    """After which an endpoint that has said nothing yet is sent twice as many: a refusal comes at once."""
    first_pause: float = 0.6
    longest_pause: float = 60.0
    dead_after: float = DEAD_AFTER
    minute: float = 60.0


def pauses(pace: Pace, label: str) -> Iterator[float]:
    """Seconds before each further try: twice the last, a tenth more or less; after `TRIES` short again."""
    jitter = random.Random(label)
    for tried in itertools.count():
        pause = pace.first_pause * 2**tried if tried < TRIES else pace.first_pause
        yield min(pause, pace.longest_pause) * jitter.uniform(0.9, 1.1)


class Minute:
    """At most ``limit`` units in any ``seconds``; ``None`` is no limit."""

    def __init__(self, limit: int | None, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self.spent: deque[list[float]] = deque()
        self.total = 0.0

    def wait(self, units: int) -> float:
        """Seconds until the units may fit, 0 if they do; more than the limit wait for an empty minute."""
        if self.limit is None:
            return 0.0
        now = time.monotonic()
        while self.spent and self.spent[0][0] <= now - self.seconds:
            self.total -= self.spent.popleft()[1]
        if not self.spent or self.total + units <= self.limit:
            return 0.0
        return max(0.001, self.spent[0][0] + self.seconds - now)

    def take(self, units: int) -> list[float]:
        """Count units; the entry is for `settle`."""
        entry = [time.monotonic(), float(units)]
        if self.limit is not None:
            self.spent.append(entry)
            self.total += units
        return entry

    def settle(self, entry: list[float], units: int) -> None:
        """Put what the units really were in the place of the guess, while they still count."""
        if any(kept is entry for kept in self.spent):
            self.total += units - entry[1]
            entry[1] = units


class Window:
    """How many requests an endpoint takes at a time: it grows until the endpoint pushes back.

    After TCP (Jacobson 1988): it doubles with every round of answers until the first 429, then grows
    by one a round, and halves with each 429, but once for all requests that were under way together.
    Before the first answer, which a model may take seconds for, it doubles with time (`Lane.open_up`).
    ``most``: the endpoint's own limit, ``None`` without one.
    """

    def __init__(self, most: int | None) -> None:
        self.most = float(most or math.inf)
        self.size = min(FIRST_WINDOW, self.most)
        self.slow = False
        self.cut_at = 0.0

    def free(self, in_flight: int) -> bool:
        """Whether one more request may be under way."""
        return in_flight < math.floor(self.size)

    def widen(self) -> None:
        """An answer came: there may be room for more."""
        self.size = min(self.most, self.size + (1 / self.size if self.slow else 1))

    def double(self) -> None:
        """Nothing was refused for a while: there may be room for twice as many."""
        self.size = min(self.most, self.size * 2)

    def narrow(self, sent: float) -> None:
        """A request sent at that moment was too much; those sent before the last cut say nothing new."""
        if sent >= self.cut_at:
            self.slow, self.cut_at = True, time.monotonic()
            self.size = max(1.0, self.size / 2)
