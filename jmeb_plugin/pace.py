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
    longest_hold: float = 5.0
    """To which a server's shorter hint grows while nobody is answered."""
    dead_after: float = DEAD_AFTER
    minute: float = 61.0
    """What a minute's limit is kept over: requests come later than they are sent, some more than others."""

    @property
    def patience(self) -> float:
        """Seconds that the pauses between a request's tries take, as far as jitter goes at the most."""
        return 1.1 * math.fsum(min(self.first_pause * 2**n, self.longest_pause) for n in range(TRIES - 1))


def pauses(pace: Pace, label: str) -> Iterator[float]:
    """Seconds before each further try: twice the last, a tenth more or less; after `TRIES` short again."""
    jitter = random.Random(label)
    for tried in itertools.count():
        pause = pace.first_pause * 2**tried if tried < TRIES else pace.first_pause
        yield min(pause, pace.longest_pause) * jitter.uniform(0.9, 1.1)


class Tries:
    """What one request has tried since it began, or since it was seen that others are answered."""

    def __init__(self, pace: Pace, label: str) -> None:
        self.pace = pace
        self.label = label
        self.sent = 0.0
        self.hopeless = False
        """Whether all its tries failed once while others were answered: that is no outage."""
        self.renew()

    def renew(self) -> None:
        """Count anew, from now on."""
        self.began = time.monotonic()
        self.failed = 0
        self.pauses = pauses(self.pace, self.label)

    @property
    def over(self) -> bool:
        """Whether there were as many as there may be."""
        return self.failed >= TRIES

    def pause(self, hint: float) -> float:
        """Count a failure; seconds before the next try, never less than the server's hint."""
        self.failed += 1
        own = next(self.pauses)
        return max(own, hint * random.Random(f"{self.label} {self.failed}").uniform(1.0, 1.25))


class Hold:
    """A server's hint of when to come again, which holds for all that the endpoint is asked.

    Until then nobody goes; then one, and twice as many with each ``step`` of silence: a refusal takes
    no longer than the last one took. An answer to any of these ends it. While nobody is answered the
    hint is doubled with every round, up to `Pace.longest_hold`.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.on = False
        self.open_at = self.set_at = self.step = 0.0
        self.rounds = 0

    def begin(self, hint: float, sent: float) -> None:
        """A request sent at that moment was refused; those sent before the last refusal are of its round."""
        now = time.monotonic()
        if sent >= self.set_at:
            self.set_at, self.step = now, max(self.pace.unrefused, 2 * (now - sent))
            hint = max(hint, min(hint * 2 ** min(self.rounds, 9), self.pace.longest_hold))
            self.rounds += 1
        self.on, self.open_at = True, max(self.open_at, now + hint)

    def heard(self, sent: float) -> None:
        """A request sent at that moment was answered."""
        self.rounds = 0
        self.on = self.on and sent < self.set_at

    def wait(self, in_flight: int) -> float:
        """Seconds until one more may go beside those in flight."""
        opens = self.open_at
        if self.on and in_flight:
            opens += self.step * math.log2(in_flight + 1)
        return opens - time.monotonic()


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
