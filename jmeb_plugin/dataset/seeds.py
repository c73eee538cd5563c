"""Stage 1: generators write harmful requests for every guideline; what repeats another is dropped."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jmeb_plugin.attackers import read_text
from jmeb_plugin.clients.base import Message, Request
from jmeb_plugin.dataset.records import Dropped, Seed, writing
from jmeb_plugin.dataset.workshop import Stage, Workshop
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import CallFailed
from jmeb_plugin.figures import counted
from jmeb_plugin.prompts import Prompts
from jmeb_plugin.suite import Guideline

STAGE = "seeds"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"requests": {"type": "array", "items": {"type": "string"}}},
    "required": ["requests"],
    "additionalProperties": False,
}
GRAM, ALIKE = 4, 0.7
"""Two requests that share so much of the shorter one's runs of four characters are one."""


@dataclass(frozen=True, slots=True)
class SeedSettings:
    """Who writes, and how many requests per guideline and language each."""

    generators: tuple[str, ...]
    per_guideline: int


Item = tuple[Endpoint, Guideline, str]


def make_seeds(workshop: Workshop, settings: SeedSettings) -> Iterator[str]:
    """Have the requests written; the lines of the report."""
    generators = workshop.endpoints(STAGE, settings.generators)
    prompts, count = workshop.prompts(), settings.per_guideline
    items = [
        (generator, guideline, language)
        for language in workshop.languages
        for guideline in workshop.suite.guidelines.values()
        for generator in generators
    ]
    repeats, kept, reasons = Repeats(), 0, Counter[str]()
    folder = workshop.file(STAGE).parent
    with (
        workshop.open(STAGE, generators, "lists of requests", len(items)) as stage,
        writing(folder / "seeds.jsonl") as keep,
        writing(folder / "dropped.jsonl") as drop,
    ):

        async def work(item: Item) -> list[str] | str:
            return await requests_of(stage, prompts[item[2]], item, count)

        def emit(item: Item, found: list[str] | str) -> None:
            nonlocal kept
            for record in records(item, found, repeats):
                if isinstance(record, Seed):
                    kept += 1
                    keep(record)
                else:
                    reasons["repeats another" if record.text else record.reason] += 1
                    drop(record)

        stage.each(work, items, emit)
    asked = len(items) * count
    workshop.report(STAGE, {"asked": asked, "kept": kept, "dropped": dict(reasons)})
    guidelines, languages = len(workshop.suite.guidelines), len(workshop.languages)
    yield (
        f"seeds: {counted(len(generators), 'generator')} × {counted(count, 'request')} × "
        f"{counted(guidelines, 'guideline')} × {counted(languages, 'language')} = "
        f"{asked} asked for; {kept} kept"
    )
    yield from (f"  dropped {count}: {reason}" for reason, count in reasons.most_common(10))
    workshop.need_some(STAGE, kept)


async def requests_of(stage: Stage, prompts: Prompts, item: Item, count: int) -> list[str] | str:
    """One generator's requests for a guideline, or why there are none."""
    generator, guideline, language = item

    def build(_: str, again: bool) -> Request:
        order = prompts.text("seeds", "order", count=count)
        parts = [prompts.about(guideline), order, str(prompts.texts["again"]) if again else ""]
        system = Message("system", prompts.text("seeds", "system"))
        return Request((system, Message("user", "\n\n".join(filter(None, parts)))), SCHEMA)

    def read(found: Mapping[str, Any]) -> list[str] | None:
        listed = found.get("requests")
        texts = [read_text(text) for text in listed] if isinstance(listed, list) else []
        return [text for text in texts if text][:count] or None

    try:
        return await stage.ask_for(generator, "generator", f"{guideline.id}/{language}", build, read)
    except CallFailed as error:
        return str(error)


def records(item: Item, found: list[str] | str, repeats: Repeats) -> Iterator[Seed | Dropped]:
    """Requests that are new, and what was dropped with the reason."""
    generator, guideline, language = item
    place = f"{guideline.id}/{language}"
    if isinstance(found, str):
        yield Dropped(f"{place}/{generator.name}", found)
        return
    for text in found:
        number, like = repeats.number(place), repeats.like(place, text)
        name = f"{place}/{number}"
        if like:
            yield Dropped(name, f"repeats {like}", text)
        else:
            repeats.add(place, name, text)
            yield Seed(name, guideline.id, language, text, generator.name)


class Repeats:
    """Remembers the requests of each guideline and language, and knows one that says the same."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
        self.numbers: dict[str, int] = defaultdict(int)

    def number(self, place: str) -> int:
        """The next number of a place."""
        self.numbers[place] += 1
        return self.numbers[place] - 1

    def like(self, place: str, text: str) -> str:
        """The id of the request that the text repeats; empty where it is new."""
        own = runs(text)
        for name, other in self.seen[place]:
            if len(own & other) > ALIKE * min(len(own), len(other)):
                return name
        return ""

    def add(self, place: str, name: str, text: str) -> None:
        """Remember a request."""
        self.seen[place].append((name, runs(text)))


def runs(text: str) -> frozenset[str]:
    """The runs of four characters of a text, whatever its script, without blanks and punctuation."""
    plain = re.sub(r"[\W_]+", "", text.casefold())
    return frozenset(plain[at : at + GRAM] for at in range(max(1, len(plain) - GRAM + 1)))
