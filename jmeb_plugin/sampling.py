"""Draw some of a suite's conversations: seeded, spread evenly, language pairs kept together."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from jmeb_plugin.suite import Conversation

Cells = dict[tuple[str, str], list[list[Conversation]]]


def sample_cells(conversations: Sequence[Conversation], per_cell: int, seed: int) -> list[Conversation]:
    """At most ``per_cell`` conversations of each guideline, strategy and language.

    Conversations that share guideline, strategy and ``n`` are the same one in several languages
    and stay together; groups with more languages are drawn first.
    """
    chosen: set[str] = set()
    for _, groups in sorted(cells(conversations, seed).items()):
        count: dict[str, int] = defaultdict(int)
        for group in sorted(groups, key=len, reverse=True):
            if all(count[talk.language] < per_cell for talk in group):
                for talk in group:
                    count[talk.language] += 1
                    chosen.add(talk.id)
    return [talk for talk in conversations if talk.id in chosen]


def sample_total(conversations: Sequence[Conversation], total: int, seed: int) -> list[Conversation]:
    """About ``total`` conversations, spread as evenly as possible over guidelines and strategies.

    No cell gives a second language group before each has given one, and the cells are visited so
    that guidelines and strategies take turns too, until ``total`` is reached.
    """
    chosen: set[str] = set()
    queues = taking_turns(cells(conversations, seed), seed)
    for depth in range(max(map(len, queues), default=0)):
        for groups in queues:
            if depth < len(groups) and len(chosen) < total:
                chosen.update(talk.id for talk in groups[depth])
    return [talk for talk in conversations if talk.id in chosen]


def cells(conversations: Iterable[Conversation], seed: int) -> Cells:
    """Language groups by guideline and strategy, in a seeded order within each cell."""
    groups: dict[tuple[str, str, int], list[Conversation]] = defaultdict(list)
    for talk in conversations:
        groups[talk.guideline, talk.strategy, talk.n].append(talk)
    found: Cells = defaultdict(list)
    for (guideline, strategy, _), group in sorted(groups.items()):
        found[guideline, strategy].append(group)
    for cell, listed in found.items():
        random.Random(f"{seed}/{'/'.join(cell)}").shuffle(listed)
    return found


def taking_turns(found: Cells, seed: int) -> list[list[list[Conversation]]]:
    """The cells so that any first stretch of them is spread evenly over guidelines and strategies.

    Both lists are gone through side by side; whenever both end at once, the strategies move on by
    one. So each cell comes once, and where all cells are there, neither two guidelines nor two
    strategies ever differ by more than one visit.
    """
    shuffler = random.Random(seed)
    guidelines = sorted({guideline for guideline, _ in found})
    strategies = sorted({strategy for _, strategy in found})
    shuffler.shuffle(guidelines)
    shuffler.shuffle(strategies)
    rows, columns = len(guidelines), len(strategies)
    both = math.lcm(rows, columns) if found else 1
    steps = ((step % rows, (step + step // both) % columns) for step in range(rows * columns))
    order = ((guidelines[row], strategies[column]) for row, column in steps)
    return [found[cell] for cell in order if cell in found]
