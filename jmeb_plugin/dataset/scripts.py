"""How a language is written: its script, whether its words stand apart, how long a turn is.

Languages are known by name in one place, the table `SCRIPTS`; the rest is read off the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SPACED = 0.06
"""Blanks among the characters of a turn: more where words stand apart, however long; fewer elsewhere."""

CHARACTERS, WORDS = (40, 280), (25, 110)
"""Lengths of a turn as people write them, unless suite.yaml says otherwise."""

LEFTOVER = re.compile(r"\{\w*\}|\bTODO\b|\bXXX\b|(?i:lorem ipsum)|<[A-Z_]+>|\[[A-Z_]{3,}\]")


@dataclass(frozen=True, slots=True)
class Script:
    """A script: a sign that every text in it has, signs that none has, and the languages written in it."""

    name: str
    sign: re.Pattern[str]
    languages: frozenset[str]
    foreign: re.Pattern[str] | None = None


def script(name: str, signs: str, languages: str, foreign: str = "") -> Script:
    """A script; ``signs`` and ``foreign`` are character ranges."""
    other = re.compile(f"[{foreign}]") if foreign else None
    return Script(name, re.compile(f"[{signs}]"), frozenset(languages.split()), other)


SCRIPTS = (
    script("kana", "ぁ-ゖァ-ヺ", "ja"),
    script("Hangul", "가-힣", "ko"),
    script("Chinese characters", "㐀-鿿", "zh yue"),
    script("Thai letters", "ก-๛", "th"),
    script("Devanagari", "ऀ-ॿ", "hi mr ne"),
    script("Arabic letters", "ء-ۿ", "ar fa ur"),
    script("Hebrew letters", "א-ת", "he"),
    script("Greek letters", "Ͱ-Ͽ", "el"),
    script("Cyrillic letters", "Ѐ-ӿ", "ru uk be bg mk"),
    script(
        "Latin letters",
        "A-Za-zÀ-ɏ",
        "en fr de es it pt nl sv da nb nn fi et lv lt pl cs sk sl hr hu ro tr vi id ms sw ca",
        foreign="ぁ-ゖァ-ヺ㐀-鿿가-힣、。「」『』",
    ),
)
"""A language that stands nowhere is expected in the script that most of its own turns are in."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How one language of a suite is written. ``spaced``: words stand apart and are what is counted."""

    language: str
    spaced: bool
    script: Script | None
    lengths: tuple[int, int]
    unit: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", "words" if self.spaced else "characters")

    def size(self, turn: str) -> int:
        """The length of a turn in the language's unit."""
        return len(turn.split()) if self.spaced else len(turn)

    def text_problems(self, turn: str) -> Iterator[str]:
        """What is wrong with a turn's text: another script, leftovers of writing."""
        if self.script and not self.script.sign.search(turn):
            yield f"no {self.script.name} in a text in {self.language!r}"
        if self.script and self.script.foreign and (found := self.script.foreign.search(turn)):
            yield f"{found[0]!r} in a text in {self.language!r}"
        if found := LEFTOVER.search(turn):
            yield f"a leftover {found[0]!r}"

    def length_problems(self, turn: str) -> Iterator[str]:
        """A turn that is shorter or longer than it should be."""
        size, (least, most) = self.size(turn), self.lengths
        if not least <= size <= most:
            yield f"{size} {self.unit}; expected {least} to {most}"


def writing_of(language: str, turns: Sequence[str], lengths: tuple[int, int] | None = None) -> Writing:
    """How these turns of one language are written."""
    spaced = is_spaced(turns)
    return Writing(language, spaced, script_of(language, turns), lengths or (WORDS if spaced else CHARACTERS))


def is_spaced(turns: Sequence[str]) -> bool:
    """Whether words are written apart: in more than half of the turns, by the share of blanks."""
    apart = sum(len(turn.split()) - 1 >= SPACED * len(turn) for turn in turns)
    return 2 * apart > len(turns)


def script_of(language: str, turns: Sequence[str]) -> Script | None:
    """The script of the language (a tag such as ``pt-BR`` counts by its first part), else of the text."""
    tag = language.split("-", maxsplit=1)[0].lower()
    if named := next((script for script in SCRIPTS if tag in script.languages), None):
        return named
    counted = Counter(script for turn in turns for script in SCRIPTS if script.sign.search(turn))
    return next((script for script, count in counted.most_common(1) if 2 * count > len(turns)), None)
