"""What a status and its body mean: one table for every provider."""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jmeb_plugin.clients.base import Reply
from jmeb_plugin.clients.connection import login_wanted
from jmeb_plugin.clients.encoding import from_json
from jmeb_plugin.clients.filters import codes, withheld
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

QUOTA_WORDS = (
    "insufficient_quota",
    "billing_hard_limit",
    "billing_not_active",
    "credit balance is too low",
    "credits are depleted",
)
NOTHING = "no details"
"""The words of a server that says nothing."""

KEY_WORDS = re.compile(
    r"api[ _]?key (is )?(not valid|invalid)|(invalid|incorrect)[ _]api[ _]?key|api_key_invalid", re.IGNORECASE
)
MODEL_WORDS = re.compile(
    r"model_not_found|(invalid|unknown|no such) model\b|\bmodel\b.{0,60} (not exist|not found)", re.IGNORECASE
)
"""What a 400 or 422 says that means a 401 or a 404."""

WORDS_READ = 300
"""Signs of a server's words in which these are looked for: further on it may quote the prompt."""

BAD_STATUSES = {str(status) for status in range(400, 600)}

STATUS_OF = {
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
"""The status of an error by its code or type, as OpenAI and Anthropic name them."""

LATER = {408, 409, 425, 429}
MOST_WORDS = 4000
"""Signs of what a server says that are looked at."""


class Forbidden(KeyRefused):
    """A 403: the key is refused, or, where others were answered, this request alone (``rejected``).

    ``withheld``: it says that a filter stopped this prompt.
    """

    def __init__(self, message: str, rejected: str, *, withheld: bool) -> None:
        super().__init__(message)
        self.rejected = rejected
        self.withheld = withheld


def reply_of(
    endpoint: Endpoint,
    status: int,
    headers: Mapping[str, str],
    body: str,
    read: Callable[[Endpoint, Mapping[str, Any]], Reply],
) -> Reply:
    """The reply in an answer: by ``read`` where it is a good one. Raises what it stands for else."""
    if 200 <= status < 300:
        data = decoded(body, endpoint)
        if not data.get("error") or data.get("choices") or data.get("content"):
            return read(endpoint, data)
        status = meant_status(data["error"]) or status
    return unanswered(endpoint, status, headers, body)


def meant_status(error: Any) -> int:
    """The bad status that an error in an answer with a good one stands for; 0 where it does not say."""
    for said in (
        (error.get("code"), error.get("status"), error.get("type")) if isinstance(error, dict) else ()
    ):
        if isinstance(said, str) and said in STATUS_OF:
            return STATUS_OF[said]
        if isinstance(said, int | str) and str(said) in BAD_STATUSES:
            return int(said)
    return 0


def unanswered(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: str) -> Reply:
    """The reply where the provider's filter withheld prompt or answer. Raises `failure` else.

    A 403 is one of these too: only who knows whether others were answered can tell what it means.
    """
    if status != 403 and withheld(status, body):
        return Reply("", "filter")
    raise failure(endpoint, status, headers, body)


def failure(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: str) -> JmebError:
    """The error that an answer with a bad status stands for. The key never shows in it."""
    words = excerpt(body, endpoint)
    said = f"{endpoint.name}: {status}: {words}"
    begins = f"{words[:WORDS_READ]} {codes(body)}" if status in (400, 422) else ""
    ends = f"({status}): {words}" if words != NOTHING else f"({status})"
    if status in (401, 403) or KEY_WORDS.search(begins):
        source = f"in {endpoint.api_key_env}" if endpoint.api_key_env else "(no api_key_env is set)"
        message = f"endpoint {endpoint.name!r}: the server refuses the key {source} {ends}"
        stopped = withheld(status, body)
        return Forbidden(message, said, withheld=stopped) if status == 403 else KeyRefused(message)
    if status == 402 or (status in (400, 429) and any(word in body.lower() for word in QUOTA_WORDS)):
        return QuotaSpent(f"endpoint {endpoint.name!r}: the quota is spent {ends}")
    if status in (404, 405) or MODEL_WORDS.search(begins):
        model = endpoint.deployment or endpoint.model
        what = f"the model {model!r}, or not this path" if model else "this path"
        return ModelUnknown(
            f"endpoint {endpoint.name!r}: the server at {endpoint.address} does not know {what} ({words})"
        )
    if status == 407 or 300 <= status < 400:
        return login_wanted(endpoint) if status == 407 else moved(endpoint, status, headers)
    if status in LATER or status >= 500 or status < 300:
        return Transient(said, retry_after=retry_after(headers), throttled=status == 429)
    return Rejected(said, body=body)


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
    return f" ({printable(masked(f'{parts.scheme}://{parts.netloc}'[:MOST_WORDS], endpoint)[:200])})"


def excerpt(body: str, endpoint: Endpoint) -> str:
    """The server's own words on one line, at most `MOST_WORDS` of their signs, without the keys.

    They may repeat what was sent; `Guarded` takes that out, and shows less of the rest.
    """
    try:
        data = json.loads(body)
        error = data.get("error", data) if isinstance(data, dict) else data
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, RecursionError):
        text = body
    text = masked(clean(" ".join(text.split()))[:MOST_WORDS], endpoint)
    return printable(text) or NOTHING


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
