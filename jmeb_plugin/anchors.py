"""Anchors: answers whose band is known, to hold judges against.

``anchors.LANGUAGE.jsonl`` beside a suite's conversations, one anchor a line; see docs/judges.md.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import SuiteError, closest, plain
from jmeb_plugin.suite import HALF, NAME, Case, Conversation, Suite
from jmeb_plugin.transcript import Turn
from jmeb_plugin.user_file import own_file, parse_json, read_lines
from jmeb_plugin.yaml_file import describe

BANDS = ("1-2", "3-4", "5-6", "7-8", "9-10")
TEXTS = ("id", "guideline", "strategy", "language", "band", "kind", "question", "answer", "why")
KEYS = (*TEXTS[:4], "turn", *TEXTS[4:6], "history", *TEXTS[6:], "pair")
MOST = 70
"""So many anchors of a language are judged before a run."""

CANARY = "hard:addresses-judge"
"""The kind of an anchor whose answer speaks to the judge; its pair is the same answer without that."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One answer with the band it belongs to. ``history``: the earlier turns, as far as they matter.

    ``kind`` is ``plain``, or ``hard:`` and what makes it hard to judge. ``pair`` names two anchors
    that differ only in that one speaks to the judge (`CANARY`).
    """

    suite: Suite
    id: str
    guideline: str
    strategy: str
    language: str
    turn: int
    band: str
    kind: str
    history: tuple[Turn, ...]
    question: str
    answer: str
    why: str
    pair: str = ""

    @property
    def middle(self) -> float:
        """The middle of the band: 1.5 for 1-2, 9.5 for 9-10."""
        return middle_of(self.band)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns as a judge is shown them, the answer last."""
        return (*self.history, Turn(self.question, self.answer))

    def case(self, repeat: int = 0) -> Case:
        """The conversation that the answer stands in, as a case of no model."""
        questions = tuple(turn.question for turn in self.turns)
        name = f"anchor/{self.language}/{self.id}"
        talk = Conversation(name, self.guideline, self.strategy, self.language, 0, "", questions)
        return Case(self.suite, talk, "", repeat, name)

    def shown(self) -> list[Any]:
        """All that a judge is shown of it, and the band."""
        guideline = self.suite.guidelines[self.guideline]
        turns = [[turn.question, turn.answer] for turn in self.turns]
        return [guideline.id, dict(guideline.titles), dict(guideline.duty), turns, self.band]


def middle_of(band: str) -> float:
    """The middle of a band."""
    return 2.0 * BANDS.index(band) + 1.5


def band_of(score: float) -> str:
    """The band whose middle is nearest to the score; half-way between two it is the upper one."""
    return BANDS[min(len(BANDS) - 1, int((score - 0.5) // 2))]


def load_anchors(suite: Suite, languages: Sequence[str] = ()) -> tuple[Anchor, ...]:
    """The suite's anchors in these of its languages, or in all; none where it has no such file.

    Raises `SuiteError` with file and line for whatever makes an anchor unusable.
    """
    found: list[Anchor] = []
    for language in suite.languages:
        path = own_file(suite.path, f"anchors.{language}.jsonl", SuiteError)
        if path is not None and (not languages or language in languages):
            found += read_anchors(path, language, suite)
    return tuple(found)


def read_anchors(path: Path, language: str, suite: Suite) -> list[Anchor]:
    """The anchors of one file, checked line by line, and then in pairs."""
    found: dict[str, tuple[int, Anchor]] = {}
    for number, raw in read_lines(path, SuiteError):
        place = f"{path}:{number}"
        anchor = parse_anchor(raw, place, language, suite)
        if anchor.id in found:
            first = found[anchor.id][0]
            raise SuiteError(f"{place}: the id {plain(anchor.id)!r} stands twice, as in line {first}")
        found[anchor.id] = number, anchor
    check_pairs(path, found.values())
    return [anchor for _, anchor in found.values()]


def parse_anchor(raw: bytes, place: str, language: str, suite: Suite) -> Anchor:
    """One line of an anchors file."""
    data = parse_json(raw, place, SuiteError)
    if not isinstance(data, dict):
        raise SuiteError(f"{place}: expected an object, found {describe(data)}")
    for key in data:
        if key not in KEYS:
            raise SuiteError(f"{place}: unknown key {plain(key)!r}{closest(key, KEYS)}")
    missing = [key for key in KEYS[:-1] if key not in data]
    if missing:
        raise SuiteError(f"{place}: {', '.join(missing)} missing")
    for key in (*TEXTS, *(("pair",) if "pair" in data else ())):
        check_text(data[key], f"{place}: {key}")
    check_fields(data, place, language, suite)
    history = read_history(data["history"], place, data["turn"])
    return Anchor(suite, **{**data, "history": history})


def check_text(value: Any, place: str) -> None:
    """Raise for what is no text of whole characters."""
    if not isinstance(value, str) or not value.strip():
        raise SuiteError(f"{place}: expected a text, found {describe(value)}")
    if HALF.search(value):
        raise SuiteError(f"{place}: half of a surrogate pair (\\ud800); expected whole characters")


def check_fields(data: Mapping[str, Any], place: str, language: str, suite: Suite) -> None:
    """Raise for the first field that says something unknown."""
    if not NAME.fullmatch(data["id"]):
        raise SuiteError(f"{place}: id: {plain(data['id'])!r}; expected letters, digits, '.', '-', '_'")
    known = (("guideline", suite.guidelines), ("strategy", suite.strategies), ("band", BANDS))
    for key, names in known:
        if data[key] not in names:
            raise SuiteError(f"{place}: no {key} {plain(data[key])!r}{closest(data[key], names)}")
    if data["language"] != language:
        raise SuiteError(f"{place}: language: {plain(data['language'])!r} in the file of {language!r}")
    turn = data["turn"]
    if isinstance(turn, bool) or not isinstance(turn, int) or not 0 <= turn <= 2:
        raise SuiteError(f"{place}: turn: expected 0, 1 or 2, found {describe(turn)}")
    kind, _, which = data["kind"].partition(":")
    if (kind, which) != ("plain", "") and (kind != "hard" or not NAME.fullmatch(which)):
        raise SuiteError(f"{place}: kind: {plain(data['kind'])!r}; expected plain or hard:NAME")


def read_history(history: Any, place: str, turn: int) -> tuple[Turn, ...]:
    """The earlier turns; none, or as many as the turn leaves room for."""
    if not isinstance(history, list) or len(history) > turn:
        raise SuiteError(
            f"{place}: history: expected a list of at most {turn} earlier turns (turn is {turn})"
        )
    for index, entry in enumerate(history):
        if not isinstance(entry, dict) or set(entry) != {"question", "answer"}:
            raise SuiteError(f"{place}: history.{index}: expected an object with question and answer")
        for key, value in entry.items():
            check_text(value, f"{place}: history.{index}.{key}")
    return tuple(Turn(entry["question"], entry["answer"]) for entry in history)


def check_pairs(path: Path, numbered: Iterable[tuple[int, Anchor]]) -> None:
    """Raise unless every pair is two anchors of one band and question, one of them a `CANARY`."""
    pairs: dict[str, list[tuple[int, Anchor]]] = defaultdict(list)
    for number, anchor in numbered:
        if anchor.pair:
            pairs[anchor.pair].append((number, anchor))
    for name, members in pairs.items():
        place = f"{path}:{members[-1][0]}: pair: {plain(name)!r}"
        if len(members) != 2:
            raise SuiteError(f"{place} is named by {len(members)} anchors; expected two")
        kinds = [anchor.kind == CANARY for _, anchor in members]
        if sorted(kinds) != [False, True]:
            raise SuiteError(f"{place}: {sum(kinds)} of the two are of kind {CANARY}; expected one")
        if len({(anchor.band, anchor.question) for _, anchor in members}) > 1:
            raise SuiteError(f"{place}: the two differ in band or question; expected the same")


def draw_anchors(anchors: Sequence[Anchor], most: int = MOST, seed: int = 0) -> tuple[Anchor, ...]:
    """At most ``most`` anchors of each language, as evenly over the bands as there are; in their order."""
    cells: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, anchor in enumerate(anchors):
        cells[anchor.language, anchor.band].append(place)
    chosen: set[int] = set()
    for language in dict.fromkeys(anchor.language for anchor in anchors):
        dice = random.Random(f"{seed}/{language}")
        decks = [dice.sample(cell, len(cell)) for band in BANDS if (cell := cells[language, band])]
        dice.shuffle(decks)
        rounds = itertools.chain.from_iterable(itertools.zip_longest(*decks))
        chosen |= set(itertools.islice((place for place in rounds if place is not None), most))
    return tuple(anchor for place, anchor in enumerate(anchors) if place in chosen)


def anchors_hash(anchors: Sequence[Anchor]) -> str:
    """One hash over everything that judges are shown of these anchors, and their bands."""
    text = json.dumps([anchor.shown() for anchor in anchors], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
