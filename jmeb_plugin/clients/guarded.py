"""The client that every other one is wrapped in: each failure passes here, and the request with it."""

from __future__ import annotations

from jmeb_plugin.clients.base import Client, Reply, Request
from jmeb_plugin.clients.echoes import without_echoes
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import JmebError

MOST_SHOWN = 320
"""Signs of an error's message that are shown, with the server's words in it."""


class Guarded:
    """A `Client` whose errors repeat nothing of what was sent."""

    def __init__(self, endpoint: Endpoint, client: Client) -> None:
        self.endpoint = endpoint
        self.client = client

    async def ask(self, request: Request) -> Reply:
        """Send the request once."""
        try:
            return await self.client.ask(request)
        except JmebError as error:
            error.args = (self.shown(str(error), request),)
            raise

    def shown(self, message: str, request: Request) -> str:
        """An error's message as anybody may read it."""
        it = self.endpoint
        own = it.name, it.model, it.deployment, it.address, it.target
        said = without_echoes(message, [part.content for part in request.messages], own)
        return said if len(said) <= MOST_SHOWN else f"{said[: MOST_SHOWN - 1]}…"

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.close()
