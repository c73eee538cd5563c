"""OpenAI's chat protocol: the body to send, the answer to read. No SDK, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jmeb_plugin.clients.base import Finish, Reply, Request, Usage, split_reasoning
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected, Transient
from jmeb_plugin.transcript import clean

FINISHES: Mapping[str, Finish] = {"length": "length", "content_filter": "filter"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes: the name of its token limit, and whether it takes a JSON schema."""

    limit: str = "max_tokens"
    schema: bool = True

    def after(self, error: Rejected) -> Dialect | None:
        """The dialect to try next after the server refused this one; ``None`` if it was not that."""
        said = str(error)
        other = "max_completion_tokens" if self.limit == "max_tokens" else "max_tokens"
        if other in said or f"'{self.limit}'" in said:
            return replace(self, limit=other)
        if self.schema and any(word in said for word in ("response_format", "json_schema", "output_config")):
            return replace(self, schema=False)
        return None


def dialect_of(endpoint: Endpoint) -> Dialect:
    """OpenAI's own services want ``max_completion_tokens``; most other servers know only the old name."""
    hosted = endpoint.provider == "azure-openai" or not endpoint.base_url
    return Dialect("max_completion_tokens" if hosted else "max_tokens")


def chat_body(endpoint: Endpoint, request: Request, dialect: Dialect) -> dict[str, Any]:
    """The body of ``POST /chat/completions``. A parameter that is not set is not sent."""
    body: dict[str, Any] = {
        "model": endpoint.model or endpoint.deployment,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
    }
    limit = request.max_tokens or endpoint.max_tokens
    optional = {"temperature": endpoint.temperature, "top_p": endpoint.top_p, dialect.limit: limit}
    body.update({name: value for name, value in optional.items() if value is not None})
    if request.schema is not None and dialect.schema:
        schema = {"name": "answer", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return {**body, **endpoint.extra_body}


def chat_reply(endpoint: Endpoint, data: Mapping[str, Any]) -> Reply:
    """The reply in a good answer; `Transient` where the answer has not the protocol's shape."""
    try:
        choice = data["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content") or "", message.get("refusal") or ""
        if isinstance(text, list):
            text = "".join(part.get("text", "") for part in text)
        thought = message.get("reasoning_content") or message.get("reasoning") or ""
        return finish_reply(
            endpoint,
            text or refusal,
            "refusal" if refusal and not text else FINISHES.get(str(choice.get("finish_reason")), "stop"),
            chat_usage(data.get("usage") or {}),
            thought=thought,
            model=str(data.get("model", "")),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
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
    return Reply(text, finish, usage, clean(str(thought)), clean(model))


def chat_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens of an answer; 0 where the server does not count."""
    details = usage.get("prompt_tokens_details") or {}
    counts = (
        usage.get("prompt_tokens"),
        details.get("cached_tokens"),
        usage.get("completion_tokens"),
    )
    return Usage(*(int(count or 0) for count in counts))


def withheld(body: str) -> bool:
    """Whether a 400 says that the provider's filter withheld the prompt (Azure)."""
    try:
        error = json.loads(body).get("error") or {}
        return "content_filter" in (error.get("code"), (error.get("innererror") or {}).get("code"))
    except (ValueError, AttributeError):
        return False
