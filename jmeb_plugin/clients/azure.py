"""Azure OpenAI through the openai SDK, which knows its URLs, versions and credentials."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import httpx2
import openai

from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.clients.connection import broken, forget_environment, sdk_options
from jmeb_plugin.clients.failures import reply_of
from jmeb_plugin.clients.openai_protocol import Dialect, Speaker, chat_body, chat_reply, dialect_of
from jmeb_plugin.endpoints import Endpoint


class AzureClient:
    """A `Client` for Azure OpenAI deployments."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.speaker = Speaker(dialect_of(endpoint), counted=bool(endpoint.requests_per_minute))
        client = openai.DefaultAioHttpClient(**sdk_options(endpoint, endpoint.base_url))
        self.sdk = openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint.base_url,
            azure_deployment=endpoint.deployment or endpoint.model,
            api_version=endpoint.api_version,
            api_key=endpoint.key(),
            max_retries=0,
            http_client=client,
        )
        forget_environment(self.sdk)

    async def ask(self, request: Request) -> Reply:
        """Send the request once; a dialect the deployment does not speak is changed and does not count."""
        return await self.speaker.ask(request, lambda dialect: self.ask_in(dialect, request))

    async def ask_in(self, dialect: Dialect, request: Request) -> Reply:
        """Send the request in one dialect."""
        body = chat_body(self.endpoint, request, dialect)
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                response = await self.post(body)
        except openai.APIStatusError as error:
            response = error.response
        except (openai.APIConnectionError, aiohttp.ClientError, OSError) as error:
            raise broken(self.endpoint, error) from None
        status, headers = response.status_code, dict(response.headers)
        return reply_of(self.endpoint, status, headers, response.text, chat_reply)

    async def post(self, body: dict[str, Any]) -> httpx2.Response:
        """Post one body; raises what the SDK raises."""
        return await self.sdk.post("/chat/completions", cast_to=httpx2.Response, body=body)

    async def close(self) -> None:
        """Give the connections back."""
        await self.sdk.close()
