"""How fast an endpoint may be asked: concurrency, requests and tokens a minute, retries.

Whoever waits - for a pause, a minute's limit, money in flight - holds nothing that another could
use: the endpoint's own place and the run's slot are taken only by a request that may go at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from jmeb_plugin.budget import Budget
from jmeb_plugin.clients.base import Reply
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent, Outage, Rejected, Transient
from jmeb_plugin.pace import TRIES, Minute, Pace, Window, pauses

Ask = Callable[[], Awaitable[Reply]]
Keep = Callable[[Reply, float], None]
"""Is given a reply and the seconds that it took."""

LONGEST_HINT = 3600.0
"""Seconds that a run waits because a server says so; a longer hint ends it, to be resumed."""


class Slots:
    """The places of a run's requests: given to its lanes in turn, as soon as somebody there may go."""

    def __init__(self, most: int) -> None:
        self.free = most
        self.lanes: deque[Lane] = deque()

    def give(self) -> bool:
        """Hand the free places out; whether anybody got one."""
        given, refused = 0, 0
        while self.free > 0 and refused < len(self.lanes):
            lane = self.lanes[0]
            self.lanes.rotate(-1)
            if lane.admit():
                given, refused = given + 1, 0
            else:
                refused += 1
        return given > 0


class Lane:
    """Everything that limits one endpoint; ``slots`` is shared by all lanes of the run."""

    def __init__(self, endpoint: Endpoint, slots: Slots, budget: Budget, pace: Pace | None = None) -> None:
        self.endpoint = endpoint
        self.slots = slots
        self.slots.lanes.append(self)
        self.budget = budget
        self.pace = pace or Pace()
        self.window = Window(endpoint.max_concurrency)
        self.queue: deque[tuple[int, asyncio.Future[list[float]]]] = deque()
        """Who waits for a place: the tokens of each, and where it is told that it may go."""
        self.alarm: asyncio.TimerHandle | None = None
        self.requests = Minute(endpoint.requests_per_minute, self.pace.minute)
        self.tokens = Minute(endpoint.tokens_per_minute, self.pace.minute)
        self.open_at = 0.0
        self.first_try = self.last_try = 0.0
        self.answered = False
        self.good_at = 0.0
        self.in_flight = 0
        self.retries = 0
        self.trouble = ""
        self.trouble_since = 0.0

    @property
    def waiting(self) -> float:
        """Seconds since the first failure after the last answer; 0 where the last try was good."""
        return time.monotonic() - self.trouble_since if self.trouble else 0.0

    async def call(
        self, ask: Ask, tokens: int, label: str, keep: Keep = lambda *_: None
    ) -> tuple[Reply, float]:
        """Ask until there is an answer, at most `TRIES` times; the reply and the seconds it took.

        ``tokens`` is a guess of what the request costs; ``label`` seeds the jitter of the pauses; ``keep``
        is told of the answer before its place is given to another. Raises what the client raises, the
        last `Transient` included; `Outage` where nobody else got an answer from the endpoint in all
        that time. An address that has never answered is asked on until it does, or is an `Outage`.
        """
        began, waits, tried = time.monotonic(), pauses(self.pace, label), 0
        while True:
            tried += 1
            try:
                return await self.once(ask, tokens, keep)
            except Transient as error:
                self.note(error)
                if tried >= TRIES and self.answered:
                    self.blame(error, began)
                    raise
                self.hold(error)
                wait = error.retry_after or next(waits)
            self.retries += 1
            await asyncio.sleep(wait)

    async def once(self, ask: Ask, tokens: int, keep: Keep) -> tuple[Reply, float]:
        """One try, inside every limit."""
        counted = await self.enter(tokens)
        started = time.monotonic()
        self.last_try = started
        if not self.first_try:
            self.first_try = started
            asyncio.get_running_loop().call_later(self.pace.unrefused, self.open_up)
        try:
            reply = await ask()
            self.answered, self.good_at, self.trouble = True, time.monotonic(), ""
            took = self.good_at - started
            self.window.widen()
            self.tokens.settle(counted, reply.usage.input + reply.usage.output or tokens)
            keep(reply, took)
        except BaseException as error:
            if isinstance(error, Rejected):  # an answer all the same
                self.answered, self.good_at, self.trouble = True, time.monotonic(), ""
            if isinstance(error, Transient) and error.throttled:
                self.window.narrow(started)
            self.leave()
            asyncio.get_running_loop().call_soon(self.slots.give)  # once it is known what this means
            raise
        self.leave()
        if self.slots.give():  # or a crowd of answers is worked off before the next requests go
            await asyncio.sleep(0)
        return reply, took

    def open_up(self) -> None:
        """Send more to an endpoint that has neither answered nor refused anything of what was sent so far.

        Only where nobody else uses the slots, and not on a budget before a price has been seen.
        """
        if self.answered or self.trouble or self.budget.blind:
            return
        wait = self.last_try + self.pace.unrefused - time.monotonic()
        if wait <= 0:
            wait = self.pace.unrefused
            if self.queue and self.slots.free > 0 and not self.window.free(self.in_flight):
                self.window.double()
                self.slots.give()
        asyncio.get_running_loop().call_later(wait, self.open_up)

    async def enter(self, tokens: int) -> list[float]:
        """Take a place among the endpoint's own requests and one among all of the run; its tokens' entry.

        Places are given in the order of asking. Nothing is held by a request that cannot go at once.
        """
        if not self.queue and self.slots.free > 0 and self.may_go(tokens):
            return self.count(tokens)
        told: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self.queue.append((tokens, told))
        self.slots.give()
        try:
            return await told
        except asyncio.CancelledError:
            if told.done() and not told.cancelled() and not told.exception():
                self.leave()
                self.slots.give()
            raise

    def admit(self) -> bool:
        """Let the first of those who wait go, if it may; a budget that is spent is told to it instead."""
        while self.queue and self.queue[0][1].done():
            self.queue.popleft()  # it was cancelled
        if not self.queue:
            return False
        tokens, told = self.queue[0]
        try:
            if not self.may_go(tokens):
                self.wake_after(self.wait(tokens))
                return False
            told.set_result(self.count(tokens))
        except BudgetSpent as error:
            told.set_exception(error)
        self.queue.popleft()
        return True

    def wake_after(self, seconds: float) -> None:
        """Look again when time alone has let the next request go."""
        if seconds > 0 and self.alarm is None:
            self.alarm = asyncio.get_running_loop().call_later(seconds, self.wake)

    def wake(self) -> None:
        """The time is over."""
        self.alarm = None
        self.slots.give()

    def may_go(self, tokens: int) -> bool:
        """Whether a request may go now, as far as the endpoint and the budget are concerned."""
        return self.wait(tokens) <= 0 and self.window.free(self.in_flight) and self.budget.fits()

    def count(self, tokens: int) -> list[float]:
        """Note a request that goes; its tokens' entry."""
        self.in_flight += 1
        self.slots.free -= 1
        self.budget.flying += 1
        self.requests.take(1)
        return self.tokens.take(tokens)

    def leave(self) -> None:
        """A request is no longer in flight."""
        self.in_flight -= 1
        self.budget.flying -= 1
        self.slots.free += 1

    def wait(self, tokens: int) -> float:
        """Seconds until a request may go."""
        pause = self.open_at - time.monotonic()
        return max(pause, self.requests.wait(1), self.tokens.wait(tokens))

    def note(self, error: Transient) -> None:
        """Remember a failure.

        Raises `Outage` when the address never answered in all that time, or asks for hours.
        """
        self.answered = self.answered or error.answered
        self.trouble_since = self.trouble_since if self.trouble else time.monotonic()
        self.trouble = str(error)
        if (error.retry_after or 0.0) > LONGEST_HINT:
            raise Outage(
                f"endpoint {self.endpoint.name!r}: {self.endpoint.address} asks to be left alone for "
                f"{(error.retry_after or 0.0) / 3600:.1f} h ({error})"
            )
        if not self.answered and time.monotonic() - self.first_try > self.pace.dead_after:
            raise Outage(
                f"endpoint {self.endpoint.name!r}: {self.endpoint.address} has not answered once "
                f"in {self.pace.dead_after:g} s ({error})"
            )

    def blame(self, error: Transient, began: float) -> None:
        """Raise `Outage` where the endpoint has answered nobody since ``began``."""
        if self.good_at < began:
            raise Outage(
                f"endpoint {self.endpoint.name!r}: {self.endpoint.address} has answered nobody "
                f"for {time.monotonic() - began:.0f} s ({error})"
            ) from None

    def hold(self, error: Transient) -> None:
        """Let nobody ask before the server's own hint has passed."""
        if error.throttled and error.retry_after:
            self.open_at = max(self.open_at, time.monotonic() + error.retry_after)
