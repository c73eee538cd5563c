"""The lean client over real HTTP: what is sent, what comes back, what every failure means."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import email.utils
import gc
import re
import socket
import threading
import time
import traceback
from typing import Any

import pytest

from jmeb_plugin.budget import Budget
from jmeb_plugin.clients.base import Client, Message, Reply, Request, Usage
from jmeb_plugin.clients.guarded import EXPIRED
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
from jmeb_plugin.limits import Lane, Pace, Slots
from tests.wire.loopback import (
    DROP,
    HANG,
    HELLO,
    KEY,
    STALL,
    TRUNCATE,
    Answer,
    LoopbackServer,
    Seen,
    ask,
    ask_again,
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


@pytest.mark.parametrize("only", ["max_tokens", "max_completion_tokens"])
def test_learning_keeps_to_the_requests_a_minute(server: LoopbackServer, only: str) -> None:
    """A refused request that comes again is one more: no minute sees more of them than its limit.

    One that is too large for the server is rejected, and takes no other with it.
    """
    came: list[float] = []

    def rule(seen: Seen) -> Answer:
        came.append(time.monotonic())
        if only not in seen.body:
            return Answer(refusal("Unsupported: max_tokens, max_completion_tokens"), 400)
        if seen.body[only] > 5:
            return Answer(refusal(f"{only} is too large"), 400)
        return Answer(chat(seen.body["messages"][0]["content"]))

    server.rule = rule
    made = lean(server, max_tokens=5, requests_per_minute=6)

    async def crowd(client: Client) -> list[Any]:
        lane = Lane(made, Slots(64), Budget(None), Pace(minute=0.6))

        async def one(number: int) -> Any:
            asked = Request((Message("user", str(number)),), max_tokens=9 if number == 3 else None)
            try:
                reply, _ = await lane.call(lambda: client.ask(asked), 1, str(number))
            except Rejected as error:
                return str(error)
            return int(reply.text)

        return await asyncio.gather(*map(one, range(12)))

    replies = with_client(made, crowd)
    assert replies[:3] + replies[4:] == [*range(3), *range(4, 12)]
    assert replies[3].startswith("it: 400: ")
    assert len(came) <= 24
    assert all(late - early > 0.5 for early, late in zip(came, came[6:], strict=False))


def test_why_a_refused_request_waits(server: LoopbackServer) -> None:
    """What comes again for a limit's sake says so, and what the server had said."""
    error = failing(server, Answer(refusal("no max_tokens"), 400), max_tokens=5, requests_per_minute=6)
    assert isinstance(error, Transient)
    said = "it: to be asked in another way, as requests_per_minute allows, after 400: no max_tokens"
    assert str(error) == said
    assert len(server.seen) == 1


LONG = "litellm.BadRequestError: OpenAIException - " + "Available Model Group Fallbacks=None. " * 400


@pytest.mark.parametrize(
    "said",
    [
        refusal(f"{LONG} Unsupported parameter: 'max_tokens' is not supported"),
        refusal("Unsupported parameter", code="unsupported_parameter", param="max_tokens"),
    ],
    ids=["at the end", "beside the message"],
)
def test_the_hint_may_stand_anywhere(server: LoopbackServer, said: Any) -> None:
    """The name of the parameter is found after any number of words, and where the message has none."""
    server.rule = lambda seen: Answer(said, 400) if "max_tokens" in seen.body else Answer(chat())
    assert ask(lean(server, max_tokens=5)).text == "はい"
    assert len(server.seen) == 2


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
    """The 400 of Azure's or OpenAI's filter, from whatever gateway, is a reply that was withheld."""
    server.will(Answer(refusal("filtered", code="content_filter", innererror={}), 400))
    assert ask(lean(server)) == Reply("", "filter")
    flagged = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
    server.will(Answer(refusal(flagged, type="invalid_request_error", code="invalid_prompt"), 400))
    assert ask(lean(server)) == Reply("", "filter")


def test_a_prompt_that_a_moderator_flagged(server: LoopbackServer) -> None:
    """A 403 about the prompt alone is a reply that was withheld, where others are answered.

    A whole run of withheld answers would look safe: where nobody is, the key is refused.
    """
    flagged = Answer(refusal("Input was flagged by moderation", code=403), 403)
    server.will(Answer(chat()), flagged)
    assert ask_again(lean(server)) == Reply("", "filter")
    assert isinstance(failing(server, flagged), KeyRefused)


def test_a_key_that_expires_is_refused_in_the_end(server: LoopbackServer) -> None:
    """One 403 after another, with no answer between them, is about no prompt any more."""
    server.will(Answer(chat()), Answer(refusal("token expired"), 403))

    async def many(client: Client) -> list[type[JmebError]]:
        await client.ask(HELLO)
        found = []
        for _ in range(EXPIRED):
            with pytest.raises(JmebError) as raised:
                await client.ask(HELLO)
            found.append(raised.type)
        return found

    kinds = with_client(lean(server), many)
    assert kinds == [Rejected] * (EXPIRED - 1) + [KeyRefused]


def test_any_2xx_is_an_answer(server: LoopbackServer) -> None:
    """A 201 is as good as a 200."""
    server.will(Answer(chat("ok"), 201))
    assert ask(lean(server)).text == "ok"


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            401,
            refusal(f"bad key {KEY}"),
            KeyRefused,
            "'it': the server refuses the key in A_KEY (401): bad key ***",
        ),
        (403, refusal("no"), KeyRefused, "the server refuses the key in A_KEY (403): no"),
        (404, refusal("gone"), ModelUnknown, "does not know the model 'm', or not this path (gone)"),
        (400, refusal("no", code="model_not_found"), ModelUnknown, "does not know the model 'm'"),
        (400, refusal(f"API key not valid: {KEY}"), KeyRefused, "the key in A_KEY (400): API key not valid"),
        (400, refusal("no", code="invalid_api_key"), KeyRefused, "the key in A_KEY (400): no"),
        (400, refusal("Invalid model name passed in model=m"), ModelUnknown, "does not know the model 'm'"),
        (422, refusal("The model `m` does not exist"), ModelUnknown, "does not know the model 'm'"),
        (405, {"detail": "Method Not Allowed"}, ModelUnknown, "or not this path ({'detail': 'Method Not"),
        (400, refusal("No such voice; the model is fine"), Rejected, "it: 400: No such voice"),
        (402, refusal("pay"), QuotaSpent, "'it': the quota is spent (402): pay"),
        (429, refusal("Your prepayment credits are depleted."), QuotaSpent, "(429): Your prepayment credits"),
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


TALK = Request(
    (
        Message("system", "You are the assistant of a clinic in Sapporo."),
        Message("user", 'How do I hide an "overdose" of insulin?\nTell me.'),
    )
)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("part", [0, 1])
def test_what_was_sent_is_not_shown(server: LoopbackServer, status: int, part: int) -> None:
    """A server that quotes the prompt, or its beginning, in whatever form does not make us show it."""
    text = TALK.messages[part].content
    for said in (
        refusal(f"invalid prompt: {text}"),
        refusal(f"invalid prompt: {text[:30]}"),
        {"detail": [{"msg": "invalid prompt:", "input": [{"content": text}]}]},
        f"<p>invalid prompt: {text}".encode(),
        refusal("invalid prompt: " + "no " * 60 + text),
    ):
        server.will(Answer(said, status))
        with pytest.raises(JmebError) as raised:
            ask(lean(server), TALK)
        shown = str(raised.value).lower()
        assert not {"assistant", "sapporo", "overdose", "insulin", "hide"} & set(re.findall(r"[a-z]+", shown))
        assert "invalid prompt:" in shown
        assert len(shown) <= 320


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"code": 401, "message": f"No auth for {KEY}"}, KeyRefused, "key in A_KEY (401): No auth for ***"),
        ({"code": "402", "message": "pay"}, QuotaSpent, "the quota is spent (402): pay"),
        ({"code": None, "type": "rate_limit_error", "message": "slow"}, Transient, "it: 429: slow"),
        ({"code": 413, "message": "too much"}, Rejected, "it: 413: too much"),
        ({"code": "model_not_found", "message": "gone"}, ModelUnknown, "does not know the model 'm'"),
        ({"code": 200, "message": "odd"}, Transient, "it: 200: odd"),
        ({"code": True, "message": "odd"}, Transient, "it: 200: odd"),
        ({"code": [401]}, Transient, "it: 200: {'code': [401]}"),
        ("overloaded", Transient, "it: 200: overloaded"),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"choices": None}, {"choices": []}])
def test_an_error_with_a_good_status(
    server: LoopbackServer, error: Any, kind: type[JmebError], words: str, beside: dict[str, Any]
) -> None:
    """An error in the place of choices is what its code says, in the server's words."""
    failed = failing(server, Answer({"error": error, **beside}))
    assert type(failed) is kind
    assert words in str(failed)
    assert isinstance(failed, Transient) is (kind is Transient)


def test_a_flagged_prompt_with_a_good_status(server: LoopbackServer) -> None:
    """The filter's 403 as well, and an answer that has an empty error beside it is an answer."""
    flagged = Answer(refusal("Input was flagged by moderation", code=403))
    server.will(Answer(chat()), flagged, Answer({**chat(), "error": {}}))
    assert ask_again(lean(server)) == Reply("", "filter")
    assert ask(lean(server)).text == "はい"


def test_a_rate_limit_that_mentions_billing(server: LoopbackServer) -> None:
    """A rate limit whose text points to the billing page is no spent quota."""
    error = failing(server, Answer(refusal("Rate limit. See account/billing"), 429))
    assert isinstance(error, Transient)
    assert error.throttled


async def outcome(client: Client, text: str) -> Any:
    """The reply to a text, or the error it ended in."""
    try:
        return await client.ask(Request((Message("user", text),)))
    except JmebError as error:
        return error


WALL = Answer(b"<html><h1>403 Forbidden</h1></html>", 403)


def test_a_403_after_an_answer(server: LoopbackServer) -> None:
    """Once the key was good, a firewall that stops a prompt rejects this one and refuses no key."""
    server.will(Answer(chat()), WALL)

    async def both(client: Client) -> list[Any]:
        return [await outcome(client, "a"), await outcome(client, "b")]

    good, bad = with_client(lean(server), both)
    assert good.text == "はい"
    assert type(bad) is Rejected
    assert str(bad) == "it: 403: <html><h1>403 Forbidden</h1></html>"


@pytest.mark.parametrize("good", [True, False])
def test_403s_before_an_answer(server: LoopbackServer, good: bool) -> None:
    """A firewall refuses at once, a model takes its time: what a 403 means is known when the others are done."""
    held = threading.Event()

    def rule(seen: Seen) -> Answer:
        if seen.body["messages"][0]["content"] != "slow":
            return WALL
        held.wait(10)
        return Answer(chat()) if good else WALL

    server.rule = rule

    async def crowd(client: Client) -> list[Any]:
        asking = [asyncio.create_task(outcome(client, text)) for text in ("slow", *"abcdef")]
        done, _ = await asyncio.wait(asking, timeout=0.3)
        assert not done
        held.set()
        return list(await asyncio.gather(*asking))

    first, *others = with_client(lean(server), crowd)
    assert isinstance(first, Reply if good else KeyRefused)
    assert {type(other) for other in others} == {Rejected if good else KeyRefused}


def rejecting(number: int) -> Answer:
    """A rejection with a request's own number."""
    return Answer(refusal(f"temperature is not taken (request {number:x}f-{number})"), 400)


def test_a_server_that_rejects_everything(server: LoopbackServer) -> None:
    """The eighth rejection with the same words, and no answer among them, is the user's mistake."""
    server.will(*map(rejecting, range(8)))

    async def one_by_one(client: Client) -> list[Any]:
        return [await outcome(client, text) for text in "abcdefgh"]

    *others, last = with_client(lean(server), one_by_one)
    assert {type(other) for other in others} == {Rejected}
    assert type(last) is EndpointError
    assert str(last).startswith("endpoint 'it': the server has answered none of its requests and rejected 8")
    assert "same words: 400: temperature is not taken (request" in str(last)


def test_rejections_of_many_kinds_or_after_an_answer(server: LoopbackServer) -> None:
    """Other words, or a single answer before: each request was rejected for itself."""
    kinds = [Answer(refusal(f"{'odd' * number} prompt"), 400) for number in range(8)]
    server.will(*kinds, Answer(chat()), *map(rejecting, range(9)))

    async def one_by_one(client: Client) -> list[Any]:
        return [await outcome(client, text) for text in "abcdefghijklmnopqr"]

    found = [type(what) for what in with_client(lean(server), one_by_one)]
    assert found == [Rejected] * 8 + [Reply] + [Rejected] * 9


def test_rejections_while_the_first_answer_is_on_its_way(server: LoopbackServer) -> None:
    """A server rejects at once and answers late: a crowd of rejected prompts is no mistake either."""
    held = threading.Event()

    def rule(seen: Seen) -> Answer:
        if seen.body["messages"][0]["content"] != "slow":
            return rejecting(1)
        held.wait(10)
        return Answer(chat())

    server.rule = rule

    async def crowd(client: Client) -> list[Any]:
        asking = [asyncio.create_task(outcome(client, text)) for text in ("slow", *"abcdefghij")]
        await asyncio.wait(asking, timeout=0.3)
        held.set()
        return [type(what) for what in await asyncio.gather(*asking)]

    assert with_client(lean(server), crowd) == [Reply] + [Rejected] * 10


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
        (Answer(chat("Sure: 1.", finish="error")), True, "it: the answer broke off (finish_reason: error)"),
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
    made = dataclasses.replace(endpoint("demo", model="steadfast"), base_url=server.url)
    assert ask(made).text == "はい"
