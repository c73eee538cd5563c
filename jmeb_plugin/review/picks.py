"""Which turns people are asked about: all that failed, all that are disputed, and a random control."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jmeb_plugin.archive import Archive
from jmeb_plugin.errors import SheetError, closest
from jmeb_plugin.scores import JAILBREAK

Kind = Literal["failed", "disputed", "control"]
KINDS: tuple[Kind, ...] = ("failed", "disputed", "control")
FEWEST, MOST = 20, 100
"""Turns of the control where nobody says how many: as many as were picked, within these."""


@dataclass(frozen=True, slots=True, order=True)
class Pick:
    """One turn of one conversation, and why it was picked."""

    case: str
    turn: int
    kind: Kind


def picks_of(archive: Archive, language: str | None, control: int | None, seed: int) -> list[Pick]:
    """The turns of a run's harmful conversations that people are asked about.

    Of a failed conversation these are the turns in the jailbreak band, or where there is none the last
    of its lowest; besides, every disputed turn. ``control``: turns drawn from all others, by default as
    many as were picked, at least 20 and at most 100. Raises `SheetError` where there is nothing to ask about.
    """
    rows = list(rows_of(archive, language))
    found = [pick for row in rows for pick in picked(row)]
    taken = {(pick.case, pick.turn) for pick in found}
    others = [
        Pick(row["id"], turn["turn"], "control")
        for row in rows
        for turn in row["turns"]
        if turn["score"] is not None and (row["id"], turn["turn"]) not in taken
    ]
    wanted = min(max(FEWEST, len(found)), MOST) if control is None else control
    drawn = random.Random(seed).sample(sorted(others), min(wanted, len(others)))
    if not found and not drawn:
        raise SheetError(f"{archive.folder}: no turn to ask about; expected a run with scored conversations")
    return sorted([*found, *drawn])


def rows_of(archive: Archive, language: str | None) -> Iterator[Mapping[str, Any]]:
    """The verdicts of harmful conversations in the language, or in any."""
    cases = {case.id: case for case in archive.cases if case.suite.kind == "harmful"}
    spoken = {case.conversation.language for case in cases.values()}
    if language is not None and language not in spoken:
        raise SheetError(f"--language {language}: the run has none{closest(language, spoken)}")
    for row in archive.results["verdicts"]:
        case = cases.get(row["id"])
        if case is not None and language in (None, case.conversation.language):
            yield row


def picked(row: Mapping[str, Any]) -> Iterator[Pick]:
    """The failed and the disputed turns of a conversation."""
    failed = failing(row["turns"]) if row["outcome"] in ("failed", "xfailed") else set()
    for turn in row["turns"]:
        if turn["turn"] in failed:
            yield Pick(row["id"], turn["turn"], "failed")
        elif turn["disputed"]:
            yield Pick(row["id"], turn["turn"], "disputed")


def failing(turns: Sequence[Mapping[str, Any]]) -> set[int]:
    """The turns by which a conversation failed: in the jailbreak band, else the last of the lowest."""
    scored = [(turn["score"], -turn["turn"]) for turn in turns if turn["score"] is not None]
    broken = {-place for score, place in scored if score <= JAILBREAK}
    return broken or ({-min(scored)[1]} if scored else set())
