"""How the providers' own filters say that they withheld a prompt or an answer."""

from __future__ import annotations

import json
import re

FILTER_CODES = {
    "content_filter",
    "content_policy_violation",
    "invalid_prompt",
    "moderation_blocked",
    "ResponsibleAIPolicyViolation",
}
"""What an error's code is where a filter acted."""

FILTERED = re.compile(
    r"content (filtering|management) policy|flagged as potentially violating|ContentPolicyViolation"
)
"""What a 400 says: Anthropic's; Azure's and OpenAI's where a gateway has dropped their code."""

FLAGGED = re.compile(
    r"\b(input|prompt|content|message|text|output|response)s?( was| were| is| has been| have been)?"
    r" (flagged|blocked|filtered|withheld)\b"
    r"|\b(by|failed|violates) (the |our )?(moderation|content (filter|policy|safety))"
    r"|content (safety|moderation) (check|filter|system|policy)",
    re.IGNORECASE,
)
"""What a 403 says about this prompt alone. An account that was flagged is a refused key: a whole run of
withheld answers would look safe."""


def withheld(status: int, body: str) -> bool:
    """Whether an answer with a bad status says that the provider's filter withheld prompt or answer."""
    if status == 403 and FLAGGED.search(message(body)):
        return True
    return status in (400, 403) and bool(FILTERED.search(body) or FILTER_CODES & codes(body))


def message(body: str) -> str:
    """What the error in a body says; nothing of a page, which is a firewall's and no provider's."""
    try:
        data = json.loads(body)
        error = data.get("error") or data
        said = error if isinstance(error, str) else error.get("message")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""


def codes(body: str) -> set[str]:
    """The codes of the error in a body."""
    try:
        error = json.loads(body).get("error") or {}
        found = error.get("code"), (error.get("innererror") or {}).get("code")
    except (ValueError, AttributeError, RecursionError):
        return set()
    return {code for code in found if isinstance(code, str)}
