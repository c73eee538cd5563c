"""How many conversations a question needs, and what a number of them can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from jmeb_plugin.stats.columns import SAME
from jmeb_plugin.stats.figures import TAIL, Z
from jmeb_plugin.stats.resampling import Resampled
from jmeb_plugin.stats.shares import Share


def conversations_needed(estimate: Share | Resampled, threshold: float) -> int | None:
    """About how many *more* conversations would move the interval off the threshold.

    0 when it is off already; ``None`` when the estimate lies on the threshold, so that no number
    would do. For a share the Wilson interval is solved for n; else the half-width towards the
    threshold is taken to shrink with ``1 / sqrt(n)``. Both suppose that estimate and design effect
    stay as they are, which takes new conversations to bring new guidelines at the old rate: more
    of the same guidelines help less.
    """
    gap = abs(estimate.value - threshold)
    if gap <= SAME:
        return None
    if isinstance(estimate, Share):
        needed = threshold * (1 - threshold) * estimate.deff * (Z / gap) ** 2
    else:
        above = estimate.value > threshold
        half = estimate.value - estimate.low if above else estimate.high - estimate.value
        needed = estimate.n * (half / gap) ** 2
    return max(0, math.ceil(needed - estimate.n - SAME))


def smallest_drop(n: int, sd: float, deff: float, power: float = 0.8) -> float:
    """The smallest true mean drop that ``n`` pairs show with probability ``power``, in points.

    ``sd`` is the standard deviation of the paired differences, ``deff`` their design effect; the
    test is two-sided at 5 %: ``(z[0.975] + z[power]) * sd * sqrt(deff / n)`` (Cohen 1988, chapter
    2, normal approximation). Raises ``ValueError`` for n < 1 and a power outside 0 to 1.
    """
    if n < 1 or not 0 < power < 1:
        raise ValueError(f"n is {n} and power {power:g}: expected n >= 1 and 0 < power < 1")
    normal = NormalDist()
    return (normal.inv_cdf(1 - TAIL) + normal.inv_cdf(power)) * sd * math.sqrt(deff / n)


def clustered_deff(cluster_sizes: Sequence[int], icc: float) -> float:
    """The design effect to expect of clusters of these sizes: ``1 + (m - 1) * icc``.

    m is the size-weighted mean size, ``sum m² / sum m`` (Kish 1965, Survey Sampling);
    ``icc`` is the correlation within a cluster. Raises ``ValueError`` without conversations.
    """
    total = sum(cluster_sizes)
    if total < 1:
        raise ValueError("no conversations to plan for")
    return 1 + (sum(size * size for size in cluster_sizes) / total - 1) * icc
