"""Tokens that nobody counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jmeb_plugin.clients.base import Message, Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.price import Price
from jmeb_plugin.tokenizer import ANSWER_TOKENS, answer_tokens, asked_tokens, supposed, tokens, with_usage

REQUEST = Request((Message("system", "a" * 44), Message("user", "質問" * 35)))


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a" * 44, 10), ("質" * 35, 30), ("a" * 44 + "質" * 35, 40), ("\ud800", 0.2)]
)
def test_tokens_by_their_bytes(text: str, count: float) -> None:
    """ASCII and everything else each by its own ratio; half a sign is no reason to break."""
    assert tokens(text) == pytest.approx(count, abs=0.1)


def test_what_a_request_and_its_answer_may_take() -> None:
    """All messages; and no more than the limit."""
    assert asked_tokens(REQUEST) == 70
    assert [answer_tokens(limit) for limit in (None, 9, 10**6)] == [ANSWER_TOKENS, 9, ANSWER_TOKENS]
    made = Endpoint("it", "openai", price=Price(1e6, 1e3), max_tokens=4000)
    assert supposed(made, REQUEST) == (4070, pytest.approx(70.5))
    assert supposed(made, replace(REQUEST, max_tokens=9)) == (79, pytest.approx(70.009))
    assert supposed(Endpoint("it", "openai"), REQUEST) == (70 + ANSWER_TOKENS, 0.0)


def test_a_server_that_does_not_count_is_reckoned_by_the_texts() -> None:
    """And it is said; what was counted, and what was withheld before it cost anything, stands as it is."""
    reply = with_usage(REQUEST, Reply("b" * 88, reasoning="c" * 44))
    assert reply.usage == Usage(70, 0, 30, estimated=True)
    assert Reply.from_json(reply.to_json()) == reply
    for same in (Reply("x", usage=Usage(1, 0, 0)), Reply("x", usage=Usage(0, 0, 1)), Reply("", "filter")):
        assert with_usage(REQUEST, same) is same
        assert "estimated" not in same.to_json()["usage"]
