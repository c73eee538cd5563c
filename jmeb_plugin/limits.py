"""How fast an endpoint may be asked: concurrency, requests and tokens a minute, retries.

Whoever waits - for a pause, a minute's limit, money in flight - holds nothing that another could
use: the endpoint's own place and the run's slot are taken only by a request that may go at once.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable

from jmeb_plugin.budget import Budget
from jmeb_plugin.clients.base import Reply
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent, Outage, Rejected, Transient
from jmeb_plugin.pace import TRIES, Hold, Minute, Pace, Tries, Window

Ask = Callable[[], Awaitable[Reply]]
Keep = Callable[[Reply, float], None]
"""Is given a reply and the seconds that it took."""

Need = tuple[int, float]
"""Tokens and USD that a request is supposed to take."""

Place = tuple[list[float], float]
"""What a request in flight holds: its entry among the minute's tokens, and USD of the budget."""

DRAINED = 0.02
"""Seconds after which it is looked whether all are answered."""

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

    async def drain(self, seconds: float) -> None:
        """Give no place any more, and wait a little for the answers that are under way.

        Whoever waits for a place waits until it is cancelled.
        """
        self.free = -sys.maxsize
        for _ in range(math.ceil(seconds / DRAINED)):
            if not any(lane.in_flight for lane in self.lanes):
                return
            await asyncio.sleep(DRAINED)


class Lane:
    """Everything that limits one endpoint; ``slots`` is shared by all lanes of the run."""

    def __init__(self, endpoint: Endpoint, slots: Slots, budget: Budget, pace: Pace | None = None) -> None:
        self.endpoint = endpoint
        self.slots = slots
        self.slots.lanes.append(self)
        self.budget = budget
        self.pace = pace or Pace()
        self.window = Window(endpoint.max_concurrency)
        self.queue: deque[tuple[Need, asyncio.Future[Place]]] = deque()
        """Who waits for a place: what each needs, and where it is told that it may go."""
        self.alarm: asyncio.TimerHandle | None = None
        self.requests = Minute(endpoint.requests_per_minute, self.pace.minute)
        self.tokens = Minute(endpoint.tokens_per_minute, self.pace.minute)
        self.hold = Hold(self.pace)
        self.first_try = self.last_try = 0.0
        self.answered = False
        self.good_at = self.longest = 0.0
        self.in_flight = 0
        self.flights: dict[Tries, float] = {}
        """When each of those in flight was sent, the oldest first."""
        self.retries = 0
        self.trouble = ""
        self.trouble_since = self.silent_since = 0.0
        self.failing: set[str] = set()
        """The labels of the requests that failed since the last answer."""

    @property
    def waiting(self) -> float:
        """Seconds since the first failure after the last answer; 0 where the last try was good."""
        return time.monotonic() - self.trouble_since if self.trouble else 0.0

    @property
    def quiet(self) -> float:
        """Seconds for which something was in flight and nothing was answered; any thread may ask.

        0 as long as its answers are known to take.
        """
        sent = list(self.flights.values())
        quiet = time.monotonic() - max(self.good_at, sent[0]) if sent else 0.0
        return quiet if quiet > 1.5 * self.longest else 0.0

    async def call(
        self, ask: Ask, tokens: int, label: str, keep: Keep = lambda *_: None, usd: float = 0.0
    ) -> tuple[Reply, float]:
        """Ask until there is an answer, at most `TRIES` times; the reply and the seconds it took.

        ``tokens`` and ``usd`` are guesses of what the request takes; ``label`` seeds the jitter of the
        pauses; ``keep`` is told of the answer before its place is given to another. Raises what the
        client raises, the last `Transient` included; `Outage` where nobody got an answer from the
        endpoint in all that time and more than one request failed. A 429 is no failed try while others
        are answered. An address that has never answered is asked on until it does, or is an `Outage`.
        """
        tries = Tries(self.pace, label)
        while True:
            try:
                return await self.once(ask, (tokens, usd), keep, tries)
            except Transient as error:
                pause = self.pause_after(error, tries)
            self.retries += 1
            await asyncio.sleep(pause)

    async def once(self, ask: Ask, need: Need, keep: Keep, tries: Tries) -> tuple[Reply, float]:
        """One try, inside every limit."""
        place = await self.enter(need)
        tries.sent = self.last_try = self.flights[tries] = started = time.monotonic()
        if not self.first_try:
            self.first_try = started
            asyncio.get_running_loop().call_later(self.pace.unrefused, self.open_up)
        try:
            reply = await ask()
            took = self.heard(started)
            self.window.widen()
            self.tokens.settle(place[0], reply.usage.input + reply.usage.output or need[0])
            keep(reply, took)
        except BaseException as error:
            if isinstance(error, Rejected):  # an answer all the same
                self.heard(started)
            self.leave(place, tries)
            asyncio.get_running_loop().call_soon(self.slots.give)  # once it is known what this means
            raise
        self.leave(place, tries)
        if self.slots.give():  # or a crowd of answers is worked off before the next requests go
            await asyncio.sleep(0)
        return reply, took

    def heard(self, sent: float) -> float:
        """Note that a request sent at that moment was answered; the seconds it took."""
        self.answered, self.good_at = True, time.monotonic()
        self.hold.heard(sent)
        if self.trouble:
            self.trouble = ""
            self.failing.clear()
        took = self.good_at - sent
        self.longest = max(self.longest, took)
        return took

    def open_up(self) -> None:
        """Send more to an endpoint that has neither answered nor refused anything of what was sent so far.

        Only where nobody else uses the slots, and not on a budget before a price has been seen.
        """
        if self.answered or self.trouble or self.budget.blind(self.endpoint.name):
            return
        wait = self.last_try + self.pace.unrefused - time.monotonic()
        if wait <= 0:
            wait = self.pace.unrefused
            if self.queue and self.slots.free > 0 and not self.window.free(self.in_flight):
                self.window.double()
                self.slots.give()
        asyncio.get_running_loop().call_later(wait, self.open_up)

    async def enter(self, need: Need) -> Place:
        """Take a place among the endpoint's own requests and one among all of the run.

        Places are given in the order of asking. Nothing is held by a request that cannot go at once.
        """
        if not self.queue and self.slots.free > 0 and self.may_go(need):
            return self.count(need)
        told: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self.queue.append((need, told))
        self.slots.give()
        try:
            return await told
        except asyncio.CancelledError:
            if told.done() and not told.cancelled() and not told.exception():
                self.leave(told.result())
                self.slots.give()
            raise

    def admit(self) -> bool:
        """Let the first of those who wait go, if it may; a budget that is spent is told to it instead."""
        while self.queue and self.queue[0][1].done():
            self.queue.popleft()  # it was cancelled
        if not self.queue:
            return False
        need, told = self.queue[0]
        try:
            if not self.may_go(need):
                self.wake_after(self.wait(need[0]))
                return False
            told.set_result(self.count(need))
        except BudgetSpent as error:
            told.set_exception(error)
        self.queue.popleft()
        return True

    def wake_after(self, seconds: float) -> None:
        """Look again when time alone has let the next request go."""
        loop = asyncio.get_running_loop()
        if seconds <= 0 or (self.alarm is not None and self.alarm.when() <= loop.time() + seconds):
            return
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm = loop.call_later(seconds, self.wake)

    def wake(self) -> None:
        """The time is over."""
        self.alarm = None
        self.slots.give()

    def may_go(self, need: Need) -> bool:
        """Whether a request may go now, as far as the endpoint and the budget are concerned."""
        return (
            self.wait(need[0]) <= 0
            and self.window.free(self.in_flight)
            and self.budget.fits(self.endpoint.name, need[1], self.in_flight)
        )

    def count(self, need: Need) -> Place:
        """Note a request that goes."""
        self.in_flight += 1
        self.slots.free -= 1
        self.requests.take(1)
        return self.tokens.take(need[0]), self.budget.hold(self.endpoint.name, need[1])

    def leave(self, place: Place, tries: Tries | None = None) -> None:
        """A request is no longer in flight; without ``tries`` it never was sent."""
        if tries is not None:
            del self.flights[tries]
        self.in_flight -= 1
        self.slots.free += 1
        self.budget.free(place[1])

    def wait(self, tokens: int) -> float:
        """Seconds until a request may go."""
        return max(self.hold.wait(self.in_flight), self.requests.wait(1), self.tokens.wait(tokens))

    def pause_after(self, error: Transient, tries: Tries) -> float:
        """Seconds before a request that failed goes again; raises where it does not."""
        self.note(error, tries.label)
        hint = error.retry_after or 0.0
        if error.throttled:
            self.window.narrow(tries.sent)
        if hint:
            self.hold.begin(hint, tries.sent)
        others = self.good_at > tries.began
        if error.throttled and others and (hint or tries.failed >= TRIES - 1):
            tries.hopeless = tries.hopeless or tries.failed >= TRIES - 1
            tries.renew()  # it was this request's turn to wait, and nothing is wrong with it
        pause = tries.pause(hint)
        if self.answered and self.silent:
            raise self.nobody(error) from None
        if self.answered and tries.over:
            self.give_up(error, others or tries.hopeless)
        return pause

    def note(self, error: Transient, label: str) -> None:
        """Remember a failure.

        Raises `Outage` when the address never answered in all that time, or asks for hours.
        """
        self.answered = self.answered or error.answered
        if not self.trouble:
            self.trouble_since = self.silent_since = time.monotonic()
        self.trouble = str(error)
        self.failing.add(label)
        if (error.retry_after or 0.0) > LONGEST_HINT:
            raise self.outage(f"asks to be left alone for {(error.retry_after or 0.0) / 3600:.1f} h", error)
        if not self.answered and time.monotonic() - self.first_try > self.pace.dead_after:
            raise self.outage(f"has not answered once in {self.pace.dead_after:g} s", error)

    @property
    def silent(self) -> bool:
        """Whether nobody was answered for so long, though several were asked, that it is an outage.

        For requests that take turns after a hint: none of them may come to its own last try.
        """
        return (
            self.hold.rounds >= TRIES
            and len(self.failing) > 1
            and time.monotonic() - self.silent_since > self.pace.patience
        )

    def give_up(self, error: Transient, others: bool) -> None:
        """Raise `Outage` where nobody is answered, else the failure itself.

        One request alone may be what fails: another one is tried before the endpoint is blamed.
        """
        if not others and len(self.failing) > 1:
            raise self.nobody(error) from None
        self.silent_since, self.hold.rounds = time.monotonic(), 0
        raise error

    def nobody(self, error: Transient) -> Outage:
        """The outage of an endpoint that answers nobody any more."""
        return self.outage(f"has answered nobody for {self.waiting:.0f} s", error)

    def outage(self, what: str, error: Transient) -> Outage:
        """The end of the run, with the endpoint's name and address."""
        return Outage(f"endpoint {self.endpoint.name!r}: {self.endpoint.address} {what} ({error})")
