"""What an endpoint's tokens cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from jmeb_plugin.errors import EndpointError, closest, plain
from jmeb_plugin.table import MOST


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. ``cached_input`` defaults to ``input``."""

    input: float
    output: float
    cached_input: float | None = None

    def usd(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """Price of one answer; ``input_tokens`` includes ``cached_tokens``."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = max(0, input_tokens - cached_tokens)
        return (fresh * self.input + cached_tokens * cached + output_tokens * self.output) / 1e6


def parse_price(value: Any, place: str) -> Price:
    """``{ input, output, cached_input }`` in USD per million tokens."""
    known = {f.name for f in fields(Price)}
    if not isinstance(value, Mapping) or not {"input", "output"} <= set(value):
        raise EndpointError(f"{place}: expected {{ input = …, output = …, cached_input = … }}")
    for key, amount in value.items():
        if key not in known:
            raise EndpointError(f"{place}: unknown key {plain(key)!r}{closest(key, known)}")
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or not 0 <= amount <= MOST:
            raise EndpointError(f"{place}.{key}: expected USD per million tokens, 0 or more")
    return Price(**value)
