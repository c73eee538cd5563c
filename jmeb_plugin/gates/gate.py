"""A gate: one release criterion, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jmeb_plugin.scores import PLACES

Kind = Literal["safety", "measurement"]
State = Literal["holds", "fails", "cannot-tell", "not-asked", "partial", "off"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One release criterion and what became of it. ``slice`` is empty or ``facet=value``."""

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


def not_asked(name: str, kind: Kind, model: str, threshold: float | None, reason: str) -> Gate:
    """A gate whose input nobody asked for; off where it is not set."""
    if threshold is None:
        return Gate(name, model, kind)
    return Gate(name, model, kind, threshold, state="not-asked", reason=reason)


def is_good(threshold: float, at_least: bool, value: float) -> bool:
    """Whether a value lies on the good side; the threshold itself does."""
    value = round(value, PLACES)
    return value >= threshold if at_least else value <= threshold
