"""Anthropic's protocol through its SDK: the API itself, Bedrock and Vertex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anthropic
import httpx2

from jmeb_plugin.clients.base import Finish, Reply, Request, Usage
from jmeb_plugin.clients.failures import decoded, failure
from jmeb_plugin.clients.openai_protocol import Dialect, finish_reply
from jmeb_plugin.clients.tls import context
from jmeb_plugin.endpoints import HOSTED_URLS, Endpoint
from jmeb_plugin.errors import EndpointError, Rejected, Transient

DEFAULT_MAX_TOKENS = 4096
"""The protocol demands a limit."""

FINISHES: Mapping[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicClient:
    """A `Client` for Claude, wherever it is served."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.dialect = Dialect()
        self.sdk = connect(endpoint)

    async def ask(self, request: Request) -> Reply:
        """Send the request once; to learn that a model has no structured output does not count."""
        while True:
            body = messages_body(self.endpoint, request, self.dialect)
            try:
                return messages_reply(self.endpoint, await self.post(body))
            except Rejected as error:
                other = self.dialect.after(error)
                if other is None or other.limit != "max_tokens":
                    raise
                self.dialect = other

    async def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Post one body and decode the answer."""
        name = self.endpoint.name
        try:
            response = await self.sdk.post("/v1/messages", cast_to=httpx2.Response, body=body)
        except anthropic.APIStatusError as error:
            raise failure(
                self.endpoint, error.status_code, dict(error.response.headers), error.response.text
            ) from None
        except anthropic.APITimeoutError:
            raise Transient(f"{name}: no answer within {self.endpoint.timeout:g} s", answered=False) from None
        except anthropic.APIConnectionError as error:
            raise Transient(
                f"{name}: no connection ({type(error.__cause__).__name__})", answered=False
            ) from None
        except anthropic.AnthropicError as error:
            raise EndpointError(f"endpoint {name!r}: {error}") from None
        return decoded(response.text, self.endpoint)

    async def close(self) -> None:
        """Give the connections back."""
        await self.sdk.close()


Sdk = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicBedrock | anthropic.AsyncAnthropicVertex


def connect(endpoint: Endpoint) -> Sdk:
    """The SDK's client for the endpoint's provider, without retries and without tracing."""
    key = endpoint.key()
    common: dict[str, Any] = {
        "timeout": endpoint.timeout,
        "max_retries": 0,
        "open_telemetry": False,
        "http_client": anthropic.DefaultAioHttpClient(
            verify=context(endpoint),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
        ),
    }
    if endpoint.base_url:
        common["base_url"] = endpoint.base_url.removesuffix("/v1").rstrip("/")
    if endpoint.provider == "anthropic-bedrock":
        return anthropic.AsyncAnthropicBedrock(aws_region=endpoint.region, api_key=key or None, **common)
    if endpoint.provider == "anthropic-vertex":
        return anthropic.AsyncAnthropicVertex(
            region=endpoint.region, project_id=endpoint.project, access_token=key or None, **common
        )
    common.setdefault("base_url", HOSTED_URLS["anthropic"])
    return anthropic.AsyncAnthropic(api_key=key or "no-key-needed", **common)


def messages_body(endpoint: Endpoint, request: Request, dialect: Dialect) -> dict[str, Any]:
    """The body of ``POST /v1/messages``; the system prompt is marked for the prompt cache."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "max_tokens": request.max_tokens or endpoint.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
    }
    system = [m.content for m in request.messages if m.role == "system"]
    if system:
        cached = {
            "type": "text",
            "text": "\n\n".join(system),
            "cache_control": {"type": "ephemeral"},
        }
        body["system"] = [cached]
    optional = {"temperature": endpoint.temperature, "top_p": endpoint.top_p}
    body.update({name: value for name, value in optional.items() if value is not None})
    if request.schema is not None and dialect.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    return {**body, **endpoint.extra_body}


def messages_reply(endpoint: Endpoint, data: Mapping[str, Any]) -> Reply:
    """The reply in a good answer; `Transient` where the answer has not the protocol's shape."""
    try:
        blocks = data["content"]
        text = "".join(block.get("text", "") for block in blocks if block.get("type") == "text")
        thought = "".join(block.get("thinking", "") for block in blocks)
        finish = FINISHES.get(str(data.get("stop_reason")), "stop")
        usage = messages_usage(data.get("usage") or {})
        return finish_reply(endpoint, text, finish, usage, thought=thought, model=str(data.get("model", "")))
    except (KeyError, TypeError, AttributeError):
        raise Transient(f"{endpoint.name}: the answer is not of Anthropic's shape") from None


def messages_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens of an answer. Anthropic counts cached input apart; here ``input`` holds all of it."""
    cached = int(usage.get("cache_read_input_tokens") or 0)
    written = int(usage.get("cache_creation_input_tokens") or 0)
    fresh = int(usage.get("input_tokens") or 0)
    return Usage(fresh + written + cached, cached, int(usage.get("output_tokens") or 0))
