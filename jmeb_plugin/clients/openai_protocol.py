"""OpenAI's chat protocol: the body to send, the answer to read. No SDK, no network."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.clients.base import Finish, Message, Reply, Request, Usage, split_reasoning
from jmeb_plugin.clients.masking import unkeyed
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected, Transient
from jmeb_plugin.transcript import clean

FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "model_length": "length",
    "content_filter": "filter",
}
BROKEN_OFF = ("error", "abort")
"""Finish reasons of an answer that ended in the middle through no doing of the model's."""

NO_SCHEMA = re.compile(
    r"response.?format|json.?schema|output.?(config|format)|structured.?output", re.IGNORECASE
)

SHAPELESS = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What reading an answer raises that has not the protocol's shape."""

AT_ONCE = 0.001
"""Seconds after which a request comes again that was asked in a dialect the server does not take."""

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
        said = error.body or str(error)
        if len(self.limits) > 1 and any(re.search(rf"\b{name}\b", said) for name in self.limits):
            return replace(self, limits=self.limits[::-1])
        return replace(self, schema=False) if self.schema and NO_SCHEMA.search(said) else None


Tried = tuple[Dialect, dict[Dialect, Rejected]]
"""The dialect to try next, and those that were refused."""


class Speaker:
    """Finds out what a server takes, and remembers it for all requests of a client.

    ``counted``: every request counts against a limit of requests a minute, which whoever called keeps: a
    refused one is not sent again here, but is `Transient`, to come again as one more request.
    """

    def __init__(self, dialect: Dialect, *, counted: bool = False) -> None:
        self.dialect = dialect
        self.counted = counted
        self.coming: dict[tuple[Message, ...], Tried] = {}
        """What was tried with requests that are to come again."""

    async def ask(self, request: Request, send: Callable[[Dialect], Awaitable[Reply]]) -> Reply:
        """The reply in the first dialect that is not refused; each is tried once.

        Raises the first `Rejected` where changing the dialect only led back to it.
        """
        before = self.coming.pop(request.messages, None) if self.coming else None
        dialect, refused = before or (self.dialect, {})
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
                if self.counted:
                    self.dialect = other  # for those that have not been sent yet
                    self.coming[request.messages] = other, refused
                    raise again(error) from None
                dialect = other
            else:
                self.dialect = dialect if refused else self.dialect
                return reply


def again(error: Rejected) -> Transient:
    """The error by which a refused request comes again, as soon as a minute has room for it."""
    name, _, words = str(error).partition(": ")
    return Transient(
        f"{name}: to be asked in another way, as requests_per_minute allows, after {words}",
        retry_after=AT_ONCE,
    )


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
    """The reply in a good answer; `Transient` where it broke off, or has not the protocol's shape."""
    try:
        choice = data["choices"][0]
        if (ended := choice.get("finish_reason")) in BROKEN_OFF:
            raise Transient(f"{endpoint.name}: the answer broke off (finish_reason: {ended})")
        finish = FINISHES.get(str(ended), "stop")
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
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")  # DeepSeek's name
    return counted(usage.get("prompt_tokens"), cached, usage.get("completion_tokens"))


def counted(*counts: Any) -> Usage:
    """A usage of input, cached and output tokens; what is absent or below 0 is 0."""
    return Usage(*(min(max(0, int(count or 0)), MOST_TOKENS) for count in counts))
