"""Anthropic's protocol through its SDK: the API itself, Bedrock and Vertex."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import anthropic
import httpx2

from jmeb_plugin.clients.base import Finish, Reply, Request, Usage
from jmeb_plugin.clients.connection import broken, forget_environment, sdk_options
from jmeb_plugin.clients.failures import excerpt, reply_of
from jmeb_plugin.clients.openai_protocol import SHAPELESS, Dialect, Speaker, counted, finish_reply
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, Transient
from jmeb_plugin.providers import HOSTED_URLS
from jmeb_plugin.transcript import clean

FINISHES: Mapping[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filter",
}
"""``refusal`` is no answer of the model's: classifiers beside it stopped it, at once or after some words."""


class AnthropicClient:
    """A `Client` for Claude, wherever it is served."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.speaker = Speaker(Dialect(("max_tokens",)), counted=bool(endpoint.requests_per_minute))
        self.sdk = connect(endpoint)

    async def ask(self, request: Request) -> Reply:
        """Send the request once; to learn that a model has no structured output does not count."""
        return await self.speaker.ask(request, lambda dialect: self.ask_in(dialect, request))

    async def ask_in(self, dialect: Dialect, request: Request) -> Reply:
        """Send the request in one dialect."""
        body = messages_body(self.endpoint, request, dialect)
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                response = await self.sdk.post("/v1/messages", cast_to=httpx2.Response, body=body)
        except anthropic.APIStatusError as error:
            response = error.response
        except (anthropic.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise broken(self.endpoint, error) from None
        except Exception as error:  # noqa: BLE001 - boto3 and google-auth raise a zoo of their own
            why = f"{type(error).__name__}: {excerpt(str(error), self.endpoint)}"
            raise EndpointError(f"endpoint {self.endpoint.name!r}: no credentials ({why})") from None
        status, headers = response.status_code, dict(response.headers)
        return reply_of(self.endpoint, status, headers, response.text, messages_reply)

    async def close(self) -> None:
        """Give the connections back."""
        await self.sdk.close()


Sdk = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicBedrock | anthropic.AsyncAnthropicVertex


def connect(endpoint: Endpoint) -> Sdk:
    """The SDK's client for the endpoint's provider, without retries and without tracing."""
    url = service_url(endpoint)
    common: dict[str, Any] = {
        "base_url": url,
        "max_retries": 0,
        "open_telemetry": False,
        "http_client": anthropic.DefaultAioHttpClient(**sdk_options(endpoint, url)),
    }
    key = endpoint.key()  # after whatever can fail: pytest shows the locals of a frame that does
    sdk: Sdk
    if endpoint.provider == "anthropic-bedrock":
        sdk = anthropic.AsyncAnthropicBedrock(aws_region=endpoint.region, api_key=key or None, **common)
    elif endpoint.provider == "anthropic-vertex":
        sdk = anthropic.AsyncAnthropicVertex(
            region=endpoint.region, project_id=endpoint.project, access_token=key or None, **common
        )
    else:
        sdk = anthropic.AsyncAnthropic(api_key=key or "no-key-needed", **common)
    forget_environment(sdk)
    return sdk


def service_url(endpoint: Endpoint) -> str:
    """The service's address, as the SDK would choose it if no variable said otherwise."""
    given, region = endpoint.base_url.rstrip("/"), endpoint.region
    if endpoint.provider == "anthropic-bedrock":
        return given or f"https://bedrock-runtime.{region}.amazonaws.com"
    if endpoint.provider == "anthropic-vertex":
        names = {"global": "aiplatform", "us": "aiplatform.us.rep", "eu": "aiplatform.eu.rep"}
        return given or f"https://{names.get(region, f'{region}-aiplatform')}.googleapis.com/v1"
    return given.removesuffix("/v1") or HOSTED_URLS["anthropic"]


def messages_body(endpoint: Endpoint, request: Request, dialect: Dialect) -> dict[str, Any]:
    """The body of ``POST /v1/messages``; the system prompt is marked for the prompt cache."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "max_tokens": request.max_tokens or endpoint.limit,
        "messages": [
            {"role": m.role, "content": clean(m.content)} for m in request.messages if m.role != "system"
        ],
    }
    system = [clean(m.content) for m in request.messages if m.role == "system"]
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
    except SHAPELESS:
        raise Transient(f"{endpoint.name}: the answer is not of Anthropic's shape") from None


def messages_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens of an answer. Anthropic counts cached input apart; here ``input`` holds all of it."""
    fresh = counted(
        usage.get("input_tokens"), usage.get("cache_read_input_tokens"), usage.get("output_tokens")
    )
    written = counted(usage.get("cache_creation_input_tokens")).input
    return Usage(fresh.input + written + fresh.cached, fresh.cached, fresh.output)
