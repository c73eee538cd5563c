"""What a run was made of: what makes two runs the same, and what results.json says of it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from jmeb_plugin.clients.base import Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.judges import Rubric, rubrics_hash
from jmeb_plugin.options import Settings
from jmeb_plugin.selection import Selection

PACKAGES = ("pytest-jmeb", "pytest", "pytest-xdist", "openai", "anthropic", "aiohttp", "scipy")


def identity(settings: Settings, selection: Selection, rubrics: Iterable[Rubric]) -> dict[str, Any]:
    """What makes two runs the same run. Concurrency, thresholds, gate and budget may differ."""
    return {
        "model": [[e.name, *e.identity, e.parameters()] for e in settings.targets],
        "judge": [[e.name, *e.identity, e.parameters()] for e in settings.judges],
        "suite": [[suite.name, suite.sha256] for suite in selection.suites],
        "rubric": rubrics_hash(list(rubrics)),
        "seed": settings.seed,
        "repeats": settings.repeats,
    }


def about(settings: Settings, selection: Selection, rubrics: Iterable[Rubric]) -> dict[str, Any]:
    """What ``run`` of results.json says beside times and status; never a key."""
    thresholds = selection.thresholds
    judges = [[e.provider, e.model or e.deployment, e.parameters()] for e in settings.judges]
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "thresholds": {
            "path": str(thresholds.path),
            "sha256": thresholds.sha256,
            "off": thresholds.off(),
        },
        "rubric": {"sha256": rubrics_hash(list(rubrics))},
        "judges": {"names": [e.name for e in settings.judges], "sha256": digest(judges)},
        "suites": [
            {"name": s.name, "version": s.version, "sha256": s.sha256, "note": s.note}
            for s in selection.suites
        ],
        "options": {
            "sample": settings.sample,
            "total": settings.total,
            "seed": settings.seed,
            "repeats": settings.repeats,
            "ids": list(settings.ids),
            "gate": settings.gate,
            "concurrency": settings.concurrency,
            "budget": settings.budget,
        },
        "endpoints": {e.name: described(e) for e in (*settings.targets, *settings.judges)},
    }


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


def usage(rows: Iterable[tuple[str, str, int, Usage]], settings: Settings) -> dict[str, dict[str, Any]]:
    """What each model's conversations took, judges included; ``usd`` is null without every price.

    ``rows``: target, endpoint, number of answers and tokens, from the journal.
    """
    endpoints: Mapping[str, Endpoint] = {e.name: e for e in (*settings.targets, *settings.judges)}
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
