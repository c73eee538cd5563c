"""Multiple-choice questions: the demo knows no medicine, so its letters are drawn by a hash."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b

_CHOICE = re.compile(r"^([a-j])\. ", re.MULTILINE)
_ASKED = re.compile(r'\{"answer": \[([^\]]*)\]\}')


def choose(model: str, messages: Sequence[tuple[str, str]]) -> str | None:
    """As many letters of the choices as JSON is asked for; ``None`` where nothing like that is asked.

    ``overcautious`` answers no question, this kind included.
    """
    text = next((said for role, said in reversed(messages) if role == "user"), "")
    choices, asked = _CHOICE.findall(text), _ASKED.search(text)
    if not choices or asked is None or model == "overcautious":
        return None
    dice = {
        letter: blake2b(f"{model}\0{text}\0{letter}".encode("utf-8", "replace")).digest()
        for letter in choices
    }
    drawn = sorted(dice, key=lambda letter: dice[letter])[: asked[1].count(",") + 1]
    return json.dumps({"answer": sorted(drawn)})
