"""How alike a suite's conversations are: of one strategy, and of one seed across strategies.

What is compared is the share of common n-grams of the shorter of two turns at the same place:
character 5-grams where words are not written apart, else word 3-grams. A pair counts by its most
alike turn.
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jmeb_plugin.dataset.scripts import Writing
from jmeb_plugin.suite import Conversation

WORD, BLANKS = re.compile(r"\w+"), re.compile(r"\s+")
ABOVE_SHARE = 0.001
"""Of all pairs, so many may share more than the limit."""

TWINS = 0.5
"""Above this share two turns are one turn written twice."""

BUDGET = 1e10
"""Steps for one language: about a minute. A suite of 27,090 unlike conversations needs a tenth."""

NOTHING: array[int] = array("I")
TOGETHER = 250
"""Seeds are compared in bunches of so many conversations, each within itself."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared, and how much of it two turns may share."""

    name: str
    size: int
    limit: float


MEASURES = {True: Measure("3-grams of words", 3, 0.25), False: Measure("5-grams of characters", 5, 0.30)}
"""By whether words are written apart."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two conversations and the share of n-grams of their most alike turn."""

    share: float
    turn: int
    first: str
    second: str

    def __str__(self) -> str:
        return f"turn {self.turn} of {self.first} and {self.second} share {self.share:.0%} of their n-grams"


@dataclass(frozen=True, slots=True)
class Likeness:
    """One language's pairs; ``above`` of the ``compared`` ones (of ``pairs``) pass the limit."""

    language: str
    measure: Measure
    pairs: int
    compared: int
    above: int
    likest: tuple[Twins, ...]

    @property
    def figure(self) -> str:
        """The measure in one line."""
        counted = f"{self.compared:,} pairs compared"
        if self.compared < self.pairs:
            counted = f"{self.compared:,} of {self.pairs:,} pairs compared (drawn)"
        if not self.compared:
            return f"{self.language}: no pairs to compare"
        worst = (
            f"the worst {self.likest[0].share:.0%}: {self.likest[0]}" if self.likest else "none shares any"
        )
        share = f"{self.above} ({self.above / self.compared:.3%}) above {self.measure.limit:.0%}"
        return f"{self.language}: {counted} by {self.measure.name}, {share}, {worst}"

    def warnings(self) -> Iterator[str]:
        """More pairs above the limit than may be, with the worst of them; else those that are twins."""
        crowded = self.above > ABOVE_SHARE * self.compared
        if crowded:
            yield (
                f"{self.language}: {self.above} of {self.compared:,} pairs share more than "
                f"{self.measure.limit:.0%} of their {self.measure.name}; expected at most {ABOVE_SHARE:.1%}"
            )
        least = self.measure.limit if crowded else TWINS
        yield from (str(twins) for twins in self.likest if twins.share > least)


def likeness(talks: Sequence[Conversation], writing: Writing) -> Likeness:
    """Compare the conversations of one language."""
    from jmeb_plugin import stats

    measure = MEASURES[writing.spaced]
    words: dict[str, int] = {}
    numbers = {talk.id: [numbered(turn, writing, words) for turn in talk.turns] for talk in talks}
    found, likest = [], []
    strategies = by_strategy(talks)
    for group, labels in [*((one, []) for one in strategies), *by_seed(talks)]:
        rows = [numbers[talk.id] for talk in group]
        parts = [list(part) for part in itertools.zip_longest(*rows, fillvalue=NOTHING)]
        budget = BUDGET / len(strategies)
        shared = stats.overlaps(parts, measure.size, measure.limit, groups=labels, budget=budget)
        found.append(shared)
        likest += [
            Twins(pair.share, pair.part, *sorted((group[pair.first].id, group[pair.second].id)))
            for pair in shared.likest
        ]
    return Likeness(
        writing.language,
        measure,
        sum(one.pairs for one in found),
        sum(one.compared for one in found),
        sum(one.above for one in found),
        tuple(sorted(likest, key=lambda twins: (-twins.share, twins.first, twins.second))[:50]),
    )


def by_strategy(talks: Sequence[Conversation]) -> list[list[Conversation]]:
    """The conversations of each strategy."""
    groups: dict[str, list[Conversation]] = defaultdict(list)
    for talk in talks:
        groups[talk.strategy].append(talk)
    return list(groups.values())


def by_seed(talks: Sequence[Conversation]) -> Iterator[tuple[list[Conversation], list[int]]]:
    """Bunches of whole seeds, with the number of each conversation's seed.

    A seed's conversations of one strategy have been compared already; there is one each.
    """
    seeds: dict[tuple[str, int], list[Conversation]] = defaultdict(list)
    for talk in talks:
        seeds[talk.guideline, talk.n].append(talk)
    group: list[Conversation] = []
    labels: list[int] = []
    for label, members in enumerate(seeds.values()):
        group += members
        labels += [label] * len(members)
        if len(group) >= TOGETHER:
            yield group, labels
            group, labels = [], []
    if group:
        yield group, labels


def numbered(turn: str, writing: Writing, words: dict[str, int]) -> array[int]:
    """A turn as numbers, one a word or character; filled up where it is shorter than an n-gram."""
    if writing.spaced:
        numbers = array("I", [words.setdefault(word, len(words) + 1) for word in WORD.findall(turn.lower())])
    else:
        numbers = array("I", BLANKS.sub("", turn).encode("utf-32-le"))
    if numbers:
        numbers.extend([0] * (MEASURES[writing.spaced].size - len(numbers)))
    return numbers
