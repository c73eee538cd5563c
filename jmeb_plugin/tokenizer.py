"""How many tokens a text makes and an answer takes, as far as it can be told without the tokenizer."""

from __future__ import annotations

from dataclasses import replace

from jmeb_plugin.clients.base import Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint

TOKENIZER = "o200k_base"
ASCII_PER_TOKEN, OTHERS_PER_TOKEN = 4.4, 3.5
"""Bytes of UTF-8 that make a token of `TOKENIZER`: of ASCII, and of everything else.

Measured on every tenth turn of the bundled suite, in English and in Japanese. Other tokenizers
take 4.3 to 4.4 and 2.6 to 4.5 (docs/reference.md).
"""

ANSWER_TOKENS = 500
"""An answer (supposed)."""


def tokens(text: str) -> float:
    """A text's tokens, by its length in UTF-8, at the ratios above."""
    if text.isascii():
        return len(text) / ASCII_PER_TOKEN
    plain = len(text.encode("ascii", "ignore"))
    return plain / ASCII_PER_TOKEN + (len(text.encode("utf-8", "replace")) - plain) / OTHERS_PER_TOKEN


def answer_tokens(limit: int | None) -> int:
    """What an answer is supposed to take where it may have at most so many tokens."""
    return min(ANSWER_TOKENS, limit or ANSWER_TOKENS)


def asked_tokens(request: Request) -> int:
    """What a request's texts make."""
    return round(sum(tokens(message.content) for message in request.messages))


def supposed(endpoint: Endpoint, request: Request) -> tuple[int, float]:
    """Tokens that a request may take, by its limit, and what it costs with an answer of the usual length."""
    asked, limit = asked_tokens(request), request.max_tokens or endpoint.max_tokens
    usd = endpoint.price.usd(asked, 0, answer_tokens(limit)) if endpoint.price else 0.0
    return asked + (limit or ANSWER_TOKENS), usd


def with_usage(request: Request, reply: Reply) -> Reply:
    """The reply with a usage that is reckoned by its texts, where the server did not count.

    What a filter withheld stays at nothing: providers do not charge it.
    """
    counted = reply.usage.input or reply.usage.output
    if counted or (reply.finish == "filter" and not reply.text):
        return reply
    given = round(tokens(reply.text) + tokens(reply.reasoning))
    return replace(reply, usage=Usage(asked_tokens(request), 0, given, estimated=True))
