"""What was said: turns, and the transcript they make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WITHHELD = "(withheld by the provider's filter)"
BAR = "│ "
COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
"""How an order to a CI runner begins, wherever in a line it stands."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange. ``withheld``: a content filter took the answer, ``answer`` is `WITHHELD`."""

    question: str
    answer: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """The exchanges of one conversation with one model, in order.

    ``trouble`` says why there are fewer turns than the conversation has; empty if there are all.
    ``seconds`` is the conversation's own duration, from its first request to its last score.
    """

    conversation: str
    model: str
    repeat: int
    turns: tuple[Turn, ...]
    trouble: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` takes it back."""
        turns = [{name: getattr(turn, name) for name in turn.__slots__} for turn in self.turns]
        return {**{name: getattr(self, name) for name in self.__slots__}, "turns": turns}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Transcript:
        """Rebuild what `to_json` gave."""
        return cls(**{**data, "turns": tuple(Turn(**turn) for turn in data["turns"])})


def clean(text: str) -> str:
    """The text with every lone surrogate as U+FFFD.

    A model can write half of a pair as a JSON escape; SQLite, execnet and UTF-8 files all refuse it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def quoted(text: str) -> str:
    """The text for a log, each line behind a bar: CI runners obey lines that begin with ``::``.

    Others obey ``##vso[`` and ``##[`` wherever they stand, so that these are parted.
    """
    return "\n".join(f"{BAR}{line}" for line in COMMAND.sub("## ", text).split("\n"))


def printable(text: str) -> str:
    """The text for a terminal: control characters but line breaks and tabs are shown, not sent."""
    return "".join(
        sign if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs") else escaped(sign)
        for sign in text
    )


def escaped(sign: str) -> str:
    """A control character as its escape."""
    return sign.encode("unicode_escape").decode("ascii")
