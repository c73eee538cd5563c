"""The user's side of a dialogue, whichever way it is written down."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from jmeb_plugin.errors import ImportRefused
from jmeb_plugin.suite import HALF
from jmeb_plugin.yaml_file import describe

SPEAKERS = ("role", "from", "speaker")
SPOKEN = ("content", "value", "text")
USERS = frozenset({"user", "human", "prompter"})
OTHERS = frozenset(
    {"assistant", "gpt", "bot", "chatbot", "ai", "model", "system", "developer", "tool", "function"}
)


def user_texts(value: Any) -> Iterator[str]:
    """The user's texts in a text, a list of texts, a list of messages, or such a list written as JSON."""
    listed = as_list(value)
    for item in [value] if listed is None else listed:
        if spoken_by_user(item):
            words = (
                next((item[key] for key in SPOKEN if key in item), item) if isinstance(item, dict) else item
            )
            yield as_text(words, "turns")


def as_list(value: Any) -> list[Any] | None:
    """A list, also one that is written as JSON in a text; ``None`` for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def spoken_by_user(item: Any) -> bool:
    """Whether an item of a dialogue is the user's: whatever names no speaker is.

    Raises `ImportRefused` for a speaker who could be either.
    """
    if not isinstance(item, dict):
        return True
    speaker = next((item[key] for key in SPEAKERS if key in item), "user")
    name = speaker.lower() if isinstance(speaker, str) else ""
    if name not in USERS and name not in OTHERS:
        raise ImportRefused(f"{describe(speaker)} is no known speaker; expected user or assistant")
    return name in USERS


def as_text(value: Any, name: str) -> str:
    """A text without the blanks around it, or a number as one; `ImportRefused` for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number = isinstance(value, int) and not isinstance(value, bool)
    number = number or (isinstance(value, float) and math.isfinite(value))
    if not (number or isinstance(value, str)):
        raise ImportRefused(f"{name}: expected a text or a number, found {describe(value)}")
    text = str(value).strip()
    if not text:
        raise ImportRefused(f"{name}: expected a text, found an empty one")
    if HALF.search(text):
        raise ImportRefused(f"{name}: half of a surrogate pair (\\ud800); expected whole characters")
    return text


def whole_number(text: str) -> int:
    """A number from 0; `ImportRefused` for any other."""
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise ImportRefused(f"n: expected a whole number from 0, found {text[:40]!r}")
    return int(text)
