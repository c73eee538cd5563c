"""What plain data must look like that comes back from a file of ours, and where it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jmeb_plugin.errors import plain
from jmeb_plugin.scores import HIGHEST, LOWEST
from jmeb_plugin.yaml_file import Path_, describe


@dataclass(frozen=True)
class Each:
    """Any number of values of one shape: in a list, or ``named`` in a mapping."""

    shape: Any
    named: bool = False


@dataclass(frozen=True)
class Maybe:
    """A value of that shape, or null."""

    shape: Any


@dataclass(frozen=True)
class Number:
    """A number from ``low`` to ``high``, both of them included."""

    low: float = -math.inf
    high: float = math.inf


TEXT, WHOLE, TRUTH = str, int, bool
"""The shapes that are nothing but a type."""

COUNT = Number(0, 2**53)
FINITE = Number(-(2.0**53), 2.0**53)
SCORE = Maybe(Number(LOWEST, HIGHEST))
WORDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a mapping", list: "a list"}


def misfit(value: Any, shape: Any) -> str:
    """Where the value is not of the shape, and what was expected there; empty where it fits.

    A mapping as shape names its keys (``"key?"``: it may lack that one); other keys may be there.
    """
    return next(
        (f"{'.'.join(map(str, at)) or 'the file'}: {why}" for at, why in misfits(value, shape, ())), ""
    )


def misfits(value: Any, shape: Any, at: Path_) -> Iterator[tuple[Path_, str]]:
    """Every place that does not fit."""
    if isinstance(shape, Maybe):
        if value is not None:
            yield from misfits(value, shape.shape, at)
    elif isinstance(shape, Each):
        if not isinstance(value, dict if shape.named else list):
            yield at, f"expected {WORDS[dict if shape.named else list]}, found {describe(value)}"
            return
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for place, inner in inside:
            yield from misfits(inner, shape.shape, (*at, plain(str(place))))
    elif isinstance(shape, Mapping):
        yield from misfit_keys(value, shape, at)
    elif not fits(value, shape):
        yield at, f"expected {said(shape)}, found {describe(value)}"


def misfit_keys(value: Any, shape: Mapping[str, Any], at: Path_) -> Iterator[tuple[Path_, str]]:
    """Every place of a mapping that does not fit."""
    if not isinstance(value, dict):
        yield at, f"expected a mapping, found {describe(value)}"
        return
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if name in value:
            yield from misfits(value[name], inner, (*at, name))
        elif name == key:
            yield at, f"{name} is missing"


def fits(value: Any, shape: Any) -> bool:
    """Whether a plain value is of a type, a number within a range, or a text of a pattern."""
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(value, bool):
        return shape is bool
    if isinstance(shape, Number):
        return isinstance(value, int | float) and shape.low <= value <= shape.high
    return isinstance(value, shape)


def said(shape: Any) -> str:
    """A shape in words."""
    if isinstance(shape, Number):
        return f"a number from {shape.low:g} to {shape.high:g}"
    return f"a text like {shape.pattern}" if isinstance(shape, re.Pattern) else WORDS[shape]
