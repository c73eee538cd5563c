"""HTTPS: whom the clients trust."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError
from tests.wire.authority import make_authority
from tests.wire.loopback import Answer, LoopbackServer, ask, chat, endpoint

CLAUDE = {"model": "c", "content": [{"type": "text", "text": "はい"}]}
PROVIDERS = ("openai", "azure-openai", "anthropic")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 that is its own authority."""
    return make_authority(tmp_path_factory.mktemp("tls") / "authority.pem")


@pytest.fixture
def secure(authority: Path) -> Iterator[LoopbackServer]:
    """A server with that certificate, which answers in both protocols' shapes at once."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    with LoopbackServer(tls) as running:
        running.will(Answer({**chat("はい"), **CLAUDE}))
        yield running


def at(server: LoopbackServer, provider: str, **table: Any) -> Endpoint:
    """An endpoint of the provider at the server."""
    azure = {"api_version": "v", "api_key_env": "A_KEY"} if provider == "azure-openai" else {}
    return endpoint(provider, model="m", base_url=server.url, **azure, **table)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ca_bundle(secure: LoopbackServer, authority: Path, provider: str) -> None:
    """An authority in ``ca_bundle`` is trusted."""
    assert ask(at(secure, provider, ca_bundle=str(authority))).text == "はい"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ssl_cert_file(
    secure: LoopbackServer, authority: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority in ``SSL_CERT_FILE`` is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert ask(at(secure, provider)).text == "はい"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_untrusted_certificate(secure: LoopbackServer, provider: str) -> None:
    """Any other certificate is one clear mistake, and nothing is sent to its server."""
    with pytest.raises(EndpointError) as raised:
        ask(at(secure, provider))
    assert str(raised.value) == (
        "endpoint 'it': the certificate of 127.0.0.1 is not trusted (self-signed certificate); "
        "expected its authority in ca_bundle or SSL_CERT_FILE"
    )
    assert not secure.seen


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    """A missing or broken bundle is named before anything is asked."""
    path = tmp_path / "bundle.pem"
    if content:
        path.write_text(content)
    with pytest.raises(EndpointError, match=r"endpoint 'it': ca_bundle '.*bundle.pem' cannot be used"):
        ask(endpoint("openai", model="m", base_url="https://127.0.0.1:1", ca_bundle=str(path)))
