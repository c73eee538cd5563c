"""A running loopback server for every test here, and an environment without surprises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.loopback import KEY, LoopbackServer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no key of the machine's own, and ours in ``A_KEY``."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("A_KEY", KEY)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A running server that says はい until told otherwise."""
    with LoopbackServer() as running:
        yield running
