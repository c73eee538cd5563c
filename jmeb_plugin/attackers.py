"""The user's part played by a model: what an attacker is told, and what is taken from its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmeb_plugin.clients.base import Message, Request
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, SettingsError
from jmeb_plugin.judges import fence
from jmeb_plugin.prompts import Prompts, load_prompts
from jmeb_plugin.suite import Conversation, Guideline, Strategy, Suite
from jmeb_plugin.transcript import Turn, clean

LONGEST = 4000
TEXT: Mapping[str, Any] = {"type": "string"}
MESSAGE: Mapping[str, Any] = {
    "type": "object",
    "properties": {"message": TEXT},
    "required": ["message"],
    "additionalProperties": False,
}
SCRIPT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"turns": {"type": "array", "items": TEXT}},
    "required": ["turns"],
    "additionalProperties": False,
}


def only_own(endpoints: Sequence[Endpoint], what: str) -> None:
    """Raise `EndpointError` for the first endpoint that nobody declared to be their own."""
    for endpoint in endpoints:
        if not (endpoint.own or endpoint.provider == "demo"):
            raise EndpointError(
                f"{what} asks your own models only, and endpoint {endpoint.name!r} is not said to be one; "
                f"expected own = true in [tool.jmeb.endpoints.{endpoint.name}]"
            )


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attacker is after. Without a strategy it finds a way of its own."""

    prompts: Prompts
    guideline: Guideline
    seed: str
    turns: int
    strategy: Strategy | None = None

    def turn_request(self, so_far: Sequence[Turn], mark: str, *, again: bool = False) -> Request:
        """Ask for the user's next message after ``so_far``."""
        said = "\n\n".join(self.spoken(turn) for turn in so_far)
        order = self.prompts.text("attacker", "turn", turn=len(so_far) + 1, turns=self.turns)
        told = [self.prompts.text("attacker", "conversation")]
        told.append(fence("conversation", mark, said) if said else self.prompts.text("attacker", "nothing"))
        return self.request([*told, order], mark, MESSAGE, again=again)

    def script_request(self, mark: str, *, again: bool = False) -> Request:
        """Ask for all of the user's messages at once."""
        order = self.prompts.text("attacker", "script", turns=self.turns)
        return self.request([order], mark, SCRIPT, again=again)

    def attempt_request(
        self, tried: Sequence[tuple[str, float]], mark: str, *, again: bool = False
    ) -> Request:
        """Ask for one message that asks outright, unlike those ``tried`` with their scores."""
        log = "\n\n".join(f"{score:g}: {message}" for message, score in tried)
        told = [self.prompts.text("attacker", "tried"), fence("tried", mark, log)] if log else []
        return self.request([*told, self.prompts.text("attacker", "attempt")], mark, MESSAGE, again=again)

    def request(self, parts: Sequence[str], mark: str, schema: Mapping[str, Any], *, again: bool) -> Request:
        """The parts after what every attacker is told."""
        prompts, way = self.prompts, self.strategy
        strategy = (
            prompts.text("attacker", "strategy", name=way.name, description=way.description)
            if way
            else prompts.text("attacker", "free")
        )
        told = [
            prompts.about(self.guideline), strategy, prompts.opening(mark),
            prompts.text("attacker", "request"), fence("request", mark, self.seed), *parts,
        ]  # fmt: skip
        if again:
            told.append(str(prompts.texts["again"]))
        system = Message("system", prompts.text("attacker", "system"))
        return Request((system, Message("user", "\n\n".join(told))), schema)

    def spoken(self, turn: Turn) -> str:
        """An earlier exchange as the attacker reads it."""
        user, model = (self.prompts.text("attacker", name) for name in ("user", "assistant"))
        return f"{user}: {turn.question}\n\n{model}: {turn.answer}"

    def read_script(self, found: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The messages of a script; ``None`` where they are not as many as were asked for."""
        listed = found.get("turns")
        if not isinstance(listed, list) or len(listed) != self.turns:
            return None
        texts = [read_text(text) for text in listed]
        return tuple(text for text in texts if text) if all(texts) else None


@dataclass(frozen=True)
class Attacker:
    """The endpoint that plays the user in a run, and what it is told by suite and language."""

    endpoint: Endpoint
    prompts: Mapping[tuple[str, str], Prompts]

    def attack(self, suite: Suite, talk: Conversation) -> Attack:
        """What it is after in a conversation: its seed, by its strategy, in as many turns."""
        return Attack(
            self.prompts[suite.name, talk.language],
            suite.guidelines[talk.guideline],
            talk.seed,
            len(talk.turns),
            suite.strategies[talk.strategy],
        )

    def identity(self) -> list[Any]:
        """What makes it the attacker it is."""
        told = sorted([*key, prompts.sha256] for key, prompts in self.prompts.items())
        return [self.endpoint.name, *self.endpoint.identity, self.endpoint.parameters(), told]


def find_attacker(endpoint: Endpoint | None, suites: Sequence[Suite]) -> Attacker | None:
    """The attacker with its prompts, if one is asked for. Raises for a suite that nobody should attack by."""
    if endpoint is None:
        return None
    for suite in suites:
        if suite.kind != "harmful":
            raise SettingsError(
                f"--jmeb-attacker: the suite {suite.name} is {suite.kind}, and an attacker wears a model "
                f"down; expected --jmeb-suite with harmful ones alone"
            )
    pairs = [(suite, language) for suite in suites for language in suite.languages]
    return Attacker(endpoint, {(s.name, code): load_prompts(s.path, code) for s, code in pairs})


def read_message(found: Mapping[str, Any]) -> str | None:
    """The message of an answer; ``None`` where there is none."""
    return read_text(found.get("message"))


def read_text(value: Any) -> str | None:
    """A text that can stand as a user's message."""
    text = clean(value).strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= LONGEST else None
