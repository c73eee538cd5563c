"""How fast an endpoint may be asked: concurrency, requests and tokens a minute, retries, budget."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

from jmeb_plugin.clients.base import Reply, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent, CallFailed, Outage, Transient

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
DEAD_AFTER = 60.0
"""Seconds after which an address that never answered ends the run."""

T = TypeVar("T")


class Minute:
    """At most ``limit`` units in any 60 seconds; ``None`` is no limit."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.spent: deque[tuple[float, int]] = deque()
        self.total = 0

    async def take(self, units: int) -> None:
        """Wait until the units fit, and count them. More units than the limit wait for an empty minute."""
        while self.limit is not None and self.total and self.total + units > self.limit:
            oldest, _ = self.spent[0]
            await asyncio.sleep(max(0.01, oldest + 60 - time.monotonic()))
            self.forget()
        self.add(units)

    def add(self, units: int) -> None:
        """Count units without waiting."""
        if self.limit is not None:
            self.spent.append((time.monotonic(), units))
            self.total += units

    def forget(self) -> None:
        """Drop what is older than a minute."""
        while self.spent and self.spent[0][0] <= time.monotonic() - 60:
            self.total -= self.spent.popleft()[1]


class Budget:
    """USD spent over the whole run, and the most that may be.

    A request is let through while what was spent, plus what is in flight at the dearest price seen,
    stays below the limit: the limit is passed by at most what was in flight.
    """

    def __init__(self, usd: float | None) -> None:
        self.usd = usd
        self.spent = 0.0
        self.flying = 0
        self.dearest: dict[str, float] = {}

    @contextlib.contextmanager
    def reserve(self) -> Iterator[None]:
        """Hold the place of one request. Raises `BudgetSpent` when it could pass the limit."""
        expected = max(self.dearest.values(), default=0.0)
        if self.usd is not None and self.spent + (self.flying + 1) * expected > self.usd:
            raise BudgetSpent(
                f"--jmeb-budget {self.usd:g}: {self.spent:.4f} USD are spent, "
                f"and the next requests could pass it"
            )
        self.flying += 1
        try:
            yield
        finally:
            self.flying -= 1

    def pay(self, endpoint: Endpoint, usage: Usage) -> float:
        """Count the price of an answer, in USD."""
        if endpoint.price is None:
            return 0.0
        usd = endpoint.price.usd(usage.input, usage.cached, usage.output)
        self.spent += usd
        self.dearest[endpoint.name] = max(usd, self.dearest.get(endpoint.name, 0.0))
        return usd


class Lane:
    """Everything that limits one endpoint; ``slots`` is shared by all lanes of the run."""

    def __init__(self, endpoint: Endpoint, slots: asyncio.Semaphore, budget: Budget) -> None:
        self.endpoint = endpoint
        self.slots = slots
        self.budget = budget
        self.own = asyncio.Semaphore(endpoint.max_concurrency) if endpoint.max_concurrency else None
        self.requests = Minute(endpoint.requests_per_minute)
        self.tokens = Minute(endpoint.tokens_per_minute)
        self.open_at = 0.0
        self.first_try = 0.0
        self.answered = False
        self.in_flight = 0
        self.retries = 0
        self.trouble = ""

    async def call(self, ask: Callable[[], Awaitable[Reply]], tokens: int, label: str) -> tuple[Reply, float]:
        """Ask until there is an answer, at most `TRIES` times; the reply and the seconds it took.

        ``tokens`` is a guess of what the request costs; ``label`` seeds the jitter of the pauses.
        Raises what the client raises, the last `Transient` included, and `Outage` for an address
        that never answered within `DEAD_AFTER` seconds.
        """
        jitter = random.Random(label)
        pause = FIRST_PAUSE
        for tried in range(1, TRIES + 1):
            try:
                return await self.once(ask, tokens)
            except Transient as error:
                self.note(error)
                if tried == TRIES and self.answered:
                    raise
                wait = pause * jitter.uniform(0.5, 1.0) if error.retry_after is None else error.retry_after
                pause = min(pause * 2, LONGEST_PAUSE)
                self.hold(error, wait)
                self.retries += 1
                await asyncio.sleep(wait)
        return await self.until_dead(ask, tokens)

    async def until_dead(self, ask: Callable[[], Awaitable[Reply]], tokens: int) -> tuple[Reply, float]:
        """Go on with an address that has never answered; its `Outage` comes from `note`."""
        while True:
            try:
                return await self.once(ask, tokens)
            except Transient as error:
                self.note(error)
                if self.answered:
                    raise
                await asyncio.sleep(FIRST_PAUSE)

    async def once(self, ask: Callable[[], Awaitable[Reply]], tokens: int) -> tuple[Reply, float]:
        """One try, inside every limit."""
        async with self.place(tokens):
            started = time.monotonic()
            self.first_try = self.first_try or started
            reply = await ask()
            self.answered, self.trouble = True, ""
            return reply, time.monotonic() - started

    @contextlib.asynccontextmanager
    async def place(self, tokens: int) -> AsyncIterator[None]:
        """A place among the endpoint's own requests, then one among all of the run."""
        async with self.own or contextlib.nullcontext():
            while (wait := self.open_at - time.monotonic()) > 0:  # noqa: ASYNC110 - it may move on
                await asyncio.sleep(wait)
            await self.requests.take(1)
            await self.tokens.take(tokens)
            async with self.slots:
                with self.budget.reserve():
                    self.in_flight += 1
                    try:
                        yield
                    finally:
                        self.in_flight -= 1

    def note(self, error: Transient) -> None:
        """Remember a failure. Raises `Outage` when the address never answered in all that time."""
        self.answered = self.answered or error.answered
        self.trouble = str(error)
        if not self.answered and time.monotonic() - self.first_try > DEAD_AFTER:
            raise Outage(
                f"endpoint {self.endpoint.name!r}: {self.endpoint.address} has not answered once "
                f"in {DEAD_AFTER:g} s ({error})"
            )

    def hold(self, error: CallFailed, wait: float) -> None:
        """Let nobody ask before the server's own hint has passed."""
        if isinstance(error, Transient) and error.throttled and error.retry_after:
            self.open_at = max(self.open_at, time.monotonic() + wait)
