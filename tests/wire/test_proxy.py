"""Proxies: the environment's are used, except by the demo and where NO_PROXY says so."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, Rejected, Transient
from tests.wire.loopback import Answer, LoopbackServer, Seen, ask, chat, endpoint, refusal

CLAUDE = {"model": "c", "content": [{"type": "text", "text": "proxied"}]}
PROVIDERS = ("openai", "azure-openai", "anthropic")


@pytest.fixture
def proxy() -> Iterator[LoopbackServer]:
    """A proxy that answers plain HTTP itself, and tunnels the rest."""
    with LoopbackServer() as running:
        running.will(Answer({**chat("proxied"), **CLAUDE}))
        yield running


def to(url: str, provider: str, **table: Any) -> Endpoint:
    """An endpoint of the provider at an address."""
    azure = {"api_version": "v", "api_key_env": "A_KEY"} if provider == "azure-openai" else {}
    return endpoint(provider, model="m", base_url=url, **azure, **table)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_http_proxy(proxy: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to plain HTTP goes to the proxy, which gets the whole address and its login."""
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:secret@"))
    assert ask(to("http://model.test/v1", provider)).text == "proxied"
    (seen,) = proxy.seen
    assert seen.path.startswith("http://model.test/")
    assert seen.headers["Proxy-Authorization"].startswith("Basic ")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_https_proxy(proxy: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to HTTPS asks the proxy for a tunnel; a proxy that has none is a lost connection."""
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(Transient) as raised:
        ask(to("https://127.0.0.1:9/v1", provider))
    assert proxy.seen[0].path == "127.0.0.1:9"
    assert not raised.value.answered


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_proxy(
    server: LoopbackServer, proxy: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host in ``NO_PROXY`` is asked directly."""
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "other.test,127.0.0.1")
    server.will(Answer({**chat("direct"), "content": [{"type": "text", "text": "direct"}]}))
    assert ask(to(server.url, provider)).text == "direct"
    assert not proxy.seen


def test_the_demo_never_goes_through_a_proxy(
    server: LoopbackServer, proxy: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other endpoint on the loopback would; the demo does not."""
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert ask(to(server.url, "openai")).text == "proxied"
    demo = dataclasses.replace(endpoint("demo", model="steadfast"), base_url=server.url)
    assert ask(demo).text == "はい"


def test_an_application_behind_a_proxy(proxy: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ``http`` endpoint uses the proxy too."""
    monkeypatch.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
    made = endpoint("http", url="http://bot.test/", body={"q": "{question}"}, answer="model")
    assert ask(made).text == "c"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_wants_a_login(
    proxy: LoopbackServer, provider: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses a tunnel, or plain HTTP with a status of its own: a mistake of the user's either way."""
    proxy.tunnel, proxy.rule = 407, lambda _: Answer({}, 407)
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url)
    with pytest.raises(EndpointError, match="endpoint 'it': the proxy wants a login"):
        ask(to(f"{scheme}://model.test/v1", provider))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_proxy_that_tells_its_login(
    proxy: LoopbackServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login of a proxy that repeats it is masked, as it is written, as it is sent, and in part."""

    def repeat(seen: Seen) -> Answer:
        header = seen.headers["Proxy-Authorization"]
        login = base64.b64decode(header.removeprefix("Basic ")).decode()
        return Answer(refusal(f"no {header}; {login}; {login.replace(':', ' or ')}; hunter%2F2"), 400)

    proxy.rule = repeat
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:hunter%2F2@"))
    with pytest.raises(Rejected) as raised:
        ask(to("http://model.test/v1", provider))
    assert str(raised.value) == "it: 400: no ***; ***; *** or ***; ***"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_proxy_that_is_not_there(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead proxy is told from a dead server."""
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:9")
    with pytest.raises(Transient, match=r"no connection to http://model.test/v1 \(the proxy: ") as raised:
        ask(to("http://model.test/v1", provider))
    assert "secret" not in str(raised.value)


def test_a_proxy_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is refused by name, not passed by."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(EndpointError, match=r"names a socks5:// proxy for http://model\.test"):
        ask(to("http://model.test", "openai"))
