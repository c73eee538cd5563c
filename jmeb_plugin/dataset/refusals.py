"""Stage 2: other models answer every request once; it stays when enough of them refuse."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.dataset.phrases import is_refusal, load_phrases
from jmeb_plugin.dataset.records import Dropped, Seed, read_records, writing
from jmeb_plugin.dataset.workshop import Stage, Workshop
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import CallFailed, SettingsError
from jmeb_plugin.figures import counted
from jmeb_plugin.judges import fence
from jmeb_plugin.prompts import Prompts
from jmeb_plugin.transcript import WITHHELD

STAGE = "refusals"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"refused": {"type": "boolean"}},
    "required": ["refused"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class RefusalSettings:
    """Who answers, how many must refuse, and who else looks; ``decide``: phrases or judge."""

    models: tuple[str, ...]
    at_least: int
    judge: str | None = None
    decide: str = "phrases"


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer to a request: refused by the phrases, and by the judge where one looked.

    ``phrases`` is ``None`` where there was no answer.
    """

    seed: str
    model: str
    text: str
    phrases: bool | None
    judge: bool | None = None
    trouble: str = ""


def filter_seeds(workshop: Workshop, settings: RefusalSettings) -> Iterator[str]:
    """Have every request answered; the lines of the report."""
    models = workshop.endpoints(STAGE, settings.models)
    judges = workshop.endpoints(STAGE, [settings.judge]) if settings.judge else []
    check(settings, models)
    seeds = list(read_records(workshop.file("seeds"), Seed))
    phrases = {name: load_phrases(workshop.suite.path, name) for name in workshop.languages}
    answers: list[Answer] = []
    kept = 0
    folder = workshop.file(STAGE).parent
    with workshop.open(STAGE, [*models, *judges], "requests", len(seeds)) as stage:
        listener = Listener(stage, phrases, workshop.prompts(), judges[0] if judges else None)
        with (
            writing(folder / "refusals.jsonl") as keep,
            writing(folder / "answers.jsonl") as note,
            writing(folder / "dropped.jsonl") as drop,
        ):

            async def work(seed: Seed) -> list[Answer]:
                return list(await asyncio.gather(*(listener.hear(seed, model) for model in models)))

            def emit(seed: Seed, heard: list[Answer]) -> None:
                nonlocal kept
                refused = tuple(answer.model for answer in heard if refuses(answer, settings.decide))
                if len(refused) >= settings.at_least:
                    kept += 1
                    keep(replace(seed, refused_by=refused))
                else:
                    reason = f"{len(refused)} of {len(models)} refused; expected {settings.at_least}"
                    drop(Dropped(seed.id, reason, seed.request))
                for answer in heard:
                    note(answer)
                    answers.append(replace(answer, text=""))

            stage.each(work, seeds, emit)
    figures = {"candidates": len(seeds), "kept": kept, "at_least": settings.at_least, "models": len(models)}
    workshop.report(STAGE, figures)
    yield (
        f"refusals: {kept} of {counted(len(seeds), 'request')} refused by at least {settings.at_least} of "
        f"{counted(len(models), 'model')}"
    )
    judged_own = {seed.author for seed in seeds} & {model.name for model in models}
    if judged_own:
        yield f"  warning: {', '.join(sorted(judged_own))} also wrote requests; the paper asks others"
    yield from rates(answers, models)
    yield from agreement(answers)
    workshop.need_some(STAGE, kept)


def check(settings: RefusalSettings, models: Sequence[Endpoint]) -> None:
    """Raise for settings that cannot be met."""
    if settings.at_least > len(models):
        raise SettingsError(
            f"refusals: at_least: {settings.at_least} of {counted(len(models), 'model')} cannot refuse; "
            f"expected at most {len(models)}"
        )
    if settings.decide == "judge" and not settings.judge:
        raise SettingsError("refusals: decide: a judge decides and none is given; expected judge as well")


def refuses(answer: Answer, decide: str) -> bool:
    """Whether the answer counts as a refusal; a judge that gave no score leaves it to the phrases."""
    seen = answer.judge if decide == "judge" and answer.judge is not None else answer.phrases
    return bool(seen)


@dataclass(frozen=True)
class Listener:
    """Asks a model and says whether it refused."""

    stage: Stage
    phrases: Mapping[str, Sequence[re.Pattern[str]]]
    prompts: Mapping[str, Prompts]
    judge: Endpoint | None

    async def hear(self, seed: Seed, model: Endpoint) -> Answer:
        """One model's answer to one request."""
        system = (Message("system", model.system_prompt),) if model.system_prompt else ()
        request = Request((*system, Message("user", seed.request)))
        try:
            reply = await self.stage.say(model, "answer", seed.id, request)
        except CallFailed as error:
            return Answer(seed.id, model.name, "", None, None, str(error))
        refused = declined(reply, self.phrases[seed.language])
        text = reply.text or (WITHHELD if reply.finish == "filter" else "")
        judged = await self.ask_judge(seed, model, text) if self.judge and text.strip() else None
        return Answer(seed.id, model.name, text, refused, judged)

    async def ask_judge(self, seed: Seed, model: Endpoint, text: str) -> bool | None:
        """Whether the judge sees a refusal; ``None`` where it does not say."""
        assert self.judge is not None
        prompts = self.prompts[seed.language]

        def build(mark: str, again: bool) -> Request:
            parts = [
                prompts.opening(mark),
                prompts.text("refusal", "request"), fence("request", mark, seed.request),
                prompts.text("refusal", "answer"), fence("answer", mark, text),
                str(prompts.texts["again"]) if again else "",
            ]  # fmt: skip
            system = Message("system", prompts.text("refusal", "system"))
            return Request((system, Message("user", "\n\n".join(filter(None, parts)))), SCHEMA)

        try:
            return bool(
                await self.stage.ask_for(self.judge, "judge", f"{seed.id} {model.name}", build, read_refusal)
            )
        except CallFailed:
            return None


def read_refusal(found: Mapping[str, Any]) -> int | None:
    """1 for a refusal, 0 for none; ``None`` where the judge said neither."""
    said = found.get("refused")
    return int(said) if isinstance(said, bool) else None


def declined(reply: Reply, phrases: Sequence[re.Pattern[str]]) -> bool:
    """Whether a reply is a refusal: the provider says so, or its own words do."""
    return reply.finish in ("refusal", "filter") or is_refusal(reply.text, phrases)


def rates(answers: Sequence[Answer], models: Sequence[Endpoint]) -> Iterator[str]:
    """How often each model refused, of the requests that it answered."""
    for model in models:
        own = [answer for answer in answers if answer.model == model.name]
        given = [answer for answer in own if answer.phrases is not None]
        refused = sum(bool(answer.phrases) for answer in given)
        share = f"{refused / len(given):.0%}" if given else "–"
        missing = f"; {len(own) - len(given)} without an answer" if len(given) < len(own) else ""
        yield f"  {model.name}: refused {refused} of {len(given)} ({share}){missing}"


def agreement(answers: Sequence[Answer]) -> Iterator[str]:
    """The phrase list against the judge, where both looked."""
    both = [(answer.phrases, answer.judge) for answer in answers if answer.judge is not None]
    if both:
        same = sum(one == other for one, other in both)
        only_list = sum(bool(one) and not other for one, other in both)
        yield (
            f"  phrases and judge agree on {same} of {counted(len(both), 'answer')} "
            f"({same / len(both):.0%}); a refusal by the phrases alone {only_list}, "
            f"by the judge alone {len(both) - same - only_list}"
        )
