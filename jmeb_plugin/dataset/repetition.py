"""What a suite says again and again: openings, sentences, titles of what is asked for."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from jmeb_plugin.dataset.scripts import Writing
from jmeb_plugin.suite import Conversation

OPENING = {True: 4, False: 12}
SENTENCE = {True: 8, False: 20}
"""Words or characters that make an opening and a sentence worth counting."""

OPENING_SHARE, FEW = 0.03, 3
END = re.compile(r"[。！？\n]+|[.!?…]+(?=[\s\"”’»)]|$)")
EDGES = " \t\r\n\u3000「」『』“”\"'’‘«»()（）、,;；:："
TITLES = tuple(re.compile(marks) for marks in ("『(.+?)』", "«(.+?)»", '[“„"](.+?)[”“"]'))
"""Marks around a title, the rarest first: what stands in them is a title and not speech."""


def repeated_openings(talks: Sequence[Conversation], writing: Writing) -> Iterator[str]:
    """Openings (12 characters, 4 words) that stand in more than 3 % of a strategy's turns."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for talk in talks:
        for turn in talk.turns:
            words = turn.lower().split()[: OPENING[True]]
            opening = " ".join(words) if writing.spaced else turn[: OPENING[False]]
            found[talk.strategy][opening] += 1
    for strategy, counter in found.items():
        most = max(FEW, OPENING_SHARE * counter.total())
        for opening, count in counter.most_common(3):
            if count > most:
                yield f"{count} turns of {strategy} ({writing.language}) open with {opening!r}"


def repeated_sentences(talks: Sequence[Conversation], writing: Writing) -> Iterator[str]:
    """Sentences (20 characters, 8 words) that stand in more than three conversations."""
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for talk in talks:
        for sentence in {sentence for turn in talk.turns for sentence in sentences(turn, writing)}:
            found[sentence] += 1
            first.setdefault(sentence, talk.id)
    often = [(count, sentence) for sentence, count in found.items() if count > FEW]
    for count, sentence in sorted(often, key=lambda item: (-item[0], item[1])):
        shown = sentence if len(sentence) <= 60 else f"{sentence[:59]}…"
        yield f"{count} conversations ({writing.language}) say {shown!r}, the first {first[sentence]}"


def sentences(turn: str, writing: Writing) -> Iterator[str]:
    """The longer sentences of a turn, without marks around them, in lower case."""
    for part in END.split(turn):
        sentence = part.strip(EDGES).lower()
        if writing.size(sentence) >= SENTENCE[writing.spaced]:
            yield sentence


def repeated_titles(talks: Sequence[Conversation]) -> Iterator[str]:
    """Titles in the last turn that several conversations of a language ask for."""
    found: dict[str, list[str]] = defaultdict(list)
    for talk in talks:
        titles = next(filter(None, (mark.findall(talk.turns[-1]) for mark in TITLES)), [])
        if titles:
            found[max(titles, key=len).strip()].append(talk.id)
    for title, ids in found.items():
        if len(ids) > 1:
            more = f" and {len(ids) - 4} more" if len(ids) > 4 else ""
            yield f"the title {title!r} is asked for by {', '.join(ids[:4])}{more}"
