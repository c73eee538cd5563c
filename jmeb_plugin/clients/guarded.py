"""The client that every other one is wrapped in: each failure passes here, and the request with it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

from jmeb_plugin.clients.base import Client, Reply, Request
from jmeb_plugin.clients.echoes import without_echoes
from jmeb_plugin.clients.failures import Forbidden
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError, KeyRefused, Rejected

MOST_SHOWN = 320
"""Signs of an error's message that are shown, with the server's words in it."""

ENOUGH = 8
"""Requests that a server rejects with the same words, and no other answered, before that is a mistake."""


EXPIRED = 64
"""403s in a row, with no answer between them, after which it is no prompt that is refused, but the key."""


def gist(message: str) -> str:
    """A message without what differs from request to request: numbers, ids, what was taken out."""
    return " ".join(word for word in re.findall(r"\w+", message) if word.isalpha())


class Guarded:
    """A `Client` whose errors repeat nothing of what was sent, and which tells a mistake from a refusal.

    What a server will not take is this request's fault where it has answered others, and perhaps the
    user's mistake where it has not. Servers refuse at once and answer late, so that nothing is decided
    before one of the requests under way is answered, or all have failed.
    """

    def __init__(self, endpoint: Endpoint, client: Client, *, answered: bool = False) -> None:
        self.endpoint = endpoint
        self.client = client
        self.under_way = 0
        self.answered = answered
        self.settled = asyncio.Event()
        """Set where nothing is under way that could tell more."""
        self.forbidden = 0
        """How many 403s came since the last answer."""
        self.rejected: Counter[str] = Counter()
        """How often the server has said what, while it answered nobody."""

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
            self.answered, self.forbidden = True, 0
            return reply
        finally:
            self.under_way -= 1
            if self.answered or not self.under_way:
                self.settled.set()
        failed.args = (self.shown(str(failed), request),)
        meant = await self.meaning(failed, request)
        if isinstance(meant, Reply):
            return meant
        raise meant from None

    async def meaning(self, error: JmebError, request: Request) -> JmebError | Reply:
        """What an error stands for, by what became of the others; a user's own bot rejects what it likes."""
        if isinstance(error, Rejected) and not self.answered and self.endpoint.provider != "python":
            said = gist(str(error))
            self.rejected[said] += 1
            await self.settled.wait()
            if not self.answered and self.rejected[said] >= ENOUGH:
                return self.mistake(error)
        if not isinstance(error, Forbidden):
            return error
        self.forbidden += 1
        await self.settled.wait()
        if not self.answered or self.forbidden >= EXPIRED:
            return KeyRefused(str(error))
        return Reply("", "filter") if error.withheld else Rejected(self.shown(error.rejected, request))

    def mistake(self, error: Rejected) -> EndpointError:
        """The error that ends a run in which every request is rejected for one reason."""
        name = self.endpoint.name
        return EndpointError(
            f"endpoint {name!r}: the server has answered none of its requests and rejected {ENOUGH} or more "
            f"with the same words: {str(error).removeprefix(f'{name}: ')}"
        )

    def shown(self, message: str, request: Request) -> str:
        """An error's message as anybody may read it."""
        it = self.endpoint
        own = it.name, it.model, it.deployment, it.address, it.target
        said = without_echoes(message, [part.content for part in request.messages], own)
        return said if len(said) <= MOST_SHOWN else f"{said[: MOST_SHOWN - 1]}…"

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.close()
