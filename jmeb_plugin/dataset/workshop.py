"""Where a suite is made: its outline, a private folder, and the one way in which a stage asks.

Every stage has a folder of its own in the workshop's, with a journal. What it asks is told apart by
what is asked, so a stage that was killed, or is run again over more requests, pays for nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from jmeb_plugin.attackers import only_own
from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Inconclusive, RunError, SettingsError, SuiteError
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import make_folder
from jmeb_plugin.jobs import Job, open_job
from jmeb_plugin.journal import Slot, nonce
from jmeb_plugin.prompts import Prompts, load_prompts
from jmeb_plugin.structured import ATTEMPTS, ask_object
from jmeb_plugin.suite import Suite, parse_head
from jmeb_plugin.yaml_file import read_yaml

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 4
"""So many times the concurrency are under way before the oldest is done: results come in order."""


class Meter(Protocol):
    """Shows how far a stage is."""

    def step(self) -> None:
        """One more is done."""
        ...


Meters = Callable[[Job, str, int], contextlib.AbstractContextManager[Meter]]


@dataclass(frozen=True)
class Workshop:
    """What every stage needs to know. ``find`` gives the endpoints of some names."""

    suite: Suite
    folder: Path
    languages: Sequence[str]
    seed: int
    concurrency: int
    budget: float | None
    find: Callable[[Sequence[str]], Sequence[Endpoint]]
    meter: Meters
    spent: list[float] = field(default_factory=list)

    def file(self, stage: str, name: str = "") -> Path:
        """A file of a stage; without a name its main one."""
        return self.folder / stage / (name or f"{stage}.jsonl")

    def endpoints(self, stage: str, names: Sequence[str], least: int = 1) -> list[Endpoint]:
        """The endpoints of a stage: enough of them, and our own."""
        found = list(self.find(names))
        if len(found) < least:
            raise SettingsError(
                f"{stage}: {counted(len(found), 'endpoint')} given; expected at least {least}"
            )
        only_own(found, f"jmeb dataset {stage}")
        return found

    def prompts(self) -> dict[str, Prompts]:
        """The prompts of each language."""
        return {language: load_prompts(self.suite.path, language) for language in self.languages}

    @contextlib.contextmanager
    def open(self, stage: str, endpoints: Sequence[Endpoint], what: str, total: int) -> Iterator[Stage]:
        """The stage at work; its folder can be read by its owner alone."""
        left = None if self.budget is None else self.budget - sum(self.spent)
        make_folder(self.folder, stage)
        different = list({endpoint.name: endpoint for endpoint in endpoints}.values())
        with (
            open_job(
                self.folder, stage, different, identity={"stage": stage, "suite": self.suite.name},
                concurrency=self.concurrency, budget=left,
            ) as job,
            self.meter(job, what, total) as meter,
        ):  # fmt: skip
            yield Stage(self, job, meter)
            self.spent.append(job.progress().usd)

    def need_some(self, stage: str, kept: int) -> None:
        """Raise `Inconclusive` where a stage left nothing for the next one."""
        if not kept:
            raise Inconclusive(
                f"{stage}: nothing was kept; {self.file(stage, 'dropped.jsonl')} says why, one a line"
            )

    def report(self, stage: str, figures: Mapping[str, Any]) -> None:
        """Keep a stage's figures."""
        folder = make_folder(self.folder, stage)
        text = json.dumps(figures, ensure_ascii=False, indent=1)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")

    def figures(self, stage: str) -> dict[str, Any]:
        """A stage's figures; empty where it was not run."""
        path = self.folder / stage / "report.json"
        try:
            found: Any = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SuiteError(f"{path}: damaged; expected the figures of a stage: run it again")
        return found


@dataclass(frozen=True)
class Stage:
    """One stage at work."""

    workshop: Workshop
    job: Job
    meter: Meter

    def slot(self, endpoint: Endpoint, role: str, what: str, turn: int = 0, attempt: int = 0) -> Slot:
        """What an answer is for; another seed asks anew."""
        return Slot(endpoint.name, role, what, turn, self.workshop.seed, attempt)

    async def say(
        self, endpoint: Endpoint, role: str, what: str, request: Request, turn: int = 0, attempt: int = 0
    ) -> Reply:
        """The endpoint's answer."""
        return await self.job.ask(endpoint.name, self.slot(endpoint, role, what, turn, attempt), request)

    async def ask_for(
        self,
        endpoint: Endpoint,
        role: str,
        what: str,
        build: Callable[[str, bool], Request],
        read: Callable[[Mapping[str, Any]], R | None],
        turn: int = 0,
    ) -> R:
        """What ``read`` takes from the endpoint's object; ``build`` makes the request for a mark."""
        mark = nonce(self.job.runner.secret, endpoint.name, role, what, turn)

        async def ask(attempt: int) -> Reply | None:
            if attempt == ATTEMPTS:
                return None
            slot = self.slot(endpoint, role, what, turn, attempt)
            return await self.job.ask(endpoint.name, slot, build(mark, attempt > 0), mark)

        return await ask_object(endpoint.name, ask, read)

    def each(
        self,
        work: Callable[[T], Awaitable[R]],
        items: Iterable[T],
        emit: Callable[[T, R], None],
        *,
        counted: bool = True,
    ) -> None:
        """``work`` done on every item, results given to ``emit`` in the order of items. Blocks."""
        try:
            self.job.runner.call(self.in_order(work, items, emit, counted))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def in_order(
        self,
        work: Callable[[T], Awaitable[R]],
        items: Iterable[T],
        emit: Callable[[T, R], None],
        counted: bool,
    ) -> None:
        """`each` on the runner's loop, however many items there are."""
        under_way: deque[tuple[T, asyncio.Task[R]]] = deque()

        async def give() -> None:
            item, task = under_way.popleft()
            emit(item, await task)
            if counted:
                self.meter.step()

        async with asyncio.TaskGroup() as group:
            for item in items:
                if len(under_way) >= AHEAD * self.workshop.concurrency:
                    await give()
                under_way.append((item, group.create_task(as_coroutine(work(item)))))
            while under_way:
                await give()


async def as_coroutine(work: Awaitable[R]) -> R:
    """What a task can be made of."""
    return await work


def load_outline(folder: Path, languages: Sequence[str] = ()) -> Suite:
    """What a suite is to be about: its suite.yaml, without conversations.

    Raises `SuiteError` for a guideline without a ``duty`` in one of the languages: the duty is what a
    request may break and what bounds it, so nothing is written for a guideline that has none.
    """
    file = read_yaml(folder / "suite.yaml", SuiteError)
    head = parse_head(file)
    for language in languages or head["languages"]:
        if language not in head["languages"]:
            raise SuiteError(
                f"{file.path}: no language {language!r}; it names {', '.join(head['languages'])}"
            )
        for index, guideline in enumerate(head["guidelines"].values()):
            if not guideline.duty.get(language, "").strip():
                raise file.fail(
                    ("guidelines", index),
                    f"{guideline.id} has no duty in {language!r}; expected what the guideline demands, "
                    f"since that bounds what may be asked for",
                )
    return Suite(path=folder, conversations=(), sha256="", **head)


def private_folder(path: Path) -> Path:
    """The workshop's folder, for its owner alone, made if it is not there; `RunError` where it cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise RunError(f"{path}: cannot be made a private folder ({error.strerror})") from None
    return path
