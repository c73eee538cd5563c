"""HTTPS: whom the clients trust."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError
from tests.wire.loopback import Answer, LoopbackServer, ask, chat, endpoint

CLAUDE = {"model": "c", "content": [{"type": "text", "text": "はい"}]}
PROVIDERS = ("openai", "azure-openai", "anthropic")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 that is its own authority; its key lies in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)
    return path


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
