"""The runner: one event loop in one thread that holds and judges every conversation of the run.

Everybody else only starts cases and waits for them. Under xdist the runner lives on the controller.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from jmeb_plugin.archive import case_to_json
from jmeb_plugin.budget import Budget
from jmeb_plugin.clients import connect
from jmeb_plugin.clients.base import Client, Message, Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import (
    Inconclusive,
    JmebError,
    NotWritten,
    RunError,
    Stopped,
    UserMistake,
    bare,
)
from jmeb_plugin.journal import Journal, Slot, endpoint_facts, key_of
from jmeb_plugin.limits import Lane, Slots
from jmeb_plugin.measure import Answered, Measurement, Plan
from jmeb_plugin.progress import Progress
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case
from jmeb_plugin.tokenizer import supposed, with_usage
from jmeb_plugin.verdict import decide

T = TypeVar("T")
DEAD_THREAD = 0.2
"""Seconds after which whoever waits for the runner looks whether it is still there."""
GRACE = 5.0
"""Seconds for which answers under way may come when an error of another endpoint has ended the run."""

QUIET_AFTER = 10.0
"""Seconds after which it is said that there is no answer, though nothing failed; a model may take as long."""


class Runner:
    """Holds conversations with the plan's endpoints and has every turn judged.

    ``start`` and ``wait`` may be called from any thread. The journal is used on the runner's own.
    """

    def __init__(self, plan: Plan, open_journal: Callable[[], Journal]) -> None:
        self.plan = plan
        self.open_journal = open_journal
        self.budget = Budget(plan.budget)
        self.changed = threading.Lock()
        self.awaited: dict[str, threading.Condition] = {}
        self.cases: dict[str, Case] = {}
        self.apart: set[str] = set()
        """Which of them are measured for somebody's own test and are no part of the run's results."""
        self.records: dict[str, Record] = {}
        self.kept: dict[str, Record] = {}
        """At the end, what only an earlier session measured."""
        self.queue: deque[Case] = deque()
        self.closed: JmebError | None = None
        self.allowance = dict(plan.allowance)
        self.answers = self.tokens = 0
        self.usage: list[tuple[str, str, int, Usage]] = []
        self.began = time.monotonic()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.clients: dict[str, Client] = {}
        self.lanes: dict[str, Lane] = {}
        self.facts: dict[str, str] = {}
        self.heard: set[str] = set()
        """The endpoints that answered an earlier session."""
        self.hands: set[asyncio.Task[None]] = set()
        self.thread = threading.Thread(target=self.live, name="jmeb-runner", daemon=True)

    # -- from any thread ---------------------------------------------------------------------

    def start(self, cases: Sequence[Case], *, apart: bool = False) -> None:
        """Begin with these cases, in their order. Cases that were started before stay as they are.

        What is measured ``apart`` is no part of the results: its answers are kept, but not its record.
        """
        with self.changed:
            fresh = [case for case in cases if case.id not in self.cases]
            self.cases.update((case.id, case) for case in fresh)
            self.apart.update(case.id for case in fresh if apart)
            if not self.thread.ident:
                self.thread.start()
        self.ready.wait()
        if fresh and self.closed is None:
            self.loop.call_soon_threadsafe(self.enqueue, fresh)

    def wait(self, case_id: str, timeout: float | None = None) -> Record | None:
        """The record of a case, when it is done; ``None`` when ``timeout`` seconds pass before.

        Raises what closed the runner, if it was closed before; `JmebError` for a case never started.
        """
        with self.changed:
            if case_id not in self.records and self.closed is None and case_id in self.cases:
                here = self.awaited.setdefault(case_id, threading.Condition(self.changed))
                here.wait_for(lambda: case_id in self.records or self.closed, timeout)
            if case_id in self.records:
                return self.records[case_id]
            if self.closed:
                raise bare(self.closed)
            if case_id not in self.cases:
                raise JmebError(f"{case_id} was never started")
            return None

    def chat(self, model: str, messages: Sequence[Message]) -> Reply:
        """One answer of a target outside every conversation, through journal and limits. Blocks."""
        return self.call(self.remembered_chat(model, tuple(messages)))

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the runner's loop and wait for its result, or for the runner's end."""
        self.start(())
        try:
            future = asyncio.run_coroutine_threadsafe(work, self.loop)
            while self.thread.is_alive() and not concurrent.futures.wait([future], DEAD_THREAD).done:
                pass  # a loop that ends just now never begins what it was given
            return future.result(0)
        except (concurrent.futures.CancelledError, TimeoutError, RuntimeError):
            work.close()
            raise bare(self.closed or Stopped("the run has ended")) from None
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise bare(error) from None

    def end(self, reason: JmebError | None = None) -> None:
        """Stop asking, cancel what is in flight, wake everybody who waits. May be called again."""
        self.shut(reason or Stopped("the run has ended"))
        if self.thread.is_alive():
            with contextlib.suppress(RuntimeError):  # a loop that ended by itself just now
                self.loop.call_soon_threadsafe(self.cancel)

    def close(self, reason: JmebError | None = None) -> None:
        """`end`, and wait until everything is given back."""
        self.end(reason)
        if self.thread.is_alive() and threading.current_thread() is not self.thread:
            self.thread.join()

    def progress(self) -> Progress:
        """A glance at the run."""
        lanes = list(self.lanes.values())
        worst = max(lanes, key=lambda lane: (lane.waiting, lane.quiet), default=None)
        waiting, quiet = (worst.waiting, worst.quiet) if worst else (0.0, 0.0)
        silent = f"{worst.endpoint.name}: no answer yet, for {quiet:.0f} s" if worst else ""
        return Progress(
            total=len(self.cases),
            done=len(self.records),
            in_flight=sum(lane.in_flight for lane in lanes),
            answers=self.answers,
            tokens=self.tokens,
            usd=self.budget.spent,
            seconds=time.monotonic() - self.began,
            trouble=worst.trouble or silent * (quiet >= QUIET_AFTER) if worst else "",
            waiting=waiting,
        )

    # -- on the runner's own thread ----------------------------------------------------------

    def live(self) -> None:
        """The thread: open the journal, serve until closed. Whatever ends it wakes all who wait."""
        try:
            asyncio.set_event_loop(self.loop)
            self.journal = self.open_journal()
            self.secret = self.journal.secret()
            self.recall_spending()
            self.done = asyncio.Event()
            self.slots = Slots(self.plan.concurrency)
            self.loop.run_until_complete(self.serve())
        except JmebError as error:
            self.shut(error)
        except BaseException as error:  # noqa: BLE001 - nobody must wait for a dead thread
            self.shut(JmebError(f"the runner broke: {type(error).__name__}: {error}"))
        finally:
            self.ready.set()
            if hasattr(self, "journal"):
                with contextlib.suppress(RunError):
                    self.usage = self.journal.usage()
                    self.recall_records()
                self.journal.close()
            self.loop.close()

    def recall_records(self) -> None:
        """What an earlier session measured of cases that this one did not come to is known all the same."""
        missing = [name for name in self.cases if name not in self.records and name not in self.apart]
        self.kept = {name: Record.from_json(data) for name, data in self.journal.kept(missing).items()}

    def recall_spending(self) -> None:
        """Begin the budget at what earlier sessions of the run have spent; remember who answered them."""
        asked = {endpoint.name: endpoint for endpoint in self.plan.asked()}
        for _, name, count, tokens in self.journal.usage(chats=True):
            self.heard.add(name)
            if name in asked and (price := asked[name].price):
                usd = price.usd(tokens.input, tokens.cached, tokens.output)
                self.budget.spent += usd
                self.budget.dearest[name] = max(usd / count, self.budget.dearest.get(name, 0.0))

    async def serve(self) -> None:
        """Connect to every endpoint, wait for the end, give everything back."""
        try:
            for endpoint in {endpoint.name: endpoint for endpoint in self.plan.asked()}.values():
                self.clients[endpoint.name] = connect(endpoint, answered=endpoint.name in self.heard)
                self.lanes[endpoint.name] = Lane(endpoint, self.slots, self.budget)
                self.facts[endpoint.name] = endpoint_facts(endpoint)
            self.checked = asyncio.ensure_future(self.check())
            self.ready.set()
            await self.done.wait()
        finally:
            if isinstance(self.closed, UserMistake | Inconclusive) and not isinstance(
                self.closed, NotWritten
            ):
                await self.slots.drain(GRACE)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for client in self.clients.values():
                await client.close()

    def shut(self, reason: JmebError) -> None:
        """Remember the first reason to end, and wake everybody."""
        with self.changed:
            self.closed = self.closed or bare(reason)
            for waiting in self.awaited.values():
                waiting.notify_all()

    def cancel(self) -> None:
        """End `serve`."""
        self.queue.clear()
        self.done.set()

    def enqueue(self, cases: Sequence[Case]) -> None:
        """Queue the cases, and see to it that enough hands work on them."""
        self.queue.extend(cases)
        busy = sum(not hand.done() for hand in self.hands)
        for _ in range(min(len(self.queue), self.plan.concurrency - busy)):
            hand = self.loop.create_task(self.work())
            self.hands.add(hand)
            hand.add_done_callback(self.hands.discard)

    async def check(self) -> None:
        """What the plan wants done before a target is asked; ends the run where it cannot go on."""
        if self.plan.check is None:
            return
        try:
            await self.plan.check(self.remembered, self.journal, self.secret)
        except (UserMistake, Inconclusive) as error:
            self.shut(error)
            self.cancel()
        except Exception as error:
            self.shut(JmebError(f"the pre-flight: {type(error).__name__}: {error}"))
            self.cancel()
            raise

    async def work(self) -> None:
        """Take cases off the queue until it is empty or something ends the run."""
        await asyncio.shield(self.checked)
        while self.queue and self.closed is None:
            case = self.queue.popleft()
            try:
                self.publish(case, await self.measure(case))
            except (UserMistake, Inconclusive) as error:
                self.shut(error)
                self.cancel()
                return
            except Exception as error:
                self.shut(JmebError(f"{case.id}: {type(error).__name__}: {error}"))
                self.cancel()
                raise

    def publish(self, case: Case, record: Record) -> None:
        """Hand a finished record to whoever waits; excuse an unscored one while that is allowed."""
        if case.id not in self.apart:
            verdict = decide(record, self.plan.limits(case), len(case.conversation.turns))
            if not verdict.scored and self.allowance.get(case.model, 0) > 0:
                self.allowance[case.model] -= 1
                record = Record(record.transcript, record.scores, excused=True)
            self.journal.keep(case.id, {"case": case_to_json(case), "record": record.to_json()})
        with self.changed:
            self.records[case.id] = record
            waiting = self.awaited.pop(case.id, None)
            if waiting is not None:
                waiting.notify_all()

    async def measure(self, case: Case) -> Record:
        """Hold one conversation and have it judged."""
        session = self.journal.session
        return await Measurement(case, self.plan, self.remembered, session, self.secret).record()

    async def remembered(self, endpoint: Endpoint, slot: Slot, request: Request, mark: str) -> Answered:
        """The journal's answer, or a new one that is written down before anybody sees it.

        What ends the run ends it here, and not when somebody comes to wait for this answer: until then
        others would go on asking, and paying.
        """
        try:
            return await self.answered(endpoint, slot, request, mark)
        except (UserMistake, Inconclusive) as error:
            self.shut(error)
            self.cancel()
            raise

    async def answered(self, endpoint: Endpoint, slot: Slot, request: Request, mark: str) -> Answered:
        """`remembered`, but for what ends the run."""
        key = key_of(self.facts[endpoint.name], slot, request, mark)
        found = self.journal.find(key)
        if found is not None:
            return Answered(*found)
        lane, client = self.lanes[endpoint.name], self.clients[endpoint.name]
        limited = endpoint.tokens_per_minute is not None or self.budget.usd is not None
        tokens, usd = supposed(endpoint, request) if limited else (0, 0.0)

        async def ask() -> Reply:
            reply = await client.ask(request)
            return with_usage(request, reply) if endpoint.price else reply

        def keep(reply: Reply, seconds: float) -> None:
            at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            self.journal.write(key, endpoint, slot, request, reply, seconds=seconds, at=at)
            self.budget.pay(endpoint, reply.usage)
            self.answers += 1
            self.tokens += reply.usage.input + reply.usage.output

        reply, seconds = await lane.call(ask, tokens, key.hex(), keep, usd)
        return Answered(reply, self.journal.session, seconds)

    async def remembered_chat(self, model: str, messages: tuple[Message, ...]) -> Reply:
        """`chat` on the runner's own loop."""
        await asyncio.shield(self.checked)
        if self.closed is not None:
            raise self.closed
        slot = Slot(model, "chat", "", 0, 0, 0)
        answered = await self.remembered(self.plan.targets[model], slot, Request(messages), "")
        return answered.reply
