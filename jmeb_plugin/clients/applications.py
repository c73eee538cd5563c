"""Chatbots that are applications: one behind a URL of its own, one that is a Python function."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import traceback
import types
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.base import Message, Reply, Request, Usage
from jmeb_plugin.clients.failures import excerpt, parsed, unanswered
from jmeb_plugin.clients.lean import Poster
from jmeb_plugin.clients.openai_protocol import finish_reply
from jmeb_plugin.clients.target import EXPECTED, load
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, JmebError, Rejected, Transient
from jmeb_plugin.transcript import clean

BUGS = (
    AssertionError, AttributeError, ImportError, LookupError, NameError, NotImplementedError, SyntaxError,
    SystemExit, TypeError,
)  # fmt: skip
"""What a program's own mistake raises; asked again it would be raised again."""


class HttpClient:
    """A `Client` for a URL that takes some JSON and answers with some JSON.

    In ``body`` the text ``{messages}`` stands for the chat as a list of role and content; ``{question}``
    (the last user message), ``{system}``, ``{model}`` and the parameters may stand inside a longer
    text too, and a key whose parameter is not set is not sent. ``answer`` is a dotted path into the
    answer, such as ``choices.0.text``.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.poster = Poster(endpoint, endpoint.url, endpoint.headers)

    async def ask(self, request: Request) -> Reply:
        """Send the request once."""
        body = fill(self.endpoint.body, chat_values(self.endpoint, request))
        status, headers, text = await self.poster.post(body)
        if not 200 <= status < 300:
            return unanswered(self.endpoint, status, headers, text)
        said = follow(parsed(text, self.endpoint), self.endpoint)
        return finish_reply(self.endpoint, said, "stop", Usage())

    async def close(self) -> None:
        """Give the connections back."""
        await self.poster.close()


def chat_values(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """What the places of a body template stand for; ``None``: it is not set."""
    talk = [m for m in request.messages if m.role != "system"]
    return {
        "{messages}": [plain(m) for m in talk],
        "{question}": clean(talk[-1].content) if talk else "",
        "{system}": "".join(clean(m.content) for m in request.messages if m.role == "system"),
        "{model}": endpoint.model or None,
        "{temperature}": endpoint.temperature,
        "{top_p}": endpoint.top_p,
        "{max_tokens}": request.max_tokens or endpoint.max_tokens,
    }


def plain(message: Message) -> dict[str, str]:
    """A message as plain data."""
    return {"role": message.role, "content": clean(message.content)}


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with every place replaced by its value, in one pass: values are not templates."""
    if isinstance(template, Mapping):
        filled = {key: fill(value, values) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not None}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if not isinstance(template, str):
        return template
    if template in values:
        return values[template]
    texts = {key: str(value) for key, value in values.items() if not isinstance(value, list | types.NoneType)}
    return re.sub(r"\{\w+\}", lambda found: texts.get(found[0], found[0]), template)


def follow(data: Any, endpoint: Endpoint) -> str:
    """The text at the endpoint's ``answer`` path."""
    for part in endpoint.answer.split("."):
        try:
            data = data[int(part)] if isinstance(data, Sequence) and not isinstance(data, str) else data[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Rejected(
                f"{endpoint.name}: no {part!r} of answer = {endpoint.answer!r} in what the server said"
            ) from None
    if data is None:
        return ""
    try:
        return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    except RecursionError:
        raise Transient(f"{endpoint.name}: what stands at answer is nested too deeply") from None


class PythonClient:
    """A `Client` for ``package.module:chat``, an async callable from messages to text.

    The messages are dicts of role and content. What the callable raises is its failure to answer:
    tried again like a lost connection, but for `BUGS`, which are a rejection.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.chat = load(endpoint)

    async def ask(self, request: Request) -> Reply:
        """Call it once."""
        name, target = self.endpoint.name, self.endpoint.target
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                said = await self.begin(request)
        except JmebError:
            raise
        except TimeoutError:
            raise Transient(f"{name}: no answer within {self.endpoint.timeout:g} s") from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise Transient(f"{name}: {target} raised CancelledError") from None  # its own, not the run's
        except BUGS as error:
            raise Rejected(f"{name}: {target} raised {self.told(error)}{line_of(error)}") from None
        except Exception as error:  # noqa: BLE001 - an application may raise anything
            raise Transient(f"{name}: {target} raised {self.told(error)}") from None
        if not isinstance(said, str):
            raise Rejected(f"{name}: {self.endpoint.target} gave {type(said).__name__}; expected a text")
        return finish_reply(self.endpoint, said, "stop", Usage())

    def told(self, error: BaseException) -> str:
        """The application's exception in words."""
        return f"{type(error).__name__}: {excerpt(str(error), self.endpoint)}"

    def begin(self, request: Request) -> Awaitable[Any]:
        """The call, begun. `EndpointError` for a callable that is not async."""
        making = self.chat([plain(m) for m in request.messages])
        if not inspect.isawaitable(making):
            place = f"endpoint {self.endpoint.name!r}: target {self.endpoint.target!r}"
            raise EndpointError(f"{place} is not async; {EXPECTED}")
        return making

    async def close(self) -> None:
        """Nothing to give back."""


def line_of(error: BaseException) -> str:
    """Where it was raised, for whoever has no traceback: file and line in parentheses."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
