"""A number, or the reason why there is none; and the one confidence level of this package."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from scipy import special

TAIL = 0.025
"""What a 95 % interval leaves out on either side, and so the level of its one-sided tests."""

Z = NormalDist().inv_cdf(1 - TAIL)
"""Half-width of a 95 % interval in standard errors, 1.96."""


def scipy_tests() -> Any:
    """``scipy.stats``, loaded by those who need it: it takes half a second and 50 MB.

    A run without a baseline whose turns have more than a handful of scores never does.
    """
    from scipy import stats

    return stats


def t_quantile(freedom: int) -> float:
    """What `Z` becomes when the standard error itself is known from ``freedom`` + 1 units only.

    The 97.5 % quantile of Student's t: 12.7 for 1, 2.78 for 4, 2.00 for 66.
    """
    return float(special.stdtrit(freedom, 1 - TAIL))


@dataclass(frozen=True, slots=True)
class Figure:
    """A statistic that may be undefined: then ``value`` is ``None`` and ``reason`` says why."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % confidence limits, in the estimate's own unit."""

    value: float
    low: float
    high: float
