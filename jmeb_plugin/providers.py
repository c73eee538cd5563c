"""Providers: whom an endpoint can be of, and which keys of its table each of them needs and uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jmeb_plugin.errors import EndpointError

PROVIDERS = (
    "openai",
    "azure-openai",
    "anthropic",
    "anthropic-bedrock",
    "anthropic-vertex",
    "http",
    "python",
    "demo",
)
HOSTED_KEYS = {
    "openai": "OPENAI_API_KEY",
    "azure-openai": "AZURE_OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
}
HOSTED_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
NEEDED = {
    "openai": ("model",),
    "azure-openai": ("base_url", "api_version"),
    "anthropic": ("model",),
    "anthropic-bedrock": ("model", "region"),
    "anthropic-vertex": ("model", "region", "project"),
    "http": ("url", "body", "answer"),
    "python": ("target",),
    "demo": ("model",),
}
MODELS = PROVIDERS[:5]
"""Providers of models, which speak a protocol of their own."""

USED_BY: Mapping[str, tuple[str, ...]] = {
    "base_url": MODELS,
    "api_key_env": MODELS,
    "ca_bundle": (*MODELS, "http"),
    "temperature": (*MODELS, "http", "demo"),
    "top_p": (*MODELS, "http", "demo"),
    "extra_body": (*MODELS, "demo"),
    "deployment": ("azure-openai",),
    "api_version": ("azure-openai",),
    "region": ("anthropic-bedrock", "anthropic-vertex"),
    "project": ("anthropic-vertex",),
    "target": ("python",),
    **dict.fromkeys(("url", "headers_env", "body", "answer"), ("http",)),
}
"""Who uses a key; what is not listed is used by all of them."""

FILLED = {"system_prompt": "{system}", "temperature": "{temperature}", "top_p": "{top_p}"}
"""What an ``http`` endpoint sends only where its ``body`` has a place for it."""


def refuse_unused(provider: str, table: Mapping[str, Any], places: set[str], where: str) -> None:
    """Raise for keys of a table that change nothing: whoever wrote them means another endpoint.

    ``places``: what is filled in in the table's ``body``.
    """
    unused = {key: USED_BY[key] for key in table if provider not in USED_BY.get(key, (provider,))}
    if unused:
        told = ", ".join(f"{key} (for {' or '.join(users)})" for key, users in unused.items())
        fitting = [name for name in PROVIDERS if all(name in users for users in unused.values())]
        hint = f"; did you mean provider = {fitting[0]!r}?" if fitting else ""
        raise EndpointError(
            f"{where}: provider {provider!r} does not use {told}; expected a table without{hint}"
        )
    for key, place in FILLED.items() if provider == "http" else ():
        if table.get(key) not in (None, "") and place not in places:
            raise EndpointError(f"{where}: {key} is sent nowhere; expected {place} in body, or no {key}")
