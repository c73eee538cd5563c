"""Whole runs where the way out is a proxy, and where an organisation has certificates of its own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.authority import make_authority
from tests.wire.loopback import Answer, LoopbackServer, Seen, chat

from .conftest import Run
from .servers import score

TOML = """
[tool.jmeb]
judges = ["one", "two"]
[tool.jmeb.endpoints.it]
provider = "{provider}"
model = "target"
base_url = "https://model.test/v1"
{more}
[tool.jmeb.endpoints.one]
provider = "openai"
model = "judge-1"
base_url = "{direct}/v1"
{more}
[tool.jmeb.endpoints.two]
provider = "anthropic"
model = "judge-2"
base_url = "{direct}/v1"
{more}
"""
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


def answer(seen: Seen) -> Answer:
    """A target's answer or a judge's, in the shapes of both protocols at once."""
    text = score(9) if seen.body["model"].startswith("judge") else "An answer."
    return Answer({**chat(text), "content": [{"type": "text", "text": text}]})


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The certificate of every server here."""
    return make_authority(tmp_path / "authority.pem", "model.test")


@pytest.fixture
def servers(authority: Path) -> Iterator[tuple[LoopbackServer, LoopbackServer, LoopbackServer]]:
    """A proxy that alone knows where ``model.test`` is, that model, and the judges."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    with LoopbackServer() as proxy, LoopbackServer(tls) as model, LoopbackServer(tls) as judges:
        model.rule = judges.rule = answer
        proxy.names["model.test:443"] = f"127.0.0.1:{model.server_port}"
        yield proxy, model, judges


@pytest.fixture
def go(run: Run, both: Any, project: Any, servers: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run of the target by this provider, behind the proxy; the judges are asked directly."""
    proxy, _, judges = servers
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:planted-login@"))
    monkeypatch.setenv("NO_PROXY", "other.test,127.0.0.1")

    def started(provider: str, more: str = "") -> pytest.RunResult:
        text = TOML.format(provider=provider, direct=judges.url, more=more)
        project.path.joinpath("pyproject.toml").write_text(text, encoding="utf-8")
        result = run(*both, model="it")
        assert "planted-login" not in result.stdout.str() + result.stderr.str()
        return result

    return started


@pytest.mark.parametrize("how", ["SSL_CERT_FILE", "ca_bundle"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_run_behind_a_proxy_with_certificates_of_its_own(
    go: Any, servers: Any, authority: Path, monkeypatch: pytest.MonkeyPatch, provider: str, how: str
) -> None:
    """Every question to the target goes through the proxy, none of the judges' does."""
    proxy, model, judges = servers
    if how == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert go(provider, f'ca_bundle = "{authority}"' if how == "ca_bundle" else "").ret == 0
    assert {seen.path for seen in proxy.seen} == {"model.test:443"}
    assert all(seen.headers["Proxy-Authorization"].startswith("Basic ") for seen in proxy.seen)
    assert {seen.body["model"] for seen in model.seen} == {"target"}
    assert (len(model.seen), len(judges.seen)) == (36, 72)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_certificate_that_nobody_vouches_for_ends_the_run(go: Any, servers: Any, provider: str) -> None:
    """One message with what to set, and no question leaves the machine."""
    result = go(provider)
    assert result.ret == 4
    said = result.stderr.str()
    assert "endpoint 'it': the certificate of model.test is not trusted (" in said
    assert "expected its authority in ca_bundle or SSL_CERT_FILE" in said
    assert "Traceback" not in said + result.stdout.str()
    assert not servers[1].seen


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_proxy_that_wants_another_login_ends_the_run(go: Any, servers: Any, provider: str) -> None:
    """Nobody is asked again and again with a login that the proxy does not take."""
    servers[0].tunnel = 407
    result = go(provider)
    assert result.ret == 4
    assert (
        "endpoint 'it': the proxy wants a login; expected it in HTTP_PROXY or HTTPS_PROXY"
        in result.stderr.str()
    )
    assert len(servers[0].seen) <= 32
