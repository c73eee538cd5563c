"""Chatbots that are applications: behind a URL, and as a Python function."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.clients.target import check_targets
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError, KeyRefused, ModelUnknown, Rejected, Transient
from tests.wire.loopback import HELLO, KEY, Answer, LoopbackServer, ask, ask_again, endpoint

TALK = Request(
    (
        Message("system", "s"),
        Message("user", "one"),
        Message("assistant", "1"),
        Message("user", "two {system}"),
    )
)


def app(server: LoopbackServer, **table: Any) -> Endpoint:
    """An application at the server."""
    usual = {"url": f"{server.url}/bot", "body": {"q": "{question}"}, "answer": "said"}
    return endpoint("http", **{**usual, **table})


def test_the_body_is_filled_in(server: LoopbackServer) -> None:
    """Places are filled wherever they stand, values are no templates, what is not set is not sent."""
    server.will(Answer({"said": "はい"}))
    body = {
        "chat": "{messages}",
        "inner": [{"text": "Q: {question} ({system}) {other}"}],
        "t": "{temperature}",
        "p": "{top_p}",
        "n": "{max_tokens}",
        "fixed": 3,
    }
    assert ask(app(server, body=body, temperature=0.0, max_tokens=5), TALK).text == "はい"
    assert server.seen[0].path == "/bot"
    assert server.seen[0].body == {
        "chat": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two {system}"},
        ],
        "inner": [{"text": "Q: two {system} (s) {other}"}],
        "t": 0.0,
        "n": 5,
        "fixed": 3,
    }


def test_headers_from_the_environment(server: LoopbackServer) -> None:
    """A header's value is its variable's, and a server that echoes it does not make us show it."""
    server.will(Answer(KEY.encode(), 422))
    with pytest.raises(Rejected) as raised:
        ask(app(server, headers_env={"X-Key": "A_KEY"}))
    assert server.seen[0].headers["X-Key"] == KEY
    assert str(raised.value) == "it: 422: ***"


@pytest.mark.parametrize(
    ("answer", "path", "text"),
    [
        ({"said": "a"}, "said", "a"),
        ({"said": None}, "said", ""),
        ({"said": [{"text": "<think>t</think>b"}]}, "said.0.text", "b"),
        ([{"0": "c"}], "0.0", "c"),
        ({"said": {"x": "日"}}, "said", '{"x": "日"}'),
    ],
)
def test_the_path_to_the_answer(server: LoopbackServer, answer: Any, path: str, text: str) -> None:
    """A dotted path leads through objects and lists; what is there is the text."""
    server.will(Answer(answer))
    assert ask(app(server, answer=path)).text == text


def test_a_moderator_before_an_application(server: LoopbackServer) -> None:
    """A gateway's 403 about the prompt is a reply that was withheld."""
    server.will(Answer({"said": "はい"}), Answer({"message": "Request failed content safety check."}, 403))
    assert ask_again(app(server)) == Reply("", "filter")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer({"other": 1}), Rejected, "it: no 'said' of answer = 'said' in what the server said"),
        (Answer(["x"]), Rejected, "it: no 'said' of answer = 'said'"),
        (Answer(b"<html>"), Transient, "it: the answer is broken JSON"),
        (Answer(b"", 401), KeyRefused, "refuses the key (no api_key_env is set) (401)"),
        (Answer(b"none", 404), ModelUnknown, "does not know this path (none)"),
    ],
)
def test_failures(server: LoopbackServer, answer: Answer, kind: type[JmebError], words: str) -> None:
    """Every failure is the error a caller can decide by."""
    server.will(answer)
    with pytest.raises(kind) as raised:
        ask(app(server))
    assert words in str(raised.value)


# -- python ----------------------------------------------------------------------------------------

BOT = """
import asyncio, functools
async def echo(messages): return "<think>t</think>" + messages[-1]["content"] + "\\ud800"
async def number(messages): return 3
async def slow(messages): await asyncio.sleep(60)
async def quoting(messages): raise ValueError("cannot parse: " + repr(messages))
async def broken(messages): raise RuntimeError("down\\nsince noon")
async def pieces(messages): yield "x"
async def alone(): return "x"
async def quits(messages): raise SystemExit(3)
async def bug(messages):
    return {"choices": []}["choice"]
def sync(messages): return "x"
def wrapped(inner):
    @functools.wraps(inner)
    def outer(*args, **named): return inner(*args, **named)
    return outer
decorated, partial = wrapped(echo), functools.partial(echo)
class Bot:
    async def __call__(self, messages): return "called"
    async def chat(self, messages, more=()): return "chatted"
class Still:
    def __call__(self, messages): return "x"
called, method, still = Bot(), Bot().chat, Still()
value = 3
"""


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an application's module in the working directory."""
    (tmp_path / "wire_bot.py").write_text(f"{BOT}\nasync def cancels(m): raise asyncio.CancelledError\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "wire_bot"
    sys.modules.pop("wire_bot", None)


def call(target: str, request: Request = HELLO, **table: Any) -> Reply:
    """One call of the target."""
    return ask(endpoint("python", target=target, **table), request)


def test_an_async_function_is_asked(bot: str) -> None:
    """It gets the messages as dicts; its text is cleaned and stripped of reasoning."""
    assert call(f"{bot}:echo") == Reply("やあ\ufffd", reasoning="t")
    assert call(f"{bot}:echo", strip_reasoning=False).text == "<think>t</think>やあ\ufffd"


@pytest.mark.parametrize(
    ("name", "said"),
    [("decorated", "やあ\ufffd"), ("partial", "やあ\ufffd"), ("called", "called"), ("method", "chatted")],
)
def test_whatever_is_async_behind_its_wrapping_is_asked(bot: str, name: str, said: str) -> None:
    """A decorated function, an object that can be called, a method."""
    assert call(f"{bot}:{name}").text == said


@pytest.mark.parametrize("line", ["raise SystemExit(1)", "1 / 0", "def"])
def test_a_module_that_cannot_be_imported_is_a_mistake(bot: str, tmp_path: Path, line: str) -> None:
    """Whatever its code does while it is imported."""
    (tmp_path / "bad_bot.py").write_text(line)
    with pytest.raises(EndpointError, match=r"target 'bad_bot:chat': bad_bot cannot be imported \("):
        check_targets([endpoint("python", target="bad_bot:chat")])


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("{bot}", EndpointError, "endpoint 'it': target '{bot}': expected package.module:callable"),
        ("{bot}:eco", EndpointError, "target '{bot}:eco': {bot} has no 'eco'; did you mean 'echo'?"),
        ("no_such_bot:chat", EndpointError, "no_such_bot cannot be imported (ModuleNotFoundError: No mod"),
        ("{bot}:pieces", EndpointError, "gives pieces (yield), not a text; expected async def chat("),
        ("{bot}:alone", EndpointError, "does not take the messages alone; expected async def chat(messages)"),
        ("{bot}:Bot", EndpointError, "target '{bot}:Bot' is a class; expected async def chat(messages)"),
        ("{bot}:still", EndpointError, "'{bot}:still' is not async; expected async def chat(messages)"),
        ("{bot}:bug", Rejected, "it: {bot}:bug raised KeyError: 'choice' ({bot}.py:12)"),
        ("{bot}:quits", Rejected, "it: {bot}:quits raised SystemExit: 3 ({bot}.py:10)"),
        ("{bot}:cancels", Transient, "it: {bot}:cancels raised CancelledError"),
        ("{bot}:value", EndpointError, "is not callable; expected async def chat(messages) -> str"),
        ("{bot}:sync", EndpointError, "'{bot}:sync' is not async; expected async def chat(messages)"),
        ("{bot}:number", Rejected, "it: {bot}:number gave int; expected a text"),
        ("{bot}:broken", Transient, "it: {bot}:broken raised RuntimeError: down since noon"),
        ("{bot}:slow", Transient, "it: no answer within 0.1 s"),
    ],
)
def test_what_a_target_can_do_wrong(bot: str, target: str, kind: type[JmebError], words: str) -> None:
    """A wrong target is a mistake, a failing one is tried again; its own bugs and anything but text are not."""
    with pytest.raises(kind) as raised:
        call(target.format(bot=bot), timeout=0.1)
    assert words.format(bot=bot) in str(raised.value)


def test_what_an_application_quotes_is_not_shown(bot: str) -> None:
    """Its own words are, and the message of an exception without what it was asked."""
    with pytest.raises(Transient) as raised:
        call(f"{bot}:quoting", request=Request((Message("user", "How much insulin is too much?"),)))
    assert "raised ValueError: cannot parse: [" in str(raised.value)
    assert "insulin" not in str(raised.value)


def test_no_key_of_an_application_is_shown(bot: str, tmp_path: Path) -> None:
    """What it raises, when it is called or imported, may hold a key of its own, which we do not know."""
    key = "sk-plantedapp-0123456789"
    for name, code in (
        ("wire_keyed", f"async def chat(m): raise ValueError('Incorrect API key provided: {key}.')"),
        ("wire_shut", f"raise ValueError('no {key} \\x1b[31m')"),
    ):
        (tmp_path / f"{name}.py").write_text(code)
        with pytest.raises(JmebError) as raised:
            call(f"{name}:chat")
        sys.modules.pop(name, None)
        assert "***" in str(raised.value)
        assert key not in str(raised.value)
        assert str(raised.value).isprintable()


def test_cancelling_reaches_the_application(bot: str) -> None:
    """A cancelled request ends as cancelled, not as a failure of the application."""

    async def work() -> None:
        from jmeb_plugin.clients import connect

        client = connect(endpoint("python", target=f"{bot}:slow"))
        task = asyncio.create_task(client.ask(HELLO))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
