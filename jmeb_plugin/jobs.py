"""Asking outside pytest: the same runner, limits, budget and journal for the commands that ask.

A job has a folder of its own, with a journal: a job that was killed and is started again asks for
nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.endpoints import Endpoint, check_budget
from jmeb_plugin.folder import make_folder
from jmeb_plugin.hosting import Hosting
from jmeb_plugin.journal import Journal, Slot, check_identity
from jmeb_plugin.measure import Answered, Plan
from jmeb_plugin.progress import Progress
from jmeb_plugin.runner import Runner
from jmeb_plugin.thresholds import ConversationLimits

T = TypeVar("T")


@dataclass
class Job:
    """Endpoints that may be asked, by name."""

    runner: Runner
    endpoints: Mapping[str, Endpoint]

    async def ask(self, name: str, slot: Slot, request: Request, mark: str = "") -> Reply:
        """The endpoint's answer for the slot, from the journal or asked for now.

        ``mark`` is left out of the journal's key, as the fences' nonce is. Raises as `Lane.call` does.
        """
        return (await self.answered(self.endpoints[name], slot, request, mark)).reply

    async def answered(self, endpoint: Endpoint, slot: Slot, request: Request, mark: str = "") -> Answered:
        """`ask` with the session and the seconds, as `measure.Remembered` wants it."""
        return await self.runner.remembered(endpoint, slot, request, mark)

    async def every(self, work: Callable[[T], Awaitable[Any]], items: Sequence[T]) -> list[Any]:
        """``work`` done on every item, as many at a time as the job may ask; results in their order.

        The first error ends the others.
        """
        places = asyncio.Semaphore(self.runner.plan.concurrency)

        async def one(item: T) -> Any:
            async with places:
                return await work(item)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
        return [task.result() for task in tasks]

    def run(self, work: Callable[[T], Awaitable[Any]], items: Sequence[T]) -> list[Any]:
        """`every` on the runner's loop; blocks. Raises the first error itself, not a group of them."""
        try:
            return self.runner.call(self.every(work, items))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def progress(self) -> Progress:
        """A glance at what was asked."""
        return self.runner.progress()


@contextlib.contextmanager
def open_job(
    out: Path,
    name: str,
    endpoints: Sequence[Endpoint],
    *,
    identity: Mapping[str, Any],
    concurrency: int = 64,
    budget: float | None = None,
) -> Iterator[Job]:
    """A job in the folder ``out/name``, its runner up until the end of the block.

    ``identity`` is what makes it the job it is: a folder that was begun as another is refused
    (`RunError`), as is a ``budget`` over endpoints without a price (`SettingsError`).
    """
    check_budget(budget, endpoints, "--budget")
    hosting = Hosting()

    def open_journal() -> Journal:
        journal = Journal(make_folder(out, name))
        try:
            check_identity(journal, identity)
        except BaseException:
            journal.close()
            raise
        return journal

    reachable = {endpoint.name: hosting.reachable(endpoint) for endpoint in endpoints}
    plan = Plan(reachable, (), {}, lambda _: ConversationLimits(), concurrency, budget)
    runner = Runner(plan, open_journal)
    try:
        yield Job(runner, reachable)
    finally:
        runner.close()
        hosting.close()
