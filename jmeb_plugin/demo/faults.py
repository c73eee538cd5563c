"""The misbehaviour of ``flaky``: a plan of bad tries that depends on nothing but the request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

Kind = Literal["busy", "error", "broken", "drop", "slow"]
MAX_BAD_TRIES = 3
SHARE = 0.4
"""Share of requests that meet at least one bad try."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad try. ``seconds``: how long a slow try takes, or what a busy one asks to wait.

    ``slow`` still ends in the good answer; every other kind withholds it.
    """

    kind: Kind
    seconds: float = 0.0
    in_milliseconds: bool = False


_KINDS: tuple[Kind, ...] = ("busy", "busy", "error", "broken", "drop", "slow")


def plan(key: str) -> tuple[Fault, ...]:
    """The bad tries of a request, in order: none for most requests, at most three for the rest."""
    dice = blake2b(f"faults:{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if dice[0] >= SHARE * 256:
        return ()
    count = 1 + (dice[1] > 150) + (dice[1] > 215)
    return tuple(_fault(dice[2 + 2 * index], dice[3 + 2 * index]) for index in range(count))


def _fault(kind_die: int, size_die: int) -> Fault:
    kind = _KINDS[kind_die % len(_KINDS)]
    if kind == "slow":
        return Fault(kind, 0.3 + 0.7 * size_die / 255)
    if kind == "busy" and size_die % 2:
        return Fault(kind, 0.02 + size_die / 2550, in_milliseconds=True)
    if kind == "busy":
        return Fault(kind, float(size_die % 16 == 0))
    return Fault(kind)


class Tries:
    """Counts the tries of each request and says which fault, if any, the next one meets."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()

    def next_fault(self, key: str) -> Fault | None:
        """The fault of this try; ``None`` once the request's plan is used up."""
        faults = plan(key)
        if (made := self._made[key]) >= len(faults):
            return None
        self._made[key] += 1
        return faults[made]
