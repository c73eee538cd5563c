"""Answers without an end: given up at 16 MiB, unpacked, whoever serves them."""

from __future__ import annotations

import functools
import gzip
import json
import tracemalloc
from typing import Any

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected
from tests.wire.loopback import Answer, LoopbackServer, ask, chat, endpoint

MIB = 1 << 20
PACKED = {"Content-Encoding": "gzip"}
TABLES: dict[str, dict[str, Any]] = {
    "openai": {"model": "m"},
    "azure-openai": {"model": "m", "api_version": "1", "api_key_env": "A_KEY"},
    "anthropic": {"model": "c", "api_key_env": "A_KEY"},
    "http": {"body": {"q": "{question}"}, "answer": "a"},
}


@functools.cache
def bomb() -> bytes:
    """200 MB of blanks, packed."""
    return gzip.compress(b" " * (200 * MIB), 1)


def made(server: LoopbackServer, provider: str) -> Endpoint:
    """An endpoint of that provider at the server."""
    where = {"url": f"{server.url}/x"} if provider == "http" else {"base_url": server.url}
    return endpoint(provider, **where, **TABLES[provider])


@pytest.mark.parametrize("provider", TABLES)
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_larger_than_16_mib_is_given_up(server: LoopbackServer, provider: str, status: int) -> None:
    """A good one as well as an error: one refusal, that is not tried again."""
    server.will(Answer(b'"' + b"x" * (17 * MIB) + b'"', status))
    with pytest.raises(Rejected, match=r"^it: the answer is larger than 16 MiB$"):
        ask(made(server, provider))
    assert len(server.seen) == 1


@pytest.mark.parametrize("provider", TABLES)
def test_a_packed_bomb_is_given_up_where_it_has_unpacked_so_far(
    server: LoopbackServer, provider: str
) -> None:
    """A few hundred kilobytes that would be 200 MB: what counts is what they become."""
    server.will(Answer(bomb(), 200, PACKED))
    made_here = made(server, provider)
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match="the answer is larger than 16 MiB"):
            ask(made_here)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 100 * MIB


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_answer_is_an_answer(server: LoopbackServer, packed: bool) -> None:
    """What is given up is far above what any model says."""
    raw = json.dumps(chat("はい" * 100_000)).encode()
    server.will(Answer(gzip.compress(raw) if packed else raw, 200, PACKED if packed else {}))
    assert len(ask(made(server, "openai")).text) == 200_000
