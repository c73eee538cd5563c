"""Seeded draws: some requests of each guideline, and the quotas of the final sample."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from jmeb_plugin.dataset.records import Dialogue, Seed, by_guideline

T = TypeVar("T")


def some_of_each(seeds: Iterable[Seed], count: int | None, seed: int) -> list[Seed]:
    """At most ``count`` requests of each guideline and language, drawn by ``seed``; all without a count."""
    chosen: list[Seed] = []
    for place, listed in by_guideline(seeds).items():
        drawn = range(len(listed)) if count is None else shuffled(range(len(listed)), seed, *place)[:count]
        chosen += [listed[index] for index in sorted(drawn)]
    return chosen


def shuffled(items: Iterable[T], seed: int, *place: str) -> list[T]:
    """The items in an order that depends on the seed and on what they are of."""
    listed = list(items)
    random.Random("/".join([str(seed), *place])).shuffle(listed)
    return listed


Cell = tuple[str, str, str]


def draw_sample(dialogues: Iterable[Dialogue], per_cell: int, seed: int) -> dict[Cell, list[Dialogue]]:
    """At most ``per_cell`` conversations of each guideline, strategy and language.

    Within a cell the attackers take turns, and so, within an attacker, do the requests: no request comes
    a second time before each of that attacker's came once.
    """
    cells: dict[Cell, list[Dialogue]] = defaultdict(list)
    for dialogue in dialogues:
        cells[dialogue.seed.guideline, dialogue.strategy, dialogue.seed.language].append(dialogue)
    return {cell: spread(shuffled(listed, seed, *cell), per_cell) for cell, listed in sorted(cells.items())}


def spread(listed: Sequence[Dialogue], count: int) -> list[Dialogue]:
    """``count`` of the conversations, as even over attackers and requests as they allow."""
    left, taken = list(listed), list[Dialogue]()
    attackers, requests = defaultdict[str, int](int), defaultdict[str, int](int)
    while left and len(taken) < count:
        best = min(left, key=lambda item: (attackers[item.attacker], requests[item.seed.id]))
        left.remove(best)
        taken.append(best)
        attackers[best.attacker] += 1
        requests[best.seed.id] += 1
    return taken
