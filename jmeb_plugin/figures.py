"""How a figure is written wherever one is said: a count with its noun, a value with three digits."""

from __future__ import annotations

LEAST = 1e-3
"""Below it a value is rounded to four places: what is left of a sum that should be nought is nought."""


def counted(count: int, noun: str, many: str = "") -> str:
    """A count with its noun, in the singular where it is one; ``many``: the plural, if not with an s."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def rounded(value: float) -> str:
    """A value with three digits, as gates show it; never a negative zero."""
    return f"{value if abs(value) >= LEAST else round(value, 4) + 0.0:.3g}"
