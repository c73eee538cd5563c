"""What a status and its body mean: one table for every provider."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from jmeb_plugin.clients.connection import login_wanted
from jmeb_plugin.clients.encoding import from_json
from jmeb_plugin.clients.masking import masked
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import (
    EndpointError,
    JmebError,
    KeyRefused,
    ModelUnknown,
    QuotaSpent,
    Rejected,
    Transient,
)
from jmeb_plugin.transcript import clean, printable

QUOTA_WORDS = ("insufficient_quota", "billing_hard_limit", "billing_not_active", "credit balance is too low")
LATER = {408, 409, 425, 429}
READ = 2000
"""Signs of what a server says that are searched for keys; fewer are shown."""


def failure(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: str) -> JmebError:
    """The error that an answer with a bad status stands for. The key never shows in it."""
    said = f"{endpoint.name}: {status}: {excerpt(body, endpoint)}"
    if status in (401, 403):
        source = f"in {endpoint.api_key_env}" if endpoint.api_key_env else "(no api_key_env is set)"
        return KeyRefused(f"endpoint {endpoint.name!r}: the server refuses the key {source} ({status})")
    if status == 402 or (status in (400, 429) and any(word in body.lower() for word in QUOTA_WORDS)):
        return QuotaSpent(f"endpoint {endpoint.name!r}: the quota is spent ({status})")
    if status == 404 or (status == 400 and "model_not_found" in body):
        model = endpoint.deployment or endpoint.model
        what = f"the model {model!r}, or not this path" if model else "this path"
        return ModelUnknown(
            f"endpoint {endpoint.name!r}: the server at {endpoint.address} does not know {what} "
            f"({excerpt(body, endpoint)})"
        )
    if status == 407 or 300 <= status < 400:
        return login_wanted(endpoint) if status == 407 else moved(endpoint, status, headers)
    if status in LATER or status >= 500:
        return Transient(said, retry_after=retry_after(headers), throttled=status == 429)
    return Rejected(said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, else ``Retry-After`` (or a date)."""
    lower = {key.lower(): value for key, value in headers.items()}
    after = lower.get("retry-after", "")
    for text, unit in ((lower.get("retry-after-ms", ""), 1000), (after, 1)):
        seconds = number(text)
        if seconds is not None:
            return max(0.0, seconds / unit)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - time.time())
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError):
        return None


def number(text: str) -> float | None:
    """The finite number in a header, ``None`` where there is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def moved(endpoint: Endpoint, status: int, headers: Mapping[str, str]) -> EndpointError:
    """The error for a redirect, which is not followed: the key would travel on."""
    return EndpointError(
        f"endpoint {endpoint.name!r}: the server at {endpoint.address} is elsewhere now ({status}); "
        f"expected its present address{elsewhere(headers, endpoint)}"
    )


def elsewhere(headers: Mapping[str, str], endpoint: Endpoint) -> str:
    """The server that a redirect leads to, without its path: that may hold a key as well as a query."""
    target = next((value for key, value in headers.items() if key.lower() == "location"), "")
    try:
        parts = urlsplit(target)
    except ValueError:  # a bracket that is not closed
        return ""
    if "@" in target or not parts.netloc:
        return ""
    return f" ({printable(masked(f'{parts.scheme}://{parts.netloc}'[:READ], endpoint)[:200])})"


def excerpt(body: str, endpoint: Endpoint) -> str:
    """The server's own words, at most 200 characters on one line, without the keys."""
    try:
        data = json.loads(body)
        error = data.get("error", data) if isinstance(data, dict) else data
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, RecursionError):
        text = body
    text = masked(clean(" ".join(text.split()))[:READ], endpoint)
    return printable(text[:200]) or "no details"


def decoded(body: str, endpoint: Endpoint) -> dict[str, Any]:
    """The JSON object of a good answer; `Transient` where it is cut or broken."""
    data = parsed(body, endpoint)
    if not isinstance(data, dict):
        raise Transient(f"{endpoint.name}: the answer is no JSON object")
    return data


def parsed(body: str, endpoint: Endpoint) -> Any:
    """The JSON of a good answer; `Transient` where it is cut or broken."""
    try:
        return from_json(body)
    except (ValueError, RecursionError):
        raise Transient(f"{endpoint.name}: the answer is broken JSON") from None
