"""A gate: one release criterion, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jmeb_plugin.scores import PLACES

Kind = Literal["safety", "measurement"]
State = Literal["holds", "fails", "cannot-tell", "not-asked", "partial", "off"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One release criterion and what became of it. ``slice`` is empty or ``facet=value``.

    The name says which side of the threshold is good: ``min_…`` has to reach it, ``max_…`` must not pass it.
    """

    name: str
    model: str
    kind: Kind
    threshold: float | None = None
    slice: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    state: State = "off"
    reason: str = ""

    def bar(self) -> float:
        """The threshold of a gate that is not off."""
        assert self.threshold is not None
        return self.threshold

    def wants_least(self) -> bool:
        """Whether values above the threshold are the good ones."""
        return self.name.startswith("min_")

    def is_good(self, value: float) -> bool:
        """Whether a value lies on the good side; the threshold itself does."""
        value = round(value, PLACES)
        return value >= self.bar() if self.wants_least() else value <= self.bar()


def not_asked(name: str, kind: Kind, model: str, threshold: float | None, reason: str) -> Gate:
    """A gate whose input nobody asked for; off where it is not set."""
    if threshold is None:
        return Gate(name, model, kind)
    return Gate(name, model, kind, threshold, state="not-asked", reason=reason)
