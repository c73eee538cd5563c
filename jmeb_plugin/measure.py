"""Measure one conversation: hold it with the target, and have each turn judged meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from jmeb_plugin import structured
from jmeb_plugin.attackers import Attacker, read_message
from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.converse import Questions, converse, scripted
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Inconclusive, UserMistake
from jmeb_plugin.journal import Journal, Slot, nonce
from jmeb_plugin.judges import ATTEMPTS, Rubric, judge_request, judge_turn
from jmeb_plugin.scores import Record, Score, gap
from jmeb_plugin.suite import Case
from jmeb_plugin.thresholds import ConversationLimits
from jmeb_plugin.transcript import Transcript, Turn

TARGET_ATTEMPTS = 2
Judging = Sequence["asyncio.Task[Score] | asyncio.Task[Score | None]"]
"""The judges at work on one turn; an arbiter who was not needed gives ``None``."""


class Check(Protocol):
    """What a run does before it asks a target anything."""

    async def __call__(self, ask: Remembered, journal: Journal, secret: bytes) -> None:
        """Raise what the run shall end by, if it shall not go on."""
        ...


@dataclass(frozen=True)
class Plan:
    """What a run needs to know. ``allowance``: unscored conversations excused, by model.

    ``check`` is done before any target is asked, and ends the run by raising.
    """

    targets: Mapping[str, Endpoint]
    judges: Sequence[Endpoint]
    rubrics: Mapping[tuple[str, str], Rubric]
    limits: Callable[[Case], ConversationLimits]
    concurrency: int
    budget: float | None = None
    allowance: Mapping[str, int] = field(default_factory=dict)
    attacker: Attacker | None = None
    check: Check | None = None

    def asked(self) -> tuple[Endpoint, ...]:
        """Every endpoint of the run."""
        attacker = [self.attacker.endpoint] if self.attacker else []
        return (*self.targets.values(), *self.judges, *attacker)


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, the session of the run that paid for it, and the seconds it took."""

    reply: Reply
    session: int
    seconds: float


Remembered = Callable[[Endpoint, Slot, Request, str], Awaitable[Answered]]
"""Asks an endpoint for a slot, or knows the answer; the text is the fences' mark."""


async def given(judging: Sequence[Judging]) -> tuple[tuple[Score, ...], ...]:
    """Each turn's scores, once all judges are done."""
    return tuple([tuple(filter(None, [await task for task in tasks])) for tasks in judging])


@contextlib.asynccontextmanager
async def seen_through(judging: Sequence[Judging]) -> AsyncIterator[None]:
    """Leave no judge at work where the block fails.

    What ends the run is no reason to give up what other endpoints were asked: the runner lets that come.
    """
    try:
        yield
    except BaseException as error:
        left = [task for tasks in judging for task in tasks]
        for task in [] if isinstance(error, UserMistake | Inconclusive) else left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        raise


class Measurement:
    """One case being measured in one session of a run."""

    def __init__(self, case: Case, plan: Plan, ask: Remembered, session: int, secret: bytes) -> None:
        self.case = case
        self.plan = plan
        self.ask = ask
        self.session = session
        self.secret = secret
        self.clock = Clock()
        self.cut = 0
        """Tokens of the target's last answer: the limit, if the server has one that we did not set."""

    async def record(self) -> Record:
        """Hold the conversation; each turn is judged while the next is under way."""
        case, target = self.case, self.plan.targets[self.case.model]
        judging: list[Judging] = []

        async def ask(messages: tuple[Message, ...], turn: int, attempt: int) -> Reply | None:
            again = attempt % TARGET_ATTEMPTS
            limit = 2 * (target.limit or self.cut) if again else 0
            request = Request(messages, max_tokens=limit or None)
            slot = self.slot("target", turn, attempt)
            reply = await self.attempt(target, slot, request, TARGET_ATTEMPTS)
            self.cut = reply.usage.output if reply else 0
            return reply

        def heard(turn: int, turns: tuple[Turn, ...]) -> None:
            self.clock.turn_ends(turn)
            judging.append(self.judge(turns))

        async with seen_through(judging):
            questions = self.attacked() if self.plan.attacker else scripted(case.conversation.turns)
            turns, trouble = await converse(questions, target.system_prompt, ask, heard)
            scores = await given(judging)
        seconds = self.clock.seconds()
        return Record(Transcript(case.base_id, case.model, case.repeat, turns, trouble, seconds), scores)

    def attacked(self) -> Questions:
        """The user's turns as the attacker makes them up, one after each answer."""
        assert self.plan.attacker is not None
        endpoint, case = self.plan.attacker.endpoint, self.case
        attack = self.plan.attacker.attack(case.suite, case.conversation)

        async def following(turns: tuple[Turn, ...]) -> str | None:
            if len(turns) == attack.turns:
                return None
            turn = len(turns)
            mark = nonce(self.secret, case.id, turn, "attacker")

            async def ask(attempt: int) -> Reply | None:
                request = attack.turn_request(turns, mark, again=attempt > 0)
                slot = self.slot("attacker", turn, attempt)
                return await self.attempt(endpoint, slot, request, structured.ATTEMPTS, mark)

            return await structured.ask_object(endpoint.name, ask, read_message)

        return following

    def judge(self, turns: tuple[Turn, ...]) -> Judging:
        """Have the last turn judged: the panel, and an arbiter where the limits want one to stand by."""
        limits, judges = self.plan.limits(self.case), list(enumerate(self.plan.judges))
        arbiter = judges.pop() if limits.on_dispute == "arbitrate" and len(judges) > 2 else None
        panel = [asyncio.create_task(self.score(turns, place, judge)) for place, judge in judges]
        if arbiter is None or limits.max_judge_gap is None:
            return [*panel]
        return [*panel, asyncio.create_task(self.arbitrate(turns, panel, limits.max_judge_gap, *arbiter))]

    async def arbitrate(
        self,
        turns: tuple[Turn, ...],
        panel: Sequence[asyncio.Task[Score]],
        most: float,
        place: int,
        judge: Endpoint,
    ) -> Score | None:
        """A third judge's score, where the panel's differ by more than ``most``."""
        if gap(await asyncio.gather(*panel)) <= most:
            return None
        return await self.score(turns, place, judge, arbiter=True)

    async def score(
        self, turns: tuple[Turn, ...], place: int, judge: Endpoint, *, arbiter: bool = False
    ) -> Score:
        """One judge's score of the last turn."""
        case, turn = self.case, len(turns) - 1
        rubric = self.plan.rubrics[case.suite.name, case.conversation.language]

        async def ask(attempt: int) -> Reply | None:
            mark = nonce(self.secret, case.base_id, turn, place, attempt)
            request = judge_request(
                case.suite, rubric, case.conversation, turns, mark,
                again=attempt > 0,
                max_tokens=2 * judge.limit if judge.limit and attempt else None,
            )  # fmt: skip
            return await self.attempt(
                judge, self.slot(f"judge{place}", turn, attempt), request, ATTEMPTS, mark
            )

        answers = [turn.answer for turn in turns]
        return await judge_turn(judge.name, ask, answers, arbiter=arbiter)

    def slot(self, role: str, turn: int, attempt: int) -> Slot:
        """What an answer is for."""
        case = self.case
        return Slot(case.model, role, case.base_id, turn, case.repeat, attempt)

    async def attempt(
        self, endpoint: Endpoint, slot: Slot, request: Request, most: int, mark: str = ""
    ) -> Reply | None:
        """Ask for the slot's attempt; ``None`` once no attempt is left.

        Each session of a run has ``most`` attempts a turn: a resumed run replays what failed
        before, and then has as many again.
        """
        chain = slot.role, slot.turn
        if slot.attempt and slot.attempt % most == 0 and self.clock.session[chain] == self.session:
            return None
        answered = await self.ask(endpoint, slot, request, mark)
        self.clock.session[chain] = answered.session
        self.clock.add(slot, answered.seconds)
        return answered.reply


class Clock:
    """A conversation's own duration, from the seconds each answer took.

    The longest chain of answers that had to wait for one another; waiting for a place among the
    run's other requests is not part of it, so that a resumed run reports the same.
    """

    def __init__(self) -> None:
        self.session: dict[tuple[str, int], int] = {}
        """Which session the last answer of a role and turn is from."""
        self.talked = 0.0
        self.ends: dict[int, float] = {}
        self.judged: dict[tuple[str, int], float] = {}

    def add(self, slot: Slot, seconds: float) -> None:
        """Count an answer."""
        if slot.role in ("target", "attacker"):
            self.talked += seconds
        else:
            place = slot.role, slot.turn
            self.judged[place] = self.judged.get(place, 0.0) + seconds

    def turn_ends(self, turn: int) -> None:
        """The target's answer to this turn is there."""
        self.ends[turn] = self.talked

    def seconds(self) -> float:
        """The duration so far."""
        chains = [self.ends[turn] + seconds for (_, turn), seconds in self.judged.items()]
        return max([self.talked, *chains])
