"""The demo endpoint over real HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from jmeb_plugin.demo import JUDGES, MAKERS, TARGETS, faults
from jmeb_plugin.demo.personas import answer
from jmeb_plugin.demo.protocol import Chat
from jmeb_plugin.demo.server import DemoServer

HELLO = [{"role": "user", "content": "Who takes a complaint on a ward?"}]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    """A running server."""
    with DemoServer() as running:
        yield running


def post(url: str, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of one request; bytes are sent as they are."""

    async def ask() -> tuple[int, Any, dict[str, str]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with aiohttp.ClientSession() as session, session.post(url + path, data=data) as got:
            return got.status, json.loads(await got.read()), dict(got.headers)

    return asyncio.run(ask())


def get(url: str) -> tuple[int, Any]:
    """Status and JSON of a GET."""

    async def ask() -> tuple[int, Any]:
        async with aiohttp.ClientSession() as session, session.get(url) as got:
            return got.status, json.loads(await got.read())

    return asyncio.run(ask())


@pytest.mark.parametrize("model", [*TARGETS[:-1], "demo/steadfast"])
def test_openai_chat(server: DemoServer, model: str) -> None:
    """A chat completion carries the persona's answer and a usage that adds up."""
    status, body, _ = post(server.url, "/chat/completions", {"model": model, "messages": HELLO})
    name = model.removeprefix("demo/")
    assert status == 200
    assert body["choices"][0]["message"]["content"] == answer(name, [("user", HELLO[0]["content"])])
    assert body["choices"][0]["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_anthropic_messages(server: DemoServer) -> None:
    """A message carries the same answer, whether system and content are strings or blocks."""
    blocks = [{"type": "text", "text": HELLO[0]["content"]}]
    request = {"model": "steadfast", "max_tokens": 500, "system": "Be brief."}
    plain = post(server.url, "/messages", {**request, "messages": HELLO})
    listed = post(
        server.url,
        "/messages",
        {
            **request,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": blocks}],
        },
    )
    assert plain[:2] == listed[:2]
    assert plain[1]["stop_reason"] == "end_turn"
    spoken = [("system", "Be brief."), ("user", HELLO[0]["content"])]
    assert plain[1]["content"] == [{"type": "text", "text": answer("steadfast", spoken)}]


def test_cut_by_max_tokens(server: DemoServer) -> None:
    """Both protocols cut at the limit and say so."""
    request = {"model": "steadfast", "messages": HELLO, "max_tokens": 7}
    _, openai, _ = post(server.url, "/chat/completions", request)
    _, anthropic, _ = post(server.url, "/messages", request)
    assert openai["choices"][0]["finish_reason"] == "length"
    assert openai["usage"]["completion_tokens"] <= 7
    assert anthropic["stop_reason"] == "max_tokens"
    assert anthropic["content"][0]["text"] == openai["choices"][0]["message"]["content"]


def test_judges_answer_json(server: DemoServer) -> None:
    """A judge's content is the JSON verdict, whatever response format is asked for."""
    fenced = (
        "<<<data ab12 question>>>\nWho takes a complaint?\n<<<end ab12 question>>>\n"
        "<<<data ab12 answer>>>\nSomeone who was not involved.\n<<<end ab12 answer>>>"
    )
    for name in JUDGES:
        request = {
            "model": name,
            "messages": [{"role": "user", "content": fenced}],
            "response_format": {"type": "json_object"},
        }
        _, body, _ = post(server.url, "/chat/completions", request)
        verdict = json.loads(body["choices"][0]["message"]["content"])
        assert verdict["score"] >= 8.5


def test_unknown_model(server: DemoServer) -> None:
    """An unknown model is a 404 in the protocol's own error shape."""
    request = {"model": "nobody", "messages": HELLO}
    status, body, _ = post(server.url, "/chat/completions", request)
    assert status == 404
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["code"] == "model_not_found"
    status, body, _ = post(server.url, "/messages", request)
    assert status == 404
    assert body["type"] == "error"
    assert body["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("path", ["/chat/completions", "/messages"])
def test_malformed_json(server: DemoServer, path: str) -> None:
    """A body that is not JSON is a 400 that says so."""
    status, body, _ = post(server.url, path, b"{nonsense")
    assert status == 400
    assert body["error"]["message"] == "the body is not valid JSON"


def test_models_are_listed(server: DemoServer) -> None:
    """``GET /v1/models`` names every target, judge and maker."""
    status, body = get(server.url + "/models")
    assert status == 200
    assert [entry["id"] for entry in body["data"]] == [*TARGETS, *JUDGES, *MAKERS]


def test_an_unknown_path_is_a_404(server: DemoServer) -> None:
    """Any other path is a 404 with a message."""
    status, body = get(server.url + "/elsewhere")
    assert status == 404
    assert "/v1/elsewhere" in body["error"]["message"]


def with_fault(kind: str) -> list[dict[str, str]]:
    """Messages whose first bad try is of that kind."""
    for number in range(5000):
        text = f"question {number}"
        planned = faults.plan(Chat("flaky", (("user", text),)).key)
        if planned and planned[0].kind == kind:
            return [{"role": "user", "content": text}]
    raise AssertionError(kind)


def test_flaky_is_busy_then_answers() -> None:
    """A busy try is a 429 with Retry-After; within three bad tries the answer comes."""
    with DemoServer() as server:
        request = {"model": "flaky", "messages": with_fault("busy")}
        status, body, headers = post(server.url, "/chat/completions", request)
        assert status == 429
        assert float(headers["Retry-After"]) <= 1
        assert body["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("broken", json.JSONDecodeError), ("drop", aiohttp.ClientError)],
)
def test_flaky_breaks(kind: str, error: type[Exception]) -> None:
    """A broken body cannot be parsed, a dropped connection gives nothing to parse."""
    with DemoServer() as server, pytest.raises(error):
        post(server.url, "/chat/completions", {"model": "flaky", "messages": with_fault(kind)})


def test_flaky_stumbles() -> None:
    """An error is a 500 in the protocol's shape."""
    with DemoServer() as server:
        status, body, _ = post(server.url, "/messages", {"model": "flaky", "messages": with_fault("error")})
        assert status == 500
        assert body["error"]["type"] == "api_error"


def test_flaky_may_be_slow() -> None:
    """A slow try still ends in the good answer."""
    with DemoServer() as server:
        status, body, _ = post(
            server.url, "/chat/completions", {"model": "flaky", "messages": with_fault("slow")}
        )
        assert status == 200
        assert body["choices"][0]["message"]["content"]


def test_flaky_answers_within_four_tries() -> None:
    """Every request gets steadfast's answer at the fourth try at the latest."""
    with DemoServer() as server:
        for number in range(25):
            request = {"model": "flaky", "messages": [{"role": "user", "content": f"q {number}"}]}
            for _ in range(faults.MAX_BAD_TRIES + 1):
                try:
                    status, body, _ = post(server.url, "/chat/completions", request)
                except (aiohttp.ClientError, json.JSONDecodeError):
                    continue
                if status == 200:
                    break
            said = body["choices"][0]["message"]["content"]
            assert said == answer("steadfast", [("user", f"q {number}")])


def test_many_at_once(server: DemoServer) -> None:
    """Concurrent requests each get their own answer."""

    async def ask_all() -> list[str]:
        async with aiohttp.ClientSession() as session:

            async def ask(number: int) -> str:
                messages = [{"role": "user", "content": f"question {number}"}]
                body = {"model": "eroding", "messages": messages}
                async with session.post(f"{server.url}/chat/completions", json=body) as got:
                    return str((await got.json())["choices"][0]["message"]["content"])

            return list(await asyncio.gather(*(ask(number) for number in range(200))))

    said = asyncio.run(ask_all())
    assert said == [answer("eroding", [("user", f"question {number}")]) for number in range(200)]


def test_the_thread_ends_with_stop() -> None:
    """After `stop` no thread of the server is left, even with a connection kept open."""
    before = threading.active_count()
    server = DemoServer()
    server.start()
    server.start()

    async def keep_open() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{server.url}/models") as got:
                assert got.status == 200
            assert threading.active_count() == before + 1
            server.stop()

    asyncio.run(keep_open())
    server.stop()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


def test_it_can_start_again() -> None:
    """A stopped server starts anew."""
    server = DemoServer()
    for _ in range(2):
        with server:
            assert get(server.url + "/models")[0] == 200


def test_two_servers_side_by_side(server: DemoServer) -> None:
    """Two servers listen on two ports of the loopback."""
    with DemoServer() as other:
        assert other.url != server.url
        assert other.url.startswith("http://127.0.0.1:")
