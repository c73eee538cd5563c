"""What a run was made of, as results.json says it: versions, endpoints, judges, thresholds, usage."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from jmeb_plugin.clients.base import Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.thresholds import Thresholds

PACKAGES = ("pytest-jmeb", "pytest", "pytest-xdist", "openai", "anthropic", "aiohttp", "scipy")


def versions() -> dict[str, str | None]:
    """The versions of Python and of what decides a run's numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def thresholds_facts(thresholds: Thresholds) -> dict[str, Any]:
    """Which file decided, and what it leaves off."""
    return {"path": str(thresholds.path), "sha256": thresholds.sha256, "off": thresholds.off()}


def judges_facts(judges: Sequence[Endpoint]) -> dict[str, Any]:
    """Who judged; two panels with one hash judge alike wherever they are."""
    panel = [[e.provider, e.model or e.deployment, e.parameters()] for e in judges]
    return {"names": [e.name for e in judges], "sha256": digest(panel)}


def described(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as results.json shows it."""
    return {
        "provider": endpoint.provider,
        "model": endpoint.model or endpoint.deployment,
        "address": endpoint.address,
        "parameters": endpoint.parameters(),
        "category": endpoint.category,
        "size": endpoint.size,
        "base": endpoint.base,
        "family": endpoint.family,
    }


def usage(
    rows: Iterable[tuple[str, str, int, Usage]], asked: Iterable[Endpoint]
) -> dict[str, dict[str, Any]]:
    """What each model's conversations took, judges included; ``usd`` is null without every price.

    ``rows``: target, endpoint, number of answers and tokens, from the journal. ``asked``: the endpoints.
    """
    endpoints = {endpoint.name: endpoint for endpoint in asked}
    zero = {"requests": 0, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "usd": 0.0}
    found: dict[str, dict[str, Any]] = {}
    for target, name, count, tokens in rows:
        row = found.setdefault(target, dict(zero))
        row["requests"] += count
        row["input_tokens"] += tokens.input
        row["cached_tokens"] += tokens.cached
        row["output_tokens"] += tokens.output
        usd = price(endpoints.get(name), tokens)
        row["usd"] = None if usd is None or row["usd"] is None else row["usd"] + usd
    return found


def price(endpoint: Endpoint | None, tokens: Usage) -> float | None:
    """USD for these tokens; ``None`` where nobody said what they cost. The demo is free."""
    if endpoint is None or (endpoint.price is None and endpoint.provider != "demo"):
        return None
    return endpoint.price.usd(tokens.input, tokens.cached, tokens.output) if endpoint.price else 0.0


def version(package: str) -> str | None:
    """The installed version of a package; ``None`` if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def digest(data: Any) -> str:
    """A hash of plain data."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
