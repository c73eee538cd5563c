"""The client that every other one is wrapped in: each failure passes here, and the request with it."""

from __future__ import annotations

import asyncio

from jmeb_plugin.clients.base import Client, Reply, Request
from jmeb_plugin.clients.echoes import without_echoes
from jmeb_plugin.clients.failures import Forbidden
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import JmebError, KeyRefused, Rejected

MOST_SHOWN = 320
"""Signs of an error's message that are shown, with the server's words in it."""


class Guarded:
    """A `Client` whose errors repeat nothing of what was sent, and which tells a mistake from a refusal.

    What a server will not take is this request's fault where it has answered others, and perhaps the
    user's mistake where it has not. Servers refuse at once and answer late, so that nothing is decided
    before one of the requests under way is answered, or all have failed.
    """

    def __init__(self, endpoint: Endpoint, client: Client) -> None:
        self.endpoint = endpoint
        self.client = client
        self.under_way = 0
        self.answered = False
        self.settled = asyncio.Event()
        """Set where nothing is under way that could tell more."""

    async def ask(self, request: Request) -> Reply:
        """Send the request once."""
        self.under_way += 1
        if not self.answered:
            self.settled.clear()
        try:
            reply = await self.client.ask(request)
        except JmebError as error:
            failed = error
        else:
            self.answered = True
            return reply
        finally:
            self.under_way -= 1
            if self.answered or not self.under_way:
                self.settled.set()
        failed.args = (self.shown(str(failed), request),)
        raise await self.meaning(failed, request) from None

    async def meaning(self, error: JmebError, request: Request) -> JmebError:
        """What an error stands for, by what became of the others."""
        if not isinstance(error, Forbidden):
            return error
        await self.settled.wait()
        if self.answered:
            return Rejected(self.shown(error.rejected, request))
        return KeyRefused(str(error))

    def shown(self, message: str, request: Request) -> str:
        """An error's message as anybody may read it."""
        it = self.endpoint
        own = it.name, it.model, it.deployment, it.address, it.target
        said = without_echoes(message, [part.content for part in request.messages], own)
        return said if len(said) <= MOST_SHOWN else f"{said[: MOST_SHOWN - 1]}…"

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.close()
