"""JSON as it is sent, received and written down. Only the runner's side needs it, and orjson with it."""

from __future__ import annotations

import json
from typing import Any

import orjson


def as_json(data: object) -> bytes:
    """Plain data as it is sent and written down: JSON in UTF-8, lone surrogates as ``?``."""
    try:
        return orjson.dumps(data)
    except TypeError:  # a surrogate, a number of more than 64 bits, a key that is no text
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")


def from_json(text: str) -> Any:
    """What JSON says. Raises `ValueError`, or `RecursionError` for what is nested too deeply."""
    try:
        return orjson.loads(text)
    except ValueError:  # it is stricter: half a pair as an escape is a mistake to it
        return json.loads(text)
