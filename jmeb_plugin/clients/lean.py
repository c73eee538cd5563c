"""OpenAI-compatible servers with a plain key, straight over aiohttp.

The SDK costs 1.4 to 2.8 ms of CPU a request, this about 0.3: at 256 requests in flight that decides
how fast a run can be.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.clients.connection import broken, connect_within, gathered
from jmeb_plugin.clients.encoding import as_json
from jmeb_plugin.clients.failures import reply_of
from jmeb_plugin.clients.openai_protocol import Dialect, Speaker, chat_body, chat_reply, dialect_of
from jmeb_plugin.clients.tls import context
from jmeb_plugin.endpoints import Endpoint, proxy_for
from jmeb_plugin.providers import HOSTED_URLS


class Poster:
    """A pool of connections that posts JSON and gives back status, headers and body.

    It keeps no cookies (a chatbot's session would make one talk of many conversations) and follows
    no redirect (the key would travel on).
    """

    def __init__(self, endpoint: Endpoint, url: str, headers: Callable[[], dict[str, str]]) -> None:
        # no frame that can fail holds what the headers do: pytest shows the locals of those
        self.endpoint = endpoint
        self.url = url
        self.proxy = proxy_for(url) if endpoint.provider != "demo" else ""
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context(endpoint)),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout, sock_connect=connect_within(endpoint)),
            headers={"Content-Type": "application/json", **headers()},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def post(self, body: object) -> tuple[int, dict[str, str], str]:
        """Post once. `Transient` or `EndpointError` for every way in which a connection can fail.

        `Rejected` for an answer that does not end.
        """
        data = as_json(body)
        begun = False
        try:
            async with self.session.post(
                self.url, data=data, proxy=self.proxy or None, allow_redirects=False
            ) as response:
                begun = True
                whole = await gathered(response.content.iter_any(), self.endpoint)
                return response.status, dict(response.headers), whole.decode("utf-8", "replace")
        except (aiohttp.ClientError, OSError) as error:
            raise broken(self.endpoint, error, begun=begun) from None

    async def close(self) -> None:
        """Give the connections back."""
        await self.session.close()


class LeanClient:
    """A `Client` for any server that speaks OpenAI's chat protocol."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.speaker = Speaker(dialect_of(endpoint), counted=bool(endpoint.requests_per_minute))
        url = (endpoint.base_url or HOSTED_URLS["openai"]).rstrip("/") + "/chat/completions"
        self.poster = Poster(endpoint, url, self.headers)

    def headers(self) -> dict[str, str]:
        """The header with the key, where there is one."""
        key = self.endpoint.key()
        return {"Authorization": f"Bearer {key}"} if key else {}

    async def ask(self, request: Request) -> Reply:
        """Send the request once; a dialect the server does not speak is changed and does not count."""
        return await self.speaker.ask(request, lambda dialect: self.ask_in(dialect, request))

    async def ask_in(self, dialect: Dialect, request: Request) -> Reply:
        """Send the request in one dialect."""
        status, headers, body = await self.poster.post(chat_body(self.endpoint, request, dialect))
        return reply_of(self.endpoint, status, headers, body, chat_reply)

    async def close(self) -> None:
        """Give the connections back."""
        await self.poster.close()
