"""Azure OpenAI through the openai SDK, which knows its URLs, versions and credentials."""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.clients.failures import decoded, failure
from jmeb_plugin.clients.openai_protocol import chat_body, chat_reply, dialect_of, withheld
from jmeb_plugin.clients.tls import context
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected, Transient


class AzureClient:
    """A `Client` for Azure OpenAI deployments."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.dialect = dialect_of(endpoint)
        self.sdk = openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint.base_url,
            azure_deployment=endpoint.deployment or endpoint.model,
            api_version=endpoint.api_version,
            api_key=endpoint.key(),
            timeout=endpoint.timeout,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(verify=context(endpoint), limits=pool_limits()),
        )

    async def ask(self, request: Request) -> Reply:
        """Send the request once; a dialect the deployment does not speak is changed and does not count."""
        while True:
            body = chat_body(self.endpoint, request, self.dialect)
            try:
                return await self.post(body)
            except Rejected as error:
                other = self.dialect.after(error)
                if other is None:
                    raise
                self.dialect = other

    async def post(self, body: dict[str, Any]) -> Reply:
        """Post one body and read the answer."""
        try:
            response = await self.sdk.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except openai.APIStatusError as error:
            text = error.response.text
            if error.status_code == 400 and withheld(text):
                return Reply("", "filter")
            raise failure(self.endpoint, error.status_code, dict(error.response.headers), text) from None
        except openai.APITimeoutError:
            raise Transient(
                f"{self.endpoint.name}: no answer within {self.endpoint.timeout:g} s",
                answered=False,
            ) from None
        except openai.APIConnectionError as error:
            raise Transient(
                f"{self.endpoint.name}: no connection ({type(error.__cause__).__name__})",
                answered=False,
            ) from None
        return chat_reply(self.endpoint, decoded(response.text, self.endpoint))

    async def close(self) -> None:
        """Give the connections back."""
        await self.sdk.close()


def pool_limits() -> httpx2.Limits:
    """No limit of the pool's own: `jmeb_plugin.limits` decides what is in flight."""
    return httpx2.Limits(max_connections=None, max_keepalive_connections=None)
