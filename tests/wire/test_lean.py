"""The lean client over real HTTP: what is sent, what comes back, what every failure means."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import gc
import socket
import traceback
from typing import Any

import pytest

from jmeb_plugin.clients.base import Client, Message, Reply, Request, Usage
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
from tests.wire.loopback import (
    DROP,
    HANG,
    HELLO,
    KEY,
    STALL,
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

SCHEMA = {"type": "object", "properties": {"score": {"type": "number"}}}


def lean(server: LoopbackServer, **table: Any) -> Endpoint:
    """An OpenAI-compatible endpoint at the server."""
    return endpoint("openai", **{"model": "m", "base_url": f"{server.url}/v1", **table})


def failing(server: LoopbackServer, answer: Answer, **table: Any) -> JmebError:
    """The error that an answer ends in."""
    server.will(answer)
    with pytest.raises(JmebError) as raised:
        ask(lean(server, api_key_env="A_KEY", **table))
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert KEY not in shown
    return raised.value


# -- what is sent ----------------------------------------------------------------------------------


def test_unset_parameters_are_not_sent(server: LoopbackServer) -> None:
    """Of an endpoint without parameters the body is the model and the messages, and no key is sent."""
    assert ask(lean(server)).text == "はい"
    assert server.seen[0].body == {"model": "m", "messages": [{"role": "user", "content": "やあ"}]}
    assert server.seen[0].path == "/v1/chat/completions"
    assert "Authorization" not in server.seen[0].headers


def test_set_parameters_are_sent(server: LoopbackServer) -> None:
    """Every parameter of the table is in the body, zero included, and the key in the header alone."""
    made = lean(
        server,
        temperature=0.0,
        top_p=0.5,
        max_tokens=7,
        extra_body={"seed": 1},
        api_key_env="A_KEY",
    )
    ask(made, Request((Message("system", "s"), Message("user", "u")), SCHEMA))
    body = server.seen[0].body
    assert body.pop("response_format")["json_schema"]["schema"] == SCHEMA
    assert [m["role"] for m in body.pop("messages")] == ["system", "user"]
    assert body == {"model": "m", "temperature": 0.0, "top_p": 0.5, "max_tokens": 7, "seed": 1}
    assert server.seen[0].headers["Authorization"] == f"Bearer {KEY}"


def test_nothing_of_the_environment_is_sent(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Neither the SDK's variables nor ``~/.netrc`` put anything into a request."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses-000000")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-surprise")
    assert ask(lean(server)).text == "はい"
    assert ask(lean(server, api_key_env="A_KEY")).text == "はい"
    assert [seen.headers.get("Authorization") for seen in server.seen] == [None, f"Bearer {KEY}"]
    assert not any("surprise" in seen.headers.as_string() for seen in server.seen)


def test_key_from_a_file_with_a_line_break(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break at the end of a key is not part of it."""
    monkeypatch.setenv("A_KEY", f"{KEY}\n")
    ask(lean(server, api_key_env="A_KEY"))
    assert server.seen[0].headers["Authorization"] == f"Bearer {KEY}"


def test_lone_surrogates_are_replaced_both_ways(server: LoopbackServer) -> None:
    """A lone surrogate is U+FFFD in what is sent and in what comes back."""
    server.will(Answer(chat("a\ud800b", message={"reasoning_content": "\udc00"})))
    reply = ask(lean(server), Request((Message("user", "x\ud83d"),)))
    assert (reply.text, reply.reasoning) == ("a\ufffdb", "\ufffd")
    assert server.seen[0].body["messages"][0]["content"] == "x\ufffd"


def test_cookies_are_not_kept(server: LoopbackServer) -> None:
    """A server's cookie does not come back with the next request: conversations share nothing."""
    server.will(Answer(chat(), headers={"Set-Cookie": "session=1"}))

    async def twice(client: Client) -> None:
        await client.ask(HELLO)
        await client.ask(HELLO)

    # a name, since no client keeps an address's cookies
    with_client(lean(server, base_url=f"http://localhost:{server.server_port}"), twice)
    assert "Cookie" not in server.seen[1].headers


def test_more_requests_than_a_default_pool_fly_at_once(server: LoopbackServer) -> None:
    """The client's own pool limits nothing: 130 requests stand at the server together."""
    assert standing_together(lean(server), server, 130) == 130


# -- dialects --------------------------------------------------------------------------------------


def test_the_limit_changes_its_name_after_a_400(server: LoopbackServer) -> None:
    """A server that refuses ``max_tokens`` gets ``max_completion_tokens``, at once from then on."""
    server.will(
        Answer(
            refusal("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
            400,
        ),
        Answer(chat()),
    )

    async def twice(client: Client) -> None:
        await client.ask(HELLO)
        await client.ask(HELLO)

    with_client(lean(server, max_tokens=5), twice)
    names = [set(seen.body) - {"model", "messages"} for seen in server.seen]
    assert names == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


def test_a_limit_too_large_is_rejected_as_such(server: LoopbackServer) -> None:
    """A complaint about the limit's size ends as `Rejected` in the server's first words, not in a loop."""
    too_large = "'max_tokens' or 'max_completion_tokens' is too large: 9. It is 4."
    error = failing(server, Answer(refusal(too_large), 400), max_tokens=9)
    assert isinstance(error, Rejected)
    assert too_large in str(error)
    assert len(server.seen) == 2


def test_concurrent_requests_do_not_flip_the_dialect_back(server: LoopbackServer) -> None:
    """Requests that were refused together all come through in the other dialect."""
    no = Answer(refusal("Unknown argument max_tokens, use max_completion_tokens"), 400)
    server.rule = lambda seen: no if "max_tokens" in seen.body else Answer(chat())

    async def crowd(client: Client) -> list[Reply]:
        return await asyncio.gather(*(client.ask(HELLO) for _ in range(8)))

    assert [reply.text for reply in with_client(lean(server, max_tokens=5), crowd)] == ["はい"] * 8


@pytest.mark.parametrize(
    "words",
    ["Invalid parameter: 'response_format' of type 'json_schema'", "no structured output here"],
)
def test_without_structured_output(server: LoopbackServer, words: str) -> None:
    """A server that refuses the schema is asked without it, at once from then on."""
    server.will(Answer(refusal(words), 400), Answer(chat('{"score": 3}')))
    request = Request(HELLO.messages, SCHEMA)

    async def twice(client: Client) -> Reply:
        await client.ask(request)
        return await client.ask(request)

    assert with_client(lean(server), twice).text == '{"score": 3}'
    assert ["response_format" in seen.body for seen in server.seen] == [True, False, False]


# -- what comes back -------------------------------------------------------------------------------


def test_usage_with_cached_tokens(server: LoopbackServer) -> None:
    """Input, cached and output tokens and the served model's name are in the reply."""
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 6},
    }
    server.will(Answer(chat(usage=usage)))
    reply = ask(lean(server))
    assert (reply.usage, reply.model) == (Usage(9, 6, 4), "m")


def test_a_prompt_that_the_filter_withheld(server: LoopbackServer) -> None:
    """Azure's 400 about its filter, from whatever gateway, is a reply that was withheld."""
    server.will(Answer(refusal("filtered", code="content_filter", innererror={}), 400))
    assert ask(lean(server)) == Reply("", "filter")


def test_any_2xx_is_an_answer(server: LoopbackServer) -> None:
    """A 201 is as good as a 200."""
    server.will(Answer(chat("ok"), 201))
    assert ask(lean(server)).text == "ok"


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, refusal(f"bad key {KEY}"), KeyRefused, "'it': the server refuses the key in A_KEY (401)"),
        (403, refusal("no"), KeyRefused, "the server refuses the key in A_KEY (403)"),
        (404, refusal("gone"), ModelUnknown, "does not know the model 'm', or not this path (gone)"),
        (400, refusal("no", code="model_not_found"), ModelUnknown, "does not know the model 'm'"),
        (402, refusal("pay"), QuotaSpent, "'it': the quota is spent (402)"),
        (429, refusal("x", code="insufficient_quota"), QuotaSpent, "the quota is spent (429)"),
        (400, refusal(f"no {KEY}"), Rejected, "it: 400: no ***"),
        (413, refusal("too much"), Rejected, "it: 413: too much"),
        (422, {"detail": "bad"}, Rejected, "it: 422: {'detail': 'bad'}"),
        (408, b"", Transient, "it: 408: no details"),
        (409, refusal("later"), Transient, "it: 409: later"),
        (500, b"<html>\n oops", Transient, "it: 500: <html> oops"),
        (503, refusal("busy"), Transient, "it: 503: busy"),
        (529, refusal("overloaded"), Transient, "it: 529: overloaded"),
        (308, b"", EndpointError, "is elsewhere now (308); expected its present address"),
    ],
)
def test_what_a_status_means(
    server: LoopbackServer, status: int, body: Any, kind: type[JmebError], words: str
) -> None:
    """Every status is the one error that a caller can decide by, in one line without the key."""
    error = failing(server, Answer(body, status))
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)
    assert len(server.seen) == 1


def test_a_rate_limit_that_mentions_billing(server: LoopbackServer) -> None:
    """A rate limit whose text points to the billing page is no spent quota."""
    error = failing(server, Answer(refusal("Rate limit. See account/billing"), 429))
    assert isinstance(error, Transient)
    assert error.throttled


def test_where_a_redirect_leads(server: LoopbackServer) -> None:
    """A redirect is named by its server alone, and neither it nor the key is followed."""
    error = failing(server, Answer(b"", 307, {"Location": "https://elsewhere.test/v2?key=x"}))
    assert str(error).endswith("(https://elsewhere.test)")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "250", "Retry-After": "7"}, 0.25),
        ({"retry-after-ms": "soon", "Retry-After": "7"}, 7.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "tomorrow"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after(server: LoopbackServer, headers: dict[str, str], seconds: float | None) -> None:
    """The server's hint is read in milliseconds, seconds or as a date; nonsense is none."""
    error = failing(server, Answer(refusal("slow"), 429, headers))
    assert isinstance(error, Transient)
    assert error.retry_after == seconds
    assert error.answered


def test_retry_after_a_date_to_come(server: LoopbackServer) -> None:
    """A date ahead is the seconds until then."""
    when = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    error = failing(
        server,
        Answer(b"", 503, {"Retry-After": email.utils.format_datetime(when, usegmt=True)}),
    )
    assert isinstance(error, Transient)
    assert 3000 < (error.retry_after or 0) <= 3600
    assert not error.throttled


@pytest.mark.parametrize(
    ("answer", "answered", "words"),
    [
        (Answer(b'{"choices": ['), True, "it: the answer is broken JSON"),
        (Answer(b"[" * 100_000), True, "it: the answer is broken JSON"),
        (Answer([1]), True, "it: the answer is no JSON object"),
        (Answer({"choices": []}), True, "it: the answer is not of OpenAI's shape"),
        (Answer(chat(usage={"prompt_tokens": "many"})), True, "not of OpenAI's shape"),
        (DROP, False, "it: the connection broke (ServerDisconnectedError)"),
        (TRUNCATE, True, "it: the connection broke (ClientPayloadError)"),
        (HANG, False, "it: no answer within 0.2 s"),
        (STALL, True, "it: no answer within 0.2 s"),
    ],
)
def test_a_broken_answer(server: LoopbackServer, answer: Answer, answered: bool, words: str) -> None:
    """Whatever breaks is `Transient`, and says whether anybody had answered."""
    error = failing(server, answer, timeout=0.2 if answer in (HANG, STALL) else 20)
    assert isinstance(error, Transient)
    assert words in str(error)
    assert error.answered is answered


def test_nobody_listens() -> None:
    """A refused connection names the address and has not been answered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Transient, match=f"no connection to {url} ") as raised:
            ask(endpoint("openai", model="m", base_url=url))
    assert not raised.value.answered


def test_connections_are_given_back(server: LoopbackServer) -> None:
    """A closed client leaves nothing open that the interpreter would warn about."""
    ask(lean(server))
    server.will(TRUNCATE)
    with pytest.raises(Transient):
        ask(lean(server))
    gc.collect()


def test_the_demo_is_asked_like_any_server(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo endpoint speaks the same protocol, without a key and past every proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    made = endpoint("demo", model="steadfast", base_url=server.url)
    assert ask(made).text == "はい"
