"""What every client speaks: a request in, a reply out, or one of the errors below.

A client sends one request and never tries again; trying again, waiting and counting belong to
`jmeb_plugin.limits`. It raises only `KeyRefused`, `ModelUnknown`, `QuotaSpent`, `Transient`,
`Rejected`, and `EndpointError` for an address that could never work, or takes no request at all. What it
raises passes `jmeb_plugin.clients.guarded`, which takes out of it what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Finish = Literal["stop", "length", "filter", "refusal"]
"""``filter``: the provider withheld prompt or answer; what stands in the text was cut off.
``refusal``: the model refused in a field of its own, and the text is what it said there."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat; at most one ``system`` message, and that one first."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. ``schema``: a JSON schema that the answer shall follow, where there is support.

    ``max_tokens`` overrides the endpoint's own limit.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; ``input`` includes ``cached``.

    ``estimated``: the server did not count, and these were reckoned by the texts.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    estimated: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``reasoning`` is what a model thought aloud apart from its answer."""

    text: str
    finish: Finish = "stop"
    usage: Usage = Usage()
    reasoning: str = ""
    model: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` takes it back."""
        usage = {"input": self.usage.input, "cached": self.usage.cached, "output": self.usage.output}
        usage |= {"estimated": True} if self.usage.estimated else {}
        said = {"text": self.text, "finish": self.finish, "reasoning": self.reasoning}
        return {**said, "model": self.model, "usage": usage}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reply:
        """Rebuild what `to_json` gave."""
        return cls(**{**data, "usage": Usage(**data["usage"])})


class Client(Protocol):
    """One connection pool to one endpoint, used on one event loop."""

    async def ask(self, request: Request) -> Reply:
        """Send the request once."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


def split_reasoning(text: str) -> tuple[str, str]:
    """A raw answer as (what is for the user, what was thought aloud in ``<think>…</think>``).

    Only what stands before the answer is thinking. An opening tag that some chat templates swallow
    is assumed; thinking that was cut off before its end leaves nothing for the user.
    """
    thoughts: list[str] = []
    head, closed, rest = text.partition("</think>")
    if closed and "<think>" not in head:
        thoughts, text = [head.strip()], rest.strip()
    while text.lstrip().startswith("<think>"):
        thought, _, text = text.lstrip().removeprefix("<think>").partition("</think>")
        thoughts.append(thought.strip())
        text = text.strip()
    return text, "\n\n".join(filter(None, thoughts))
