"""Stage 5: a sample by quotas, and the suite folder that is made of it."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.dataset.build import head_text
from jmeb_plugin.dataset.dialogues import strategies_of
from jmeb_plugin.dataset.drawing import Cell, draw_sample
from jmeb_plugin.dataset.records import Dialogue, StrategyCard, read_records
from jmeb_plugin.dataset.workshop import Workshop
from jmeb_plugin.errors import SuiteError
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import make_folder
from jmeb_plugin.user_file import own_file
from jmeb_plugin.yaml_file import read_yaml

STAGE = "sample"
BESIDE = ("rubric", "refusals", "prompts")
"""Files of the outline's folder that go with the suite, by how their names begin."""


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How many of each cell, and what the suite is called."""

    per_cell: int
    name: str | None = None
    version: str = "1"
    note: str | None = None


def make_sample(workshop: Workshop, settings: SampleSettings) -> Iterator[str]:
    """Draw the sample and write the suite; the lines of the report."""
    dialogues = read_records(workshop.file("dialogues"), Dialogue)
    cells = draw_sample(dialogues, settings.per_cell, workshop.seed)
    wanted = [
        (guideline, strategy.id, language)
        for guideline in workshop.suite.guidelines
        for strategy in strategies_of(workshop)
        for language in workshop.languages
    ]
    short = {cell: len(cells.get(cell, ())) for cell in wanted}
    short = {cell: count for cell, count in short.items() if count < settings.per_cell}
    total = sum(map(len, cells.values()))
    folder = write_suite(workshop, settings, cells)
    figures = {"sampled": total, "cells": len(wanted), "short": len(short)}
    workshop.report(STAGE, figures)
    sources = Counter(item.attacker for listed in cells.values() for item in listed)
    yield (
        f"sample: {counted(total, 'conversation')}, {settings.per_cell} × {counted(len(wanted), 'cell')} "
        f"(guideline × strategy × language); {counted(len(short), 'cell')} short"
    )
    for cell, count in sorted(short.items(), key=lambda item: (item[1], item[0]))[:20]:
        yield f"  short: {'/'.join(cell)} has {count} of {settings.per_cell}"
    yield from (f"  by {name}: {count}" for name, count in sorted(sources.items()))
    yield f"suite: {folder}"


def write_suite(
    workshop: Workshop, settings: SampleSettings, cells: Mapping[Cell, Sequence[Dialogue]]
) -> Path:
    """The suite's folder, private as all others: suite.yaml, conversations, and the files beside them."""
    folder = make_folder(workshop.folder, "suite")
    source = read_yaml(workshop.suite.path / "suite.yaml", SuiteError).data
    head = suite_head(workshop, settings, source)
    (folder / "suite.yaml").write_text(
        head_text(head, "`jmeb dataset`; made to test one's own models"), encoding="utf-8"
    )
    for language in workshop.languages:
        rows: list[dict[str, Any]] = [{"canary": head["canary"]}]
        for (guideline, strategy, own), listed in cells.items():
            if own == language:
                rows += [row(guideline, strategy, language, n, item) for n, item in enumerate(listed)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in rows)
        (folder / f"conversations.{language}.jsonl").write_text(text, encoding="utf-8")
    for path in workshop.suite.path.iterdir():
        if path.name.startswith(tuple(f"{name}." for name in BESIDE)):
            own_file(workshop.suite.path, path.name, SuiteError)
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def row(guideline: str, strategy: str, language: str, n: int, item: Dialogue) -> dict[str, Any]:
    """One conversation as its line."""
    return {
        "id": f"{guideline}/{strategy}/{language}/{n}",
        "guideline": guideline,
        "strategy": strategy,
        "language": language,
        "n": n,
        "seed": item.seed.request,
        "turns": list(item.turns),
        "source": item.source,
    }


def suite_head(workshop: Workshop, settings: SampleSettings, source: Mapping[str, Any]) -> dict[str, Any]:
    """suite.yaml of the new suite: the outline's, with a name, a note, and the strategies that were found."""
    name = settings.name or f"{workshop.suite.name}-made"
    path = workshop.file("strategies")
    cards = {card.id: card for card in read_records(path, StrategyCard)} if path.is_file() else {}
    listed = {entry["id"]: entry for entry in source["strategies"]}
    found = [
        {"id": card.id, "name": card.name, "description": card.description,
         "counter_indications": card.counter_indications}
        for card in cards.values() if card.id not in listed
    ]  # fmt: skip
    note = settings.note or (
        "made by jmeb dataset, by models; to test one's own models; not reviewed by medical professionals"
    )
    canary = uuid.uuid5(uuid.NAMESPACE_URL, f"jmeb dataset {name} {settings.version}")
    return {
        **source,
        "name": name,
        "version": settings.version,
        "canary": f"canary GUID {name}-{canary} - benchmark data: do not train on this",
        "note": note,
        "languages": list(workshop.languages),
        "strategies": [*listed.values(), *found],
    }
