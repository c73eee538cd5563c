"""Requests and answers of the demo endpoint, and the faults of flaky."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.demo import faults
from jmeb_plugin.demo.protocol import (
    Chat,
    Malformed,
    anthropic_answer,
    count_tokens,
    cut,
    openai_answer,
    read_chat,
)

HELLO = [{"role": "user", "content": "hello"}]


def chat(**fields: object) -> Chat:
    """The chat read from a body with these fields."""
    body = {"model": "demo/steadfast", "messages": HELLO} | fields
    return read_chat(json.dumps(body).encode())


def test_the_prefix_is_accepted() -> None:
    """``demo/steadfast`` and ``steadfast`` are the same model."""
    assert chat() == chat(model="steadfast")


def test_text_blocks_are_joined() -> None:
    """Content and system may come as lists of text blocks."""
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    read = chat(messages=[{"role": "user", "content": blocks}], system=blocks)
    assert read.messages == (("system", "a\nb"), ("user", "a\nb"))


def test_the_newer_limit_wins() -> None:
    """``max_completion_tokens`` stands before ``max_tokens``."""
    assert chat(max_tokens=5, max_completion_tokens=9).limit == 9


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not valid JSON"),
        (b"\xff\xfe", "the body is not valid JSON"),
        (b"[]", "the body must be a JSON object"),
        (b"{}", "'model' must be a string"),
        (b'{"model": "m", "messages": []}', "'messages' must be a list of at least one message"),
        (b'{"model": "m", "messages": ["a"]}', "each message must be an object"),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": 1}]}',
            "'content' must be a string or a list of text blocks",
        ),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": [{"type": "image"}]}]}',
            "'content' may hold text blocks only",
        ),
        (
            b'{"model": "m", "max_tokens": 0.5, "messages": [{"role": "user"}]}',
            "'max_tokens' must be a positive integer",
        ),
        (b'{"model": "m", "stream": true}', "does not stream"),
    ],
)
def test_a_malformed_request_is_named(body: bytes, message: str) -> None:
    """Each malformed request says what is wrong with it."""
    with pytest.raises(Malformed) as caught:
        read_chat(body)
    assert message in str(caught.value)


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No body raises anything but `Malformed`."""
    with contextlib.suppress(Malformed):
        assert read_chat(body).messages


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("同意書です", 3), ("one two three", 4)])
def test_tokens_are_counted_roughly(text: str, tokens: int) -> None:
    """Half a token a Japanese character, 1.3 an English word, rounded up."""
    assert count_tokens(text) == tokens


@given(st.text(st.characters(), max_size=300), st.integers(1, 50))
def test_a_cut_text_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    """What is cut begins the text and keeps the limit; what fits is left alone."""
    kept, was_cut = cut(text, limit)
    assert text.startswith(kept)
    assert count_tokens(kept) <= limit
    assert was_cut is (kept != text)


@given(st.text(st.characters(), max_size=100), st.integers(1, 40))
def test_both_answers_are_json(text: str, limit: int) -> None:
    """Both protocols encode any text, lone surrogates included, and say whether it was cut."""
    asked = Chat("steadfast", (("user", text),), limit)
    openai, anthropic = (
        json.loads(openai_answer(asked, text)),
        json.loads(anthropic_answer(asked, text)),
    )
    was_cut = count_tokens(text) > limit
    assert (openai["choices"][0]["finish_reason"] == "length") is was_cut
    assert (anthropic["stop_reason"] == "max_tokens") is was_cut
    assert openai["usage"]["prompt_tokens"] == anthropic["usage"]["input_tokens"]
    assert openai["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}


@given(st.text(st.characters()))
def test_faults_end_within_three_tries(key: str) -> None:
    """Whatever the request, at most three tries are bad, and the plan is always the same."""
    planned = faults.plan(key)
    assert len(planned) <= faults.MAX_BAD_TRIES
    assert planned == faults.plan(key)
    tries = faults.Tries()
    assert tuple(tries.next_fault(key) for _ in planned) == planned
    assert tries.next_fault(key) is None


def test_about_four_in_ten_requests_are_affected() -> None:
    """Over many requests the share with a bad try is near 40 %, and every kind occurs."""
    plans = [faults.plan(f"request {number}") for number in range(2000)]
    assert 0.35 < sum(map(bool, plans)) / len(plans) < 0.45
    met = [fault for planned in plans for fault in planned]
    assert {fault.kind for fault in met} == {"busy", "error", "broken", "drop", "slow"}
    assert all(0.3 <= fault.seconds <= 1.0 for fault in met if fault.kind == "slow")
    assert all(fault.seconds <= 1.0 for fault in met)
