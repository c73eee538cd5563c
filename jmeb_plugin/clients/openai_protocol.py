"""OpenAI's chat protocol: the body to send, the answer to read. No SDK, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.clients.base import Finish, Reply, Request, Usage, split_reasoning
from jmeb_plugin.clients.masking import unkeyed
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected, Transient
from jmeb_plugin.transcript import clean

FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "model_length": "length",
    "content_filter": "filter",
}
FILTER_CODES = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
NO_SCHEMA = re.compile(
    r"response.?format|json.?schema|output.?(config|format)|structured.?output", re.IGNORECASE
)

SHAPELESS = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What reading an answer raises that has not the protocol's shape."""

MOST_TOKENS = 10**12
"""So many tokens no answer has; a server that says so miscounts, and sums stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes: the name of its token limit, and whether it takes a JSON schema.

    ``limits``: the names it may have, the present one first.
    """

    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    schema: bool = True

    def after(self, error: Rejected) -> Dialect | None:
        """The dialect to try next after the server refused this one; ``None`` if it was not that."""
        said = str(error)
        if len(self.limits) > 1 and any(re.search(rf"\b{name}\b", said) for name in self.limits):
            return replace(self, limits=self.limits[::-1])
        return replace(self, schema=False) if self.schema and NO_SCHEMA.search(said) else None


class Speaker:
    """Finds out what a server takes, and remembers it for all requests of a client."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    async def ask(self, send: Callable[[Dialect], Awaitable[Reply]]) -> Reply:
        """The reply in the first dialect that is not refused; each is tried once.

        Raises the first `Rejected` where changing the dialect only led back to it.
        """
        refused: dict[Dialect, Rejected] = {}
        dialect = self.dialect
        while True:
            try:
                reply = await send(dialect)
            except Rejected as error:
                refused[dialect] = error
                other = dialect.after(error)
                if other is None:
                    raise
                if other in refused:
                    raise refused[other] from None
                dialect = other
            else:
                self.dialect = dialect if refused else self.dialect
                return reply


def dialect_of(endpoint: Endpoint) -> Dialect:
    """OpenAI's own services want ``max_completion_tokens``; most other servers know only the old name."""
    hosted = endpoint.provider == "azure-openai" or not endpoint.base_url
    names = Dialect().limits
    return Dialect(names[::-1] if hosted else names)


def chat_body(endpoint: Endpoint, request: Request, dialect: Dialect) -> dict[str, Any]:
    """The body of ``POST /chat/completions``. A parameter that is not set is not sent."""
    body: dict[str, Any] = {
        "model": endpoint.model or endpoint.deployment,
        "messages": [{"role": m.role, "content": clean(m.content)} for m in request.messages],
    }
    limit = request.max_tokens or endpoint.max_tokens
    optional = {"temperature": endpoint.temperature, "top_p": endpoint.top_p, dialect.limits[0]: limit}
    body.update({name: value for name, value in optional.items() if value is not None})
    if request.schema is not None and dialect.schema:
        schema = {"name": "answer", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return {**body, **endpoint.extra_body}


def chat_reply(endpoint: Endpoint, data: Mapping[str, Any]) -> Reply:
    """The reply in a good answer; `Transient` where the answer has not the protocol's shape."""
    try:
        choice = data["choices"][0]
        finish = FINISHES.get(str(choice.get("finish_reason")), "stop")
        message = (choice.get("message") or {}) if finish == "filter" else choice["message"]
        text, refusal = message.get("content") or "", message.get("refusal") or ""
        if isinstance(text, list):
            text = "".join(part.get("text", "") for part in text)
        return finish_reply(
            endpoint,
            text or refusal,
            "refusal" if refusal and not text else finish,
            chat_usage(data.get("usage") or {}),
            thought=message.get("reasoning_content") or message.get("reasoning") or "",
            model=str(data.get("model", "")),
        )
    except SHAPELESS:
        raise Transient(f"{endpoint.name}: the answer is not of OpenAI's shape") from None


def finish_reply(
    endpoint: Endpoint,
    text: str,
    finish: Finish,
    usage: Usage,
    *,
    thought: str = "",
    model: str = "",
) -> Reply:
    """A reply with its text cleaned, and the reasoning taken out where the endpoint wants that."""
    text = clean(text)
    if endpoint.strip_reasoning:
        text, aloud = split_reasoning(text)
        thought = thought or aloud
    text, thought, model = unkeyed(endpoint, text, clean(str(thought)), clean(model))
    return Reply(text, finish, usage, thought, model)


def chat_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens of an answer; 0 where the server does not count."""
    details = usage.get("prompt_tokens_details") or {}
    return counted(usage.get("prompt_tokens"), details.get("cached_tokens"), usage.get("completion_tokens"))


def counted(*counts: Any) -> Usage:
    """A usage of input, cached and output tokens; what is absent or below 0 is 0."""
    return Usage(*(min(max(0, int(count or 0)), MOST_TOKENS) for count in counts))


def withheld(body: str) -> bool:
    """Whether a 400 says that the provider's filter withheld the prompt (Azure)."""
    try:
        error = json.loads(body).get("error") or {}
        return bool(FILTER_CODES & {error.get("code"), (error.get("innererror") or {}).get("code")})
    except (ValueError, AttributeError, TypeError, RecursionError):
        return False
