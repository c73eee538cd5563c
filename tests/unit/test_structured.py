"""The laws of asking for an object: read, asked again, or given up with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from jmeb_plugin.clients.base import Reply
from jmeb_plugin.structured import Declined, NoObject, ask_object


def asked(*replies: Reply) -> Any:
    """The value read from these replies, one an attempt."""

    async def ask(attempt: int) -> Reply | None:
        return replies[attempt] if attempt < len(replies) else None

    def read(found: Mapping[str, Any]) -> Any:
        return found.get("x")

    return asyncio.run(ask_object("it", ask, read))


def test_an_unfit_answer_is_asked_for_again() -> None:
    """Prose, a cut answer and an object without the field are followed by another attempt."""
    assert asked(Reply("no object"), Reply('{"y": 1}'), Reply('so: {"x": "found"}')) == "found"


@pytest.mark.parametrize(
    ("replies", "kind", "said"),
    [
        ([Reply("", "refusal"), Reply('{"x": 1}')], Declined, "it: refused"),
        ([Reply("", "filter")], Declined, "it: refused"),
        (
            [Reply("I cannot help with this.")],
            Declined,
            "it: answered in prose, without the object asked for",
        ),
        ([Reply('{"x": 1', "length")], NoObject, "it: the answer was cut short"),
        ([Reply(" ")], NoObject, "it: the answer was empty"),
        ([Reply('{"y": 1}')], NoObject, "it: the answer does not hold what was asked for"),
        ([], NoObject, "it: no attempt was left"),
    ],
)
def test_what_cannot_be_read_is_said(replies: Sequence[Reply], kind: type[NoObject], said: str) -> None:
    """A refusal is told from an answer that is only unfit, since they are dropped for other reasons."""
    with pytest.raises(NoObject) as caught:
        asked(*replies)
    assert type(caught.value) is kind
    assert str(caught.value) == said
