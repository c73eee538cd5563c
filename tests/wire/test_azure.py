"""Azure OpenAI through its SDK, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
import traceback
from typing import Any

import pytest

from jmeb_plugin.clients.base import Client, Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError, KeyRefused, ModelUnknown, Rejected, Transient
from tests.wire.loopback import (
    DROP,
    HANG,
    HELLO,
    KEY,
    TRUNCATE,
    Answer,
    LoopbackServer,
    ask,
    chat,
    endpoint,
    refusal,
    standing_together,
    with_client,
)

FILTERED = {
    "error": {
        "message": "The response was filtered",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
        },
    }
}


def azure(server: LoopbackServer, **table: Any) -> Endpoint:
    """A deployment at the server."""
    needed = {"base_url": server.url, "api_version": "2026-01-01", "deployment": "d"}
    return endpoint("azure-openai", **{**needed, "api_key_env": "A_KEY", **table})


def test_url_and_key(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployment, version and key are where Azure wants them; the SDK's own variables are nowhere."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "surprise")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: surprise")
    ask(azure(server, max_tokens=5))
    (seen,) = server.seen
    assert seen.path == "/openai/deployments/d/chat/completions?api-version=2026-01-01"
    assert seen.headers["api-key"] == KEY
    assert seen.body == {
        "model": "d",
        "messages": [{"role": "user", "content": "やあ"}],
        "max_completion_tokens": 5,
    }
    assert "surprise" not in seen.headers.as_string()


def test_the_deployment_may_be_the_model(server: LoopbackServer) -> None:
    """Without a deployment the model's name is the deployment's."""
    ask(azure(server, deployment="", model="m"))
    assert server.seen[0].path.startswith("/openai/deployments/m/")


def test_a_withheld_prompt(server: LoopbackServer) -> None:
    """The 400 of Azure's filter is a reply that was withheld."""
    server.will(Answer(FILTERED, 400))
    assert ask(azure(server)) == Reply("", "filter")


def test_a_withheld_answer(server: LoopbackServer) -> None:
    """A choice that the filter ended is withheld, even where its message is missing."""
    server.will(Answer({"choices": [{"finish_reason": "content_filter"}], "usage": {"prompt_tokens": 3}}))
    assert ask(azure(server)) == Reply("", "filter", Usage(3))


def test_an_old_deployment_gets_the_old_name(server: LoopbackServer) -> None:
    """All requests that were refused together come through under the limit's other name."""
    no = Answer(refusal("Unrecognized request argument supplied: max_completion_tokens"), 400)
    server.rule = lambda seen: no if "max_completion_tokens" in seen.body else Answer(chat())

    async def crowd(client: Client) -> list[Reply]:
        return await asyncio.gather(*(client.ask(HELLO) for _ in range(6)))

    replies = with_client(azure(server, max_tokens=5), crowd)
    assert [reply.text for reply in replies] == ["はい"] * 6


def test_without_structured_output(server: LoopbackServer) -> None:
    """A deployment that refuses the schema is asked without it."""
    server.will(Answer(refusal("response_format is not supported"), 400), Answer(chat("{}")))
    assert ask(azure(server), Request(HELLO.messages, {"type": "object"})).text == "{}"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(refusal(f"bad {KEY}"), 401), KeyRefused, "refuses the key in A_KEY"),
        (Answer(refusal("none"), 404), ModelUnknown, "does not know the model 'd'"),
        (Answer(refusal(f"no {KEY}"), 400), Rejected, "it: 400: no ***"),
        (Answer(b"", 301, {"Location": "https://elsewhere.test/"}), EndpointError, "elsewhere.test"),
        (Answer(refusal("busy"), 503, {"retry-after-ms": "1500"}), Transient, "it: 503: busy"),
        (Answer(b'{"cho'), Transient, "broken JSON"),
        (DROP, Transient, "it: the connection broke (ServerDisconnectedError)"),
        (TRUNCATE, Transient, "it: the connection broke (ClientPayloadError)"),
        (HANG, Transient, "it: no answer within 0.3 s"),
    ],
)
def test_failures(server: LoopbackServer, answer: Answer, kind: type[JmebError], words: str) -> None:
    """Every failure is the error a caller can decide by, asked once and without the key."""
    server.will(answer)
    with pytest.raises(kind) as raised:
        ask(azure(server, timeout=0.3 if answer is HANG else 20))
    assert words in str(raised.value)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert len(server.seen) == 1
    if isinstance(raised.value, Transient):
        assert raised.value.answered is (answer is not DROP and answer is not HANG)
        assert raised.value.retry_after == (1.5 if answer.status == 503 else None)


def test_nobody_listens() -> None:
    """A refused connection is told from a time-out, and has not been answered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        made = endpoint("azure-openai", base_url=url, api_version="v", deployment="d", api_key_env="A_KEY")
        with pytest.raises(Transient, match="no connection to") as raised:
            ask(made)
    assert not raised.value.answered


def test_more_requests_than_a_default_pool_fly_at_once(server: LoopbackServer) -> None:
    """The SDK's pool limits nothing: 130 requests stand at the server together."""
    assert standing_together(azure(server), server, 130) == 130
