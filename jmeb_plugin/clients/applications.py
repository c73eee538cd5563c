"""Chatbots that are applications: one behind a URL of its own, one that is a Python function."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.base import Message, Reply, Request, Usage
from jmeb_plugin.clients.failures import decoded, failure
from jmeb_plugin.clients.lean import Poster
from jmeb_plugin.clients.openai_protocol import finish_reply
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError, Rejected, Transient

PLACES = ("{messages}", "{question}", "{system}", "{max_tokens}")


class HttpClient:
    """A `Client` for a URL that takes some JSON and answers with some JSON.

    In ``body`` the texts ``{messages}`` (the chat as a list of role and content), ``{question}`` (the
    last user message) and ``{system}`` are replaced; ``answer`` is a dotted path into the answer,
    such as ``choices.0.text``.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.poster = Poster(endpoint, endpoint.headers())

    async def ask(self, request: Request) -> Reply:
        """Send the request once."""
        body = fill(self.endpoint.body, chat_values(request))
        status, headers, text = await self.poster.post(self.endpoint.url, body)
        if not 200 <= status < 300:
            raise failure(self.endpoint, status, headers, text)
        said = follow(decoded(text, self.endpoint), self.endpoint)
        return finish_reply(self.endpoint, said, "stop", Usage())

    async def close(self) -> None:
        """Give the connections back."""
        await self.poster.close()


def chat_values(request: Request) -> dict[str, Any]:
    """What the places of a body template stand for."""
    talk = [m for m in request.messages if m.role != "system"]
    return {
        "{messages}": [plain(m) for m in talk],
        "{question}": talk[-1].content if talk else "",
        "{system}": "".join(m.content for m in request.messages if m.role == "system"),
        "{max_tokens}": request.max_tokens,
    }


def plain(message: Message) -> dict[str, str]:
    """A message as plain data."""
    return {"role": message.role, "content": message.content}


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with every text that is a place replaced by its value."""
    if isinstance(template, Mapping):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if isinstance(template, str) and template in values:
        return values[template]
    return template


def follow(data: Any, endpoint: Endpoint) -> str:
    """The text at the endpoint's ``answer`` path."""
    for part in endpoint.answer.split("."):
        try:
            data = data[int(part)] if isinstance(data, Sequence) and not isinstance(data, str) else data[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Rejected(
                f"{endpoint.name}: no {part!r} of answer = {endpoint.answer!r} in what the server said"
            ) from None
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


class PythonClient:
    """A `Client` for ``package.module:chat``, an async callable from messages to text.

    The messages are dicts of role and content. Whatever the callable raises is its failure to
    answer: it is tried again like a lost connection.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.chat = load(endpoint)

    async def ask(self, request: Request) -> Reply:
        """Call it once."""
        name = self.endpoint.name
        try:
            said = await asyncio.wait_for(
                self.chat([plain(m) for m in request.messages]), self.endpoint.timeout
            )
        except JmebError:
            raise
        except TimeoutError:
            raise Transient(f"{name}: no answer within {self.endpoint.timeout:g} s") from None
        except Exception as error:  # noqa: BLE001 - an application may raise anything
            raise Transient(
                f"{name}: {self.endpoint.target} raised {type(error).__name__}: {error}"
            ) from None
        if not isinstance(said, str):
            raise Rejected(f"{name}: {self.endpoint.target} gave {type(said).__name__}; expected a text")
        return finish_reply(self.endpoint, said, "stop", Usage())

    async def close(self) -> None:
        """Nothing to give back."""


def load(endpoint: Endpoint) -> Any:
    """The callable that ``target`` names."""
    module_name, colon, attribute = endpoint.target.partition(":")
    place = f"endpoint {endpoint.name!r}: target {endpoint.target!r}"
    if not colon:
        raise EndpointError(f"{place}: expected package.module:callable")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # noqa: BLE001 - importing runs the user's code
        raise EndpointError(f"{place}: cannot be imported ({type(error).__name__}: {error})") from None
    if not callable(found):
        raise EndpointError(f"{place}: is not callable; expected async def chat(messages) -> str")
    return found
