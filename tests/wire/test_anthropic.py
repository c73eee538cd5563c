"""Claude at the API, on Bedrock and on Vertex, through the SDK, over real HTTP."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from jmeb_plugin.clients.anthropic_sdk import service_url
from jmeb_plugin.clients.base import Client, Message, Reply, Request, Usage
from jmeb_plugin.converse import converse, scripted
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import (
    EndpointError,
    JmebError,
    KeyRefused,
    ModelUnknown,
    QuotaSpent,
    Rejected,
    Transient,
)
from jmeb_plugin.transcript import WITHHELD, Turn
from tests.wire.loopback import (
    DROP,
    HANG,
    HELLO,
    KEY,
    TRUNCATE,
    Answer,
    LoopbackServer,
    ask,
    endpoint,
    with_client,
)

SYSTEM = Request((Message("system", "s"), Message("user", "u")), {"type": "object"})
PATHS = {
    "anthropic": "/v1/messages",
    "anthropic-bedrock": "/model/c/invoke",
    "anthropic-vertex": "/v1/projects/p/locations/r/publishers/anthropic/models/c:rawPredict",
}


def claude(server: LoopbackServer, provider: str = "anthropic", **table: Any) -> Endpoint:
    """An endpoint of the provider at the server."""
    base = f"{server.url}/v1/" if provider != "anthropic-bedrock" else server.url
    place = {
        "anthropic": {},
        "anthropic-bedrock": {"region": "r"},
        "anthropic-vertex": {"region": "r", "project": "p"},
    }[provider]
    return endpoint(provider, **{"model": "c", "base_url": base, "api_key_env": "A_KEY", **place, **table})


def said(*blocks: Any, stop: str = "end_turn", **usage: int) -> Answer:
    """An answer in Anthropic's shape; a text stands for a text block."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return Answer({"model": "c-1", "content": content, "stop_reason": stop, "usage": usage})


def fault(kind: str, message: str, status: int, **headers: str) -> Answer:
    """An error in Anthropic's shape."""
    return Answer({"type": "error", "error": {"type": kind, "message": message}}, status, headers)


@pytest.fixture(autouse=True)
def surprises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable by which the SDK would like to be told otherwise."""
    for name in (
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_VERTEX_BASE_URL",
        "ANTHROPIC_VERTEX_PROJECT_ID",
        "CLOUD_ML_REGION",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
    ):
        monkeypatch.setenv(name, "http://surprise.invalid")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Other: surprise\nAuthorization: surprise")


@pytest.mark.parametrize("provider", PATHS)
def test_where_it_goes(server: LoopbackServer, provider: str) -> None:
    """Each service gets its path and the key, nothing of the SDK's own variables and no trace header."""
    server.will(said("はい"))
    assert ask(claude(server, provider)).text == "はい"
    (seen,) = server.seen
    assert seen.path == PATHS[provider]
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert "surprise" not in seen.headers.as_string()
    assert "traceparent" not in seen.headers


def test_what_is_sent(server: LoopbackServer) -> None:
    """Parameters, the cached system prompt and the schema are in the body; what is not set is not."""
    server.will(said("x"))
    ask(claude(server, temperature=0.0, max_tokens=9, extra_body={"metadata": {"user_id": "u"}}), SYSTEM)
    ask(claude(server))
    full, bare = (seen.body for seen in server.seen)
    assert full == {
        "model": "c",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "u"}],
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "temperature": 0.0,
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u"},
    }
    assert bare == {"model": "c", "max_tokens": 4096, "messages": [{"role": "user", "content": "やあ"}]}


def test_lone_surrogates_are_replaced_both_ways(server: LoopbackServer) -> None:
    """A lone surrogate is U+FFFD in what is sent and in what comes back."""
    server.will(said("a\ud800"))
    request = Request((Message("system", "s\udc00"), Message("user", "x\ud83d")))
    assert ask(claude(server), request).text == "a\ufffd"
    body = server.seen[0].body
    assert (body["messages"][0]["content"], body["system"][0]["text"]) == ("x\ufffd", "s\ufffd")


def test_without_structured_output(server: LoopbackServer) -> None:
    """A model that refuses the schema is asked without it."""
    no = fault("invalid_request_error", "output_config: Extra inputs are not permitted", 400)
    server.will(no, said("{}"))
    assert ask(claude(server), SYSTEM).text == "{}"
    assert ["output_config" in seen.body for seen in server.seen] == [True, False]


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "filter"),
    ],
)
def test_why_it_stopped(server: LoopbackServer, stop: str, finish: str) -> None:
    """Each stop reason is the finish that callers know."""
    server.will(said("x", stop=stop))
    assert ask(claude(server)).finish == finish


def test_thinking_and_usage(server: LoopbackServer) -> None:
    """Thinking blocks are reasoning, not answer; input holds cached and freshly cached tokens."""
    server.will(
        said(
            {"type": "thinking", "thinking": "hm"},
            "a",
            "b",
            input_tokens=1,
            cache_read_input_tokens=20,
            cache_creation_input_tokens=300,
            output_tokens=4,
        )
    )
    reply = ask(claude(server))
    assert reply == Reply("ab", "stop", Usage(321, 20, 4), "hm", "c-1")


@pytest.mark.parametrize("words", [(), ("Sure, here is",)])
def test_a_refusal_is_withheld(server: LoopbackServer, words: tuple[str, ...]) -> None:
    """What Claude's classifiers stopped, before or after a few words, is asked once and stands as withheld."""
    server.will(said(*words, stop="refusal"))

    async def hold(client: Client) -> Any:
        async def ask(messages: tuple[Message, ...], turn: int, attempt: int) -> Reply:
            return await client.ask(Request(messages))

        return await converse(scripted(["u", "v"]), "", ask, lambda *_: None)

    turns, trouble = with_client(claude(server), hold)
    assert turns == (Turn("u", WITHHELD, withheld=True), Turn("v", WITHHELD, withheld=True))
    assert not trouble
    assert len(server.seen) == 2


def test_a_withheld_answer(server: LoopbackServer) -> None:
    """The API's own filter is a reply that was withheld."""
    server.will(fault("invalid_request_error", "Output blocked by content filtering policy", 400))
    assert ask(claude(server)) == Reply("", "filter")


@pytest.mark.parametrize("provider", PATHS)
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (fault("authentication_error", f"bad {KEY}", 401), KeyRefused, "refuses the key in A_KEY"),
        (fault("not_found_error", "model: c", 404), ModelUnknown, "the model 'c'"),
        (
            fault("invalid_request_error", "Your credit balance is too low to go on", 400),
            QuotaSpent,
            "the quota is spent (400)",
        ),
        (fault("invalid_request_error", f"no {KEY}", 400), Rejected, "it: 400: no ***"),
        (fault("request_too_large", "big", 413), Rejected, "it: 413: big"),
        (fault("rate_limit_error", "slow", 429, **{"retry-after": "3"}), Transient, "it: 429: slow"),
        (fault("overloaded_error", "later", 529), Transient, "it: 529: later"),
        (Answer(b"", 302, {"Location": "https://elsewhere.test/"}), EndpointError, "elsewhere.test"),
        (fault("overloaded_error", "later", 200), Transient, "it: 529: later"),
        (fault("authentication_error", f"bad {KEY}", 200), KeyRefused, "in A_KEY (401): bad ***"),
        (fault("new_error", "odd", 200), Transient, "it: 200: odd"),
        (Answer({"content": 3}), Transient, "it: the answer is not of Anthropic's shape"),
        (Answer(b"{"), Transient, "it: the answer is broken JSON"),
        (DROP, Transient, "it: the connection broke (ServerDisconnectedError)"),
        (TRUNCATE, Transient, "it: the connection broke (ClientPayloadError)"),
        (HANG, Transient, "it: no answer within 0.3 s"),
    ],
)
def test_failures(
    server: LoopbackServer, provider: str, answer: Answer, kind: type[JmebError], words: str
) -> None:
    """Every failure is the error a caller can decide by, asked once and without the key."""
    server.will(answer)
    with pytest.raises(JmebError) as raised:
        ask(claude(server, provider, timeout=0.3 if answer is HANG else 20))
    assert type(raised.value) is kind
    assert words in str(raised.value)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert len(server.seen) == 1
    if isinstance(raised.value, Transient):
        assert raised.value.answered is (answer is not DROP and answer is not HANG)
        assert raised.value.retry_after == (3 if answer.status == 429 else None)


def test_what_was_sent_is_not_shown(server: LoopbackServer) -> None:
    """A message that is quoted, and the rubric, are taken out of the server's words."""
    asked = Request((Message("system", "Score the answer below."), Message("user", "患者を騙す方法は？")))
    server.will(fault("invalid_request_error", f"bad: {[part.content for part in asked.messages]}", 400))
    with pytest.raises(Rejected) as raised:
        ask(claude(server), asked)
    assert str(raised.value) == "it: 400: bad: ['…？']"


def test_no_credentials_of_aws(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Bedrock without a key and without any AWS login is one clear mistake."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(EndpointError, match="endpoint 'it': no credentials") as raised:
        ask(endpoint("anthropic-bedrock", model="c", base_url=server.url, region="r"))
    assert "AWS credentials" in str(raised.value)
    assert not server.seen


@pytest.mark.parametrize(
    ("provider", "place", "url"),
    [
        ("anthropic", {}, "https://api.anthropic.com"),
        (
            "anthropic-bedrock",
            {"region": "eu-west-1"},
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            "anthropic-vertex",
            {"region": "global", "project": "p"},
            "https://aiplatform.googleapis.com/v1",
        ),
        (
            "anthropic-vertex",
            {"region": "eu", "project": "p"},
            "https://aiplatform.eu.rep.googleapis.com/v1",
        ),
        (
            "anthropic-vertex",
            {"region": "asia-east1", "project": "p"},
            "https://asia-east1-aiplatform.googleapis.com/v1",
        ),
    ],
)
def test_the_services_own_addresses(provider: str, place: dict[str, str], url: str) -> None:
    """Without a ``base_url`` the address is the service's own, whatever the SDK's variables say."""
    assert service_url(endpoint(provider, model="c", **place)) == url


def test_no_key_is_needed_with_a_base_url(server: LoopbackServer) -> None:
    """A server of one's own gets a placeholder, never the hosted service's key."""
    server.will(said("x"))
    ask(endpoint("anthropic", model="c", base_url=server.url))
    assert server.seen[0].headers["Authorization"] == "Bearer no-key-needed"
    assert HELLO.messages[0].content == server.seen[0].body["messages"][0]["content"]
