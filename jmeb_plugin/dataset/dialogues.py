"""Stage 4: attackers hold conversations with a target; what stays is the user's turns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jmeb_plugin.attackers import Attack, read_message
from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.converse import converse
from jmeb_plugin.dataset.drawing import some_of_each
from jmeb_plugin.dataset.phrases import load_phrases
from jmeb_plugin.dataset.records import Dialogue, Dropped, Seed, StrategyCard, read_records, writing
from jmeb_plugin.dataset.refusals import declined
from jmeb_plugin.dataset.workshop import Stage, Workshop
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import CallFailed, SettingsError
from jmeb_plugin.figures import counted
from jmeb_plugin.prompts import Prompts
from jmeb_plugin.structured import Declined
from jmeb_plugin.suite import Strategy
from jmeb_plugin.transcript import Turn

STAGE = "dialogues"
TARGET_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class DialogueSettings:
    """Who attacks whom; ``mode`` is adaptive or static; ``requests``: of each guideline and language."""

    attackers: tuple[str, ...]
    target: str | None
    turns: int
    mode: str
    requests: int | None = None
    keep_refused: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One conversation to be held."""

    seed: Seed
    strategy: Strategy
    attacker: Endpoint

    @property
    def id(self) -> str:
        """Its name among the dropped and in the journal."""
        return f"{self.seed.id}/{self.strategy.id}"


def hold_dialogues(workshop: Workshop, settings: DialogueSettings) -> Iterator[str]:
    """Have every request pursued by every attacker with every strategy; the lines of the report."""
    attackers = workshop.endpoints(STAGE, settings.attackers)
    adaptive = settings.mode == "adaptive"
    if adaptive and not settings.target:
        raise SettingsError("dialogues: an adaptive attacker talks with somebody; expected target as well")
    targets = workshop.endpoints(STAGE, [settings.target]) if adaptive and settings.target else []
    seeds = some_of_each(read_records(workshop.file("refusals"), Seed), settings.requests, workshop.seed)
    attempts = [
        Attempt(seed, strategy, attacker)
        for seed in seeds
        for strategy in strategies_of(workshop)
        for attacker in attackers
    ]
    phrases = {name: load_phrases(workshop.suite.path, name) for name in workshop.languages}
    kept, reasons = 0, Counter[str]()
    folder = workshop.file(STAGE).parent
    with workshop.open(STAGE, [*attackers, *targets], "conversations", len(attempts)) as stage:
        table = Table(stage, workshop.prompts(), phrases, targets[0] if targets else None, settings.turns)
        with writing(folder / "dialogues.jsonl") as keep, writing(folder / "dropped.jsonl") as drop:

            def emit(attempt: Attempt, found: Dialogue | Dropped) -> None:
                nonlocal kept
                if isinstance(found, Dialogue) and found.reached is False and not settings.keep_refused:
                    found = Dropped(
                        dropped_id(attempt), "the target refused to the end", "\n".join(found.turns)
                    )
                if isinstance(found, Dialogue):
                    kept += 1
                    keep(found)
                else:
                    reasons[found.reason.partition(":")[0]] += 1
                    drop(found)

            stage.each(table.hold, attempts, emit)
    workshop.report(STAGE, {"attempts": len(attempts), "kept": kept, "dropped": dict(reasons)})
    yield f"dialogues ({settings.mode}): {kept} of {counted(len(attempts), 'conversation')} kept"
    yield from (f"  dropped {count}: {reason}" for reason, count in reasons.most_common())
    workshop.need_some(STAGE, kept)


def dropped_id(attempt: Attempt) -> str:
    """The attempt with its attacker, which the journal knows apart."""
    return f"{attempt.id}/{attempt.attacker.name}"


def strategies_of(workshop: Workshop) -> list[Strategy]:
    """The suite's strategies, and those that were discovered if that stage was run."""
    found = dict(workshop.suite.strategies)
    path = workshop.file("strategies")
    for card in read_records(path, StrategyCard) if path.is_file() else ():
        if not card.known:
            found[card.id] = Strategy(card.id, card.name, card.description)
    return list(found.values())


@dataclass(frozen=True)
class Table:
    """Where attackers and the target meet; without a target, attackers write all turns at once."""

    stage: Stage
    prompts: Mapping[str, Prompts]
    phrases: Mapping[str, Sequence[re.Pattern[str]]]
    target: Endpoint | None
    turns: int

    async def hold(self, attempt: Attempt) -> Dialogue | Dropped:
        """One conversation, or why there is none."""
        seed, workshop = attempt.seed, self.stage.workshop
        guideline = workshop.suite.guidelines[seed.guideline]
        attack = Attack(self.prompts[seed.language], guideline, seed.request, self.turns, attempt.strategy)
        try:
            if self.target is None:
                return dialogue(attempt, await self.script(attempt, attack))
            turns = await self.talk(attempt, attack, self.target)
        except Declined as error:
            return Dropped(dropped_id(attempt), f"the attacker refused: {error}")
        except CallFailed as error:
            return Dropped(dropped_id(attempt), f"failed: {error}")
        last = Reply(turns[-1].answer, "filter" if turns[-1].withheld else "stop")
        reached = not declined(last, self.phrases[seed.language])
        return dialogue(attempt, [turn.question for turn in turns], self.target.name, reached)

    async def script(self, attempt: Attempt, attack: Attack) -> tuple[str, ...]:
        """All turns of the user at once."""
        return await self.stage.ask_for(
            attempt.attacker, "attacker", attempt.id,
            lambda mark, again: attack.script_request(mark, again=again), attack.read_script,
        )  # fmt: skip

    async def talk(self, attempt: Attempt, attack: Attack, target: Endpoint) -> tuple[Turn, ...]:
        """The whole conversation, turn by turn. Raises `CallFailed` where a part could not be had."""
        what = f"{attempt.id} {attempt.attacker.name}"
        failures: list[CallFailed] = []

        async def next_question(so_far: tuple[Turn, ...]) -> str | None:
            if len(so_far) == attack.turns:
                return None
            try:
                return await self.stage.ask_for(
                    attempt.attacker, "attacker", what,
                    lambda mark, again: attack.turn_request(so_far, mark, again=again), read_message,
                    len(so_far),
                )  # fmt: skip
            except CallFailed as error:
                failures.append(error)
                raise

        async def ask(messages: tuple[Message, ...], turn: int, again: int) -> Reply | None:
            if again == TARGET_ATTEMPTS:
                return None
            limit = 2 * target.limit if again and target.limit else None
            request = Request(messages, max_tokens=limit)
            return await self.stage.say(target, "target", what, request, turn, again)

        turns, trouble = await converse(next_question, target.system_prompt, ask, lambda *_: None)
        if trouble:
            raise failures[0] if failures else CallFailed(trouble)
        return turns


def dialogue(
    attempt: Attempt, turns: Sequence[str], target: str = "", reached: bool | None = None
) -> Dialogue:
    """The record of a conversation."""
    return Dialogue(attempt.seed, attempt.strategy.id, attempt.attacker.name, target, tuple(turns), reached)
