"""What servers say that repeat what they were sent: none of it is shown."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest

from jmeb_plugin.clients import connect
from jmeb_plugin.clients.masking import masked
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError
from tests.wire.loopback import Answer, LoopbackServer, ask, chat, endpoint, refusal

PLANTED = 'plantedKEY/9f8e7d"6c5b+4a3='
LOGIN = base64.b64encode(b"somebody:plantedPASS9").decode()
ECHOES: dict[str, Callable[[str], str]] = {
    "whole": str,
    "in JSON": json.dumps,
    "in JSON twice": lambda key: json.dumps(json.dumps(key)),
    "quoted": lambda key: quote(key, safe=""),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"k: {key}".encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(f"k={key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "its beginning": lambda key: key[:20],
    "its end": lambda key: f"...{key[-9:]}",
    "in capitals": str.upper,
}


def made(provider: str, server: LoopbackServer) -> Endpoint:
    """An endpoint at the server that is sent the key in ``A_KEY``."""
    if provider == "http":
        body = {"q": "{question}"}
        return endpoint("http", url=server.url, headers_env={"X": "A_KEY"}, body=body, answer="a")
    azure = {"api_version": "v"} if provider == "azure-openai" else {}
    return endpoint(provider, model="m", base_url=server.url, api_key_env="A_KEY", **azure)


def shared(text: str, secret: str) -> str:
    """The longest run of signs that stands in both."""
    runs = (secret[a:b] for a in range(len(secret)) for b in range(a, len(secret) + 1))
    return max((run for run in runs if run in text), key=len)


@pytest.mark.parametrize("how", ECHOES)
@pytest.mark.parametrize("provider", ["openai", "azure-openai", "anthropic", "http"])
def test_a_server_that_repeats_the_key(
    server: LoopbackServer, provider: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, in part, escaped, quoted or encoded: a server that fails shows no key."""
    monkeypatch.setenv("A_KEY", PLANTED)
    said = ECHOES[how](PLANTED)
    for status in (400, 404, 500):
        server.will(Answer(refusal(f"no such {said}, sorry"), status))
        with pytest.raises(JmebError) as raised:
            ask(made(provider, server))
        assert "no such" in str(raised.value)
        assert ", sorry" in str(raised.value)
        assert len(shared(str(raised.value), said)) < 8


@pytest.mark.parametrize("provider", ["openai", "azure-openai", "anthropic", "http"])
def test_an_answer_with_the_key(
    server: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server puts the key into its answer, its reasoning and its model's name: all are kept without it."""
    monkeypatch.setenv("A_KEY", PLANTED)
    forms = [ECHOES[how](PLANTED) for how in ("whole", "in JSON", "quoted", "base64", "base64 of a header")]
    text = f"You sent {' and '.join(forms)}."
    said = chat(text, message={"reasoning": f"so {PLANTED}"})
    said |= {"model": PLANTED, "a": text}
    said["content"] = [{"type": "text", "text": text}, {"type": "thinking", "thinking": f"so {PLANTED}"}]
    server.will(Answer(said))
    reply = ask(made(provider, server))
    assert reply.text.startswith("You sent *** and ")
    assert all(len(shared(str(reply), form)) < 8 for form in forms)
    assert (reply.reasoning, reply.model) == (("", "") if provider == "http" else ("so ***", "***"))


def test_an_answer_that_says_a_word(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short key of a local server is a word like any other, and stays in an answer."""
    monkeypatch.setenv("A_KEY", "password")
    server.will(Answer(chat("Never tell your password.")))
    assert ask(made("openai", server)).text == "Never tell your password."


@pytest.mark.parametrize(
    ("header", "bare"),
    [
        ("Bearer planted-5e2b88d4", ["planted-5e2b88d4"]),
        ("Token a1 planted99", ["planted99"]),
        (f"Basic {LOGIN}", [LOGIN, "plantedPASS9", "somebody", "somebody:plantedPASS9"]),
    ],
)
def test_a_token_without_its_scheme(
    server: LoopbackServer, header: str, bare: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server repeats the token alone, or the login that it decoded."""
    monkeypatch.setenv("A_KEY", header)
    for said in (header, *bare):
        server.will(Answer(refusal(f"no {said}!"), 400))
        with pytest.raises(JmebError) as raised:
            ask(made("http", server))
        assert "no " in str(raised.value)
        assert len(shared(str(raised.value), said)) < 8
    assert server.seen[0].headers["X"] == header


def test_what_is_no_secret_stays(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the secret is masked: not a word that holds a short one, not a parameter's name."""
    monkeypatch.setenv("A_KEY", f"Basic {base64.b64encode(b'token:ok').decode()}")
    text = "max_tokens looks wrong for token: use max_completion_tokens"
    assert masked(text, made("http", server)) == text.replace("token:", "***:")
    monkeypatch.setenv("A_KEY", PLANTED)
    assert masked("planted, key, 9f8e7d", made("openai", server)) == "planted, key, 9f8e7d"


def test_the_credentials_of_a_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDKs find by themselves is masked as well: variables by their values, tokens by their looks."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-session/0f9a")
    bedrock = endpoint("anthropic-bedrock", model="m", region="r")
    assert masked("no planted-session/0f9a here", bedrock) == "no *** here"
    vertex = endpoint("anthropic-vertex", model="m", region="r", project="p")
    for token in ("ya29.a0AfB_planted0123456789", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"):
        assert masked(f"no {token}!", vertex) == "no ***!"


def test_a_key_that_nobody_named(server: LoopbackServer) -> None:
    """What looks like a key is masked, whoever's it is."""
    server.will(Answer(refusal("Incorrect API key provided: sk-planted0123456789abc."), 400))
    with pytest.raises(JmebError, match=r"provided: \*\*\*\.$"):
        ask(made("openai", server))


@pytest.mark.parametrize("provider", ["openai", "azure-openai", "anthropic", "http"])
def test_no_frame_that_fails_to_connect_holds_the_key(
    server: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates are read before the key is: a traceback with its locals shows neither key nor login."""
    monkeypatch.setenv("A_KEY", PLANTED)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@127.0.0.1:9")
    at = made(provider, server)
    secure = {"base_url": "https://h.test"} if at.base_url else {"url": "https://h.test"}
    with pytest.raises(EndpointError, match="ca_bundle 'none' cannot be used") as raised:
        connect(dataclasses.replace(at, ca_bundle="none", **secure))
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "context(endpoint" in shown
    ours = shown.partition("jmeb_plugin/clients")[2]  # above it stands this test itself
    assert PLANTED not in ours
    assert "hunter2" not in ours


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://there.test/login/{key}?k={key}", " (https://there.test)"),
        ("https://me:{key}@there.test/", ""),
        ("https://me:pl/{key}@there.test/", ""),
        ("https://me:{key}/x", " (https://me:***)"),
        ("https://{key}.there.test/", " (https://***.there.test)"),
        ("/login/{key}", ""),
        ("https://th\x1bere\x07\x9b\u202e.test/", r" (https://th\x1bere\x07\x9b\u202e.test)"),
        ("https://th]ere.test/", ""),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "azure-openai", "anthropic", "http"])
def test_a_redirect_with_the_key(
    server: LoopbackServer, provider: str, location: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of where a server sends us, its name alone is shown: no path, no login, no key, no control signs."""
    monkeypatch.setenv("A_KEY", "planted-0f9a7c31")
    value = location.format(key="planted-0f9a7c31").encode().decode("latin-1")
    server.will(Answer({}, 302, {"Location": value}))
    with pytest.raises(EndpointError) as raised:
        ask(made(provider, server))
    said = str(raised.value)
    assert said.partition("its present address")[2].startswith(shown)
    assert shown or said.endswith("its present address")
    assert "planted" not in said
    assert said.isprintable()


@pytest.mark.parametrize("provider", ["openai", "azure-openai", "anthropic", "http"])
def test_no_library_logs_a_text_or_a_key(
    server: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level DEBUG, asked for by whatever way, nothing of a conversation or a header is logged."""
    monkeypatch.setenv("A_KEY", PLANTED)
    caplog.set_level(logging.DEBUG)
    for name in ("openai._base_client", "anthropic._base_client", "httpx2", "httpcore2.http11"):
        caplog.set_level(logging.DEBUG, logger=name)
    said = {**chat("a text"), "content": [{"type": "text", "text": "a text"}], "a": "a text"}
    server.will(
        Answer(said, headers={"X-Echo": PLANTED}), Answer(refusal("a text"), 500, {"X-Echo": PLANTED})
    )
    assert ask(made(provider, server)).text == "a text"
    with pytest.raises(JmebError):
        ask(made(provider, server))
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    for secret in (PLANTED, "a text", "やあ"):
        assert secret not in logged
