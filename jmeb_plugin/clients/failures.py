"""What a status and its body mean: one table for every provider."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import JmebError, KeyRefused, ModelUnknown, QuotaSpent, Rejected, Transient
from jmeb_plugin.transcript import clean

QUOTA_WORDS = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")
LATER = {408, 409, 425, 429}


def failure(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: str) -> JmebError:
    """The error that an answer with a bad status stands for. The key never shows in it."""
    said = f"{endpoint.name}: {status}: {excerpt(body, endpoint)}"
    if status in (401, 403):
        source = f"in {endpoint.api_key_env}" if endpoint.api_key_env else "(no api_key_env is set)"
        return KeyRefused(f"endpoint {endpoint.name!r}: the server refuses the key {source} ({status})")
    if status == 402 or (status in (400, 429) and any(word in body.lower() for word in QUOTA_WORDS)):
        return QuotaSpent(f"endpoint {endpoint.name!r}: the quota is spent ({status})")
    if status == 404 or (status == 400 and "model_not_found" in body):
        return ModelUnknown(
            f"endpoint {endpoint.name!r}: the server at {endpoint.address} does not know the model "
            f"{endpoint.model or endpoint.deployment!r}, or not this path ({excerpt(body, endpoint)})"
        )
    if status in LATER or status >= 500:
        return Transient(said, retry_after=retry_after(headers), throttled=status == 429)
    return Rejected(said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, else ``Retry-After`` (or a date)."""
    lower = {key.lower(): value for key, value in headers.items()}
    try:
        if "retry-after-ms" in lower:
            return max(0.0, float(lower["retry-after-ms"]) / 1000)
        if "retry-after" in lower:
            return max(0.0, float(lower["retry-after"]))
    except ValueError:
        when = email.utils.parsedate_tz(lower.get("retry-after", ""))
        return max(0.0, email.utils.mktime_tz(when) - time.time()) if when else None
    return None


def excerpt(body: str, endpoint: Endpoint) -> str:
    """The server's own words, at most 200 characters on one line, without the key."""
    try:
        data = json.loads(body)
        error = data.get("error", data) if isinstance(data, dict) else data
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except ValueError:
        text = body
    secret = endpoint.key()
    text = text.replace(secret, "***") if secret else text
    return clean(" ".join(text.split()))[:200] or "no details"


def decoded(body: str, endpoint: Endpoint) -> dict[str, Any]:
    """The JSON object of a good answer; `Transient` where it is cut or broken."""
    try:
        data = json.loads(body)
    except ValueError:
        raise Transient(f"{endpoint.name}: the answer is broken JSON") from None
    if not isinstance(data, dict):
        raise Transient(f"{endpoint.name}: the answer is no JSON object")
    return data
