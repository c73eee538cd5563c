"""OpenAI-compatible servers with a plain key, straight over aiohttp.

The SDK costs 1.4 to 2.8 ms of CPU a request, this about 0.3: at 256 requests in flight that decides
how fast a run can be.
"""

from __future__ import annotations

import json

import aiohttp

from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.clients.failures import decoded, failure
from jmeb_plugin.clients.openai_protocol import chat_body, chat_reply, dialect_of, withheld
from jmeb_plugin.clients.tls import context
from jmeb_plugin.endpoints import HOSTED_URLS, Endpoint
from jmeb_plugin.errors import EndpointError, Rejected, Transient


class Poster:
    """A pool of connections that posts JSON and gives back status, headers and body."""

    def __init__(self, endpoint: Endpoint, headers: dict[str, str]) -> None:
        self.endpoint = endpoint
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context(endpoint)),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
            headers={"Content-Type": "application/json", **headers},
            trust_env=endpoint.provider != "demo",
        )

    async def post(self, url: str, body: object) -> tuple[int, dict[str, str], str]:
        """Post once. `Transient` for every way in which a connection can fail."""
        name = self.endpoint.name
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            async with self.session.post(url, data=data) as response:
                return (
                    response.status,
                    dict(response.headers),
                    await response.text("utf-8", "replace"),
                )
        except aiohttp.ClientConnectorCertificateError as error:
            raise EndpointError(
                f"endpoint {name!r}: the certificate of {error.host} is not trusted; "
                f"expected its authority in ca_bundle or SSL_CERT_FILE"
            ) from None
        except aiohttp.InvalidURL:
            raise EndpointError(f"endpoint {name!r}: {url!r} is no address") from None
        except TimeoutError:
            raise Transient(f"{name}: no answer within {self.endpoint.timeout:g} s", answered=False) from None
        except aiohttp.ClientConnectorError as error:
            why = error.os_error.strerror or type(error).__name__
            place = self.endpoint.address
            raise Transient(f"{name}: no connection to {place} ({why})", answered=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(f"{name}: the connection broke ({type(error).__name__})") from None

    async def close(self) -> None:
        """Give the connections back."""
        await self.session.close()


class LeanClient:
    """A `Client` for any server that speaks OpenAI's chat protocol."""

    def __init__(self, endpoint: Endpoint) -> None:
        key = endpoint.key()
        self.endpoint = endpoint
        self.dialect = dialect_of(endpoint)
        self.poster = Poster(endpoint, {"Authorization": f"Bearer {key}"} if key else {})
        self.url = (endpoint.base_url or HOSTED_URLS["openai"]).rstrip("/") + "/chat/completions"

    async def ask(self, request: Request) -> Reply:
        """Send the request once; a dialect the server does not speak is changed and does not count."""
        while True:
            dialect = self.dialect
            try:
                return await self.ask_in(request)
            except Rejected as error:
                other = dialect.after(error)
                if other is None:
                    raise
                self.dialect = other if self.dialect == dialect else self.dialect

    async def ask_in(self, request: Request) -> Reply:
        """Send the request in the present dialect."""
        status, headers, body = await self.poster.post(
            self.url, chat_body(self.endpoint, request, self.dialect)
        )
        if status == 400 and withheld(body):
            return Reply("", "filter")
        if status != 200:
            raise failure(self.endpoint, status, headers, body)
        return chat_reply(self.endpoint, decoded(body, self.endpoint))

    async def close(self) -> None:
        """Give the connections back."""
        await self.poster.close()
