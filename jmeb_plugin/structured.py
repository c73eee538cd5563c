"""Asking for one JSON object: asked again while the answer cannot be read, given up when it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from jmeb_plugin.clients.base import Reply
from jmeb_plugin.errors import CallFailed
from jmeb_plugin.judges import last_object

T = TypeVar("T")
ATTEMPTS = 3
AskAgain = Callable[[int], Awaitable[Reply | None]]
"""``ask(attempt)``: the reply; ``None`` once no attempt is left."""


class NoObject(CallFailed):
    """The endpoint gave no usable object."""


class Declined(NoObject):
    """The endpoint refused to write what it was asked for."""


async def ask_object(name: str, ask: AskAgain, read: Callable[[Mapping[str, Any]], T | None]) -> T:
    """What ``read`` takes from the endpoint's object. ``read`` returns ``None`` for an unfit one.

    Raises `Declined` where the provider says that it refused, or where the last answer was prose without
    any object; `NoObject` where it was cut short, empty, or unfit.
    """
    attempt, trouble = 0, NoObject(f"{name}: no attempt was left")
    while (reply := await ask(attempt)) is not None:
        if reply.finish in ("refusal", "filter"):
            raise Declined(f"{name}: refused")
        found = last_object(reply.text)
        if found is not None and (value := read(found)) is not None:
            return value
        trouble = what_is_wrong(name, reply, found)
        attempt += 1
    raise trouble


def what_is_wrong(name: str, reply: Reply, found: Mapping[str, Any] | None) -> NoObject:
    """Why an answer cannot be used."""
    if reply.finish == "length":
        return NoObject(f"{name}: the answer was cut short")
    if not reply.text.strip():
        return NoObject(f"{name}: the answer was empty")
    if found is None and "{" not in reply.text:
        return Declined(f"{name}: answered in prose, without the object asked for")
    return NoObject(f"{name}: the answer does not hold what was asked for")
