"""How far a run is, at a glance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A glance at the run: counts, tokens, USD and seconds since the start."""

    total: int
    done: int
    in_flight: int
    answers: int
    tokens: int
    usd: float
    seconds: float
    trouble: str
    """What an endpoint's last try failed of, of that which has waited longest; where nothing failed, which
    has not answered for long; empty where all answer."""
    waiting: float
    """Seconds since that try failed; 0 where none did."""
