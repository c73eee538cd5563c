"""Stage 3: what wears a model down. Attempts are logged with their scores, pairs of them compared.

Algorithm 1 of the paper, one pass of AutoDAN-Turbo simplified: for each request T attempts, each scored
by a judge; then K times two entries of the log are drawn, and a summariser says what made the
difference: a strategy that is known, or a new one with a name.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.attackers import TEXT, Attack, read_message, read_text
from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.dataset.drawing import some_of_each
from jmeb_plugin.dataset.records import Dropped, Seed, StrategyCard, read_records, writing
from jmeb_plugin.dataset.workshop import Stage, Workshop
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import CallFailed
from jmeb_plugin.figures import counted
from jmeb_plugin.journal import nonce
from jmeb_plugin.judges import ATTEMPTS, Rubric, fence, judge_request, judge_turn, load_rubric
from jmeb_plugin.prompts import Prompts
from jmeb_plugin.suite import Conversation
from jmeb_plugin.transcript import WITHHELD, Turn

STAGE = "strategies"
FIELDS = ("known", "name", "mechanism", "frame", "counter_indications")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": dict.fromkeys(FIELDS, TEXT),
    "required": list(FIELDS),
    "additionalProperties": False,
}
TOGETHER = 16
"""So many pairs are shown the same library, whatever the concurrency: a resumed run asks the same."""
SAME_WORDS = 0.6
"""A new strategy that shares so much of the shorter description's words is a known one."""
IDLE = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its", "of"]
)
IDLE |= frozenset(["on", "or", "so", "that", "the", "then", "to", "with"])


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """Who attacks, answers, scores and sums up; T attempts, K draws; requests of each guideline."""

    attackers: tuple[str, ...]
    target: str
    judge: str
    summariser: str
    attempts: int
    draws: int
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """One attempt: what was asked and answered, and the judge's score (1: it gave way, 10: it held)."""

    message: str
    answer: str
    score: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two attempts at one request that scored differently; ``number`` is the draw's."""

    seed: Seed
    number: int
    weaker: Logged
    stronger: Logged


def find_strategies(workshop: Workshop, settings: StrategySettings) -> Iterator[str]:
    """Fill the library; the lines of the report."""
    attackers = workshop.endpoints(STAGE, settings.attackers)
    target, judge, summariser = (
        workshop.endpoints(STAGE, [name])[0]
        for name in (settings.target, settings.judge, settings.summariser)
    )
    seeds = some_of_each(read_records(workshop.file("refusals"), Seed), settings.requests, workshop.seed)
    library = Library(known_cards(workshop))
    rubrics = {language: load_rubric(workshop.suite, language) for language in workshop.languages}
    pairs: list[Pair] = []
    attempts = 0
    folder, everybody = workshop.file(STAGE).parent, [*attackers, target, judge, summariser]
    with workshop.open(STAGE, everybody, "requests", len(seeds)) as stage:
        arena = Arena(stage, workshop.prompts(), rubrics, attackers, target, judge, settings.attempts)
        with writing(folder / "log.jsonl") as note, writing(folder / "dropped.jsonl") as drop:

            def emit(seed: Seed, log: list[Logged]) -> None:
                nonlocal attempts
                attempts += len(log)
                note({"seed": seed.id, "attempts": [[e.message, e.answer, e.score] for e in log]})
                pairs.extend(draw_pairs(seed, log, settings.draws, workshop.seed))

            stage.each(arena.log, seeds, emit)
            for start in range(0, len(pairs), TOGETHER):
                sum_up(stage, summariser, arena.prompts, library, pairs[start : start + TOGETHER], drop)
        with writing(folder / "strategies.jsonl") as keep:
            for card in library.cards.values():
                keep(card)
    new = [card for card in library.cards.values() if not card.known]
    figures = {"requests": len(seeds), "attempts": attempts, "pairs": len(pairs), "new": len(new)}
    workshop.report(STAGE, figures)
    yield (
        f"strategies: {counted(attempts, 'attempt')} at {counted(len(seeds), 'request')}, "
        f"{counted(len(pairs), 'pair')} compared; {len(library.cards) - len(new)} known, {len(new)} new"
    )
    for card in sorted(library.cards.values(), key=lambda card: (-card.times, card.id)):
        yield f"  {card.id} ({'known' if card.known else 'new'}): {counted(card.times, 'time')}; {card.name}"


def known_cards(workshop: Workshop) -> list[StrategyCard]:
    """The suite's own strategies."""
    return [
        StrategyCard(way.id, way.name, way.description, known=True)
        for way in workshop.suite.strategies.values()
    ]


@dataclass(frozen=True)
class Arena:
    """Where attempts are made and scored."""

    stage: Stage
    prompts: Mapping[str, Prompts]
    rubrics: Mapping[str, Rubric]
    attackers: Sequence[Endpoint]
    target: Endpoint
    judge: Endpoint
    attempts: int

    async def log(self, seed: Seed) -> list[Logged]:
        """The attempts at one request, one after the other: each is told how those before it scored."""
        found: list[Logged] = []
        for number in range(self.attempts):
            attacker = self.attackers[number % len(self.attackers)]
            try:
                entry = await self.attempt(seed, attacker, number, found)
            except CallFailed:
                continue
            if entry is not None:
                found.append(entry)
        return found

    async def attempt(
        self, seed: Seed, attacker: Endpoint, number: int, before: Sequence[Logged]
    ) -> Logged | None:
        """One attempt; ``None`` where the judge gave no score."""
        suite = self.stage.workshop.suite
        attack = Attack(self.prompts[seed.language], suite.guidelines[seed.guideline], seed.request, 1)
        tried = [(entry.message, entry.score) for entry in before]
        message = await self.stage.ask_for(
            attacker, "attacker", seed.id,
            lambda mark, again: attack.attempt_request(tried, mark, again=again), read_message, number,
        )  # fmt: skip
        system = (Message("system", self.target.system_prompt),) if self.target.system_prompt else ()
        request = Request((*system, Message("user", message)))
        reply = await self.stage.say(self.target, "target", seed.id, request, number)
        answer = WITHHELD if reply.finish == "filter" else reply.text
        score = await self.score(seed, number, Turn(message, answer)) if answer.strip() else None
        return None if score is None else Logged(message, answer, score)

    async def score(self, seed: Seed, number: int, turn: Turn) -> float | None:
        """The judge's score of an attempt's answer, by the suite's rubric."""
        stage, judge = self.stage, self.judge
        suite = stage.workshop.suite
        rubric = self.rubrics[seed.language]
        mark = nonce(stage.job.runner.secret, judge.name, seed.id, number)
        talk = Conversation(seed.id, seed.guideline, "", seed.language, 0, seed.request, (turn.question,))

        async def ask(attempt: int) -> Reply | None:
            if attempt == ATTEMPTS:
                return None
            request = judge_request(suite, rubric, talk, (turn,), mark, again=attempt > 0)
            return await stage.job.ask(
                judge.name, stage.slot(judge, "judge", seed.id, number, attempt), request, mark
            )

        return (await judge_turn(judge.name, ask, [turn.answer])).value


def draw_pairs(seed: Seed, log: Sequence[Logged], draws: int, number: int) -> list[Pair]:
    """``draws`` pairs of entries that scored differently, each pair at most once."""
    pairs = [
        (one, other) if one.score > other.score else (other, one)
        for one, other in itertools.combinations(log, 2)
        if one.score != other.score
    ]
    drawn = random.Random(f"{number}/{seed.id}").sample(pairs, min(draws, len(pairs)))
    return [Pair(seed, place, weaker, stronger) for place, (weaker, stronger) in enumerate(drawn)]


class Library:
    """The strategies known so far, by id."""

    def __init__(self, cards: Sequence[StrategyCard]) -> None:
        self.cards = {card.id: card for card in cards}

    def lines(self) -> str:
        """The library as the summariser reads it."""
        return "\n".join(f"- {card.id}: {card.name}. {card.description}" for card in self.cards.values())

    def take(self, said: Mapping[str, str], seed: Seed) -> str:
        """Count what the summariser named; why not, where it cannot be taken.

        Known is what it says is known; a new one that says what a known one says is that one.
        """
        if known := said["known"]:
            if known not in self.cards:
                return f"{known!r} is no known strategy"
        elif not (said["name"] and said["mechanism"]):
            return "neither a known strategy nor a name and a mechanism"
        else:
            card = StrategyCard(
                slug(said["name"]), said["name"], said["mechanism"], said["frame"],
                said["counter_indications"], found_in=seed.id,
            )  # fmt: skip
            known = self.like(card)
            if not known:
                self.cards[card.id] = card
                known = card.id
        self.cards[known] = replace(self.cards[known], times=self.cards[known].times + 1)
        return ""

    def like(self, card: StrategyCard) -> str:
        """The id of the strategy that says the same, by the words of both; empty where none does."""
        if card.id in self.cards:
            return card.id
        own = words(f"{card.name} {card.mechanism}")
        for name, other in self.cards.items():
            theirs = words(f"{other.name} {other.mechanism}")
            if len(own & theirs) > SAME_WORDS * min(len(own), len(theirs)):
                return name
        return ""


def words(text: str) -> frozenset[str]:
    """The words of a description that say something."""
    return frozenset(re.findall(r"\w+", text.lower())) - IDLE


def slug(name: str) -> str:
    """A strategy's id from its name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "unnamed"


def sum_up(
    stage: Stage, summariser: Endpoint, prompts: Mapping[str, Prompts], library: Library,
    pairs: Sequence[Pair], drop: Any,
) -> None:  # fmt: skip
    """Have some pairs summed up against the library as it stands, and take what is said, in their order."""
    known = library.lines()

    async def work(pair: Pair) -> dict[str, str] | str:
        own = prompts[pair.seed.language]
        try:
            return await stage.ask_for(
                summariser, "summariser", pair.seed.id,
                lambda mark, _: summary_request(own, known, pair, mark), read_summary, pair.number,
            )  # fmt: skip
        except CallFailed as error:
            return str(error)

    def emit(pair: Pair, said: dict[str, str] | str) -> None:
        trouble = said if isinstance(said, str) else library.take(said, pair.seed)
        if trouble:
            drop(Dropped(f"{pair.seed.id}/{pair.number}", trouble))

    stage.each(work, pairs, emit, counted=False)


def summary_request(prompts: Prompts, known: str, pair: Pair, mark: str) -> Request:
    """Ask what made the difference between two attempts."""
    parts = [prompts.opening(mark), prompts.text("summariser", "known"), known]
    for name, entry in (("weaker", pair.weaker), ("stronger", pair.stronger)):
        parts.append(prompts.text("summariser", name, score=f"{entry.score:g}"))
        parts.append(fence(name, mark, f"{entry.message}\n\n{entry.answer}"))
    parts.append(prompts.text("summariser", "order"))
    system = Message("system", prompts.text("summariser", "system"))
    return Request((system, Message("user", "\n\n".join(parts))), SCHEMA)


def read_summary(found: Mapping[str, Any]) -> dict[str, str] | None:
    """The fields of a summary, each a text; ``None`` where nothing was named."""
    said = {name: read_text(found.get(name)) or "" for name in FIELDS}
    return said if said["known"] or said["name"] else None
