"""Shares of conversations, and how sure a share is when conversations share a guideline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from jmeb_plugin.stats.columns import Clustered, clustered, constant
from jmeb_plugin.stats.figures import Interval, Z, t_quantile


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval: the Wilson interval on ``n / deff`` conversations.

    ``n`` counts conversations; ``deff`` says how many of them weigh no more than one that has a
    guideline to itself.
    """

    value: float
    low: float
    high: float
    n: int
    deff: float


def design_effect(values: Sequence[float], clusters: Sequence[str]) -> float:
    """How much larger the variance of the mean is than without clusters; at least 1.0.

    ``values`` are 0 or 1, fractions where repeats were averaged, or scores; ``clusters`` holds
    each one's guideline. The variance under cluster sampling is that of the linearised ratio
    estimator with the factor G/(G-1) (Kish 1965, Survey Sampling; Cochran 1977, chapter 9A), the
    other one s²/n. Exactly 1.0 when all values agree, when there is only one cluster, and when
    each value is a cluster of its own. Left out: a finite population correction, and weights.

    Raises ``ValueError`` for no values and for lists of different length.
    """
    return max(1.0, _variance_ratio(clustered(values, clusters)))


def share(values: Sequence[float], clusters: Sequence[str]) -> Share:
    """The mean of values between 0 and 1, with the 95 % Wilson interval on n/deff.

    ``deff`` is the `design_effect`, times ``(t[G-1] / t[n-1])²`` before it is held to at least
    1.0: the variance rests on G clusters and not on n conversations (Korn & Graubard 1998, Survey
    Methodology 24; Franco et al. 2019, J. Surv. Stat. Methodol. 7). With 67 guidelines that is
    4 %, with 5 it is what keeps the interval near 95 % (``benchmarks/coverage.py``).

    Left out: repeats. Fractions vary less than the zeros and ones that Wilson reckons with, so
    averaged repeats make the interval wider than it need be.

    Raises ``ValueError`` for no values, and for values outside 0 to 1.
    """
    data = clustered(values, clusters)
    if data.values[data.values < 0].size or data.values[data.values > 1].size:
        raise ValueError("a share is taken of values between 0 and 1")
    n = data.values.size
    deff = max(1.0, _variance_ratio(data) * _few_clusters(data.count, n))
    interval = wilson(float(data.values.mean()), n / deff)
    return Share(interval.value, interval.low, interval.high, n, deff)


def wilson(value: float, n: float) -> Interval:
    """The 95 % score interval of a share seen in ``n`` independent trials (Wilson 1927, JASA 22).

    ``n`` need not be whole. The interval always holds ``value`` and stays within 0 and 1.
    """
    weight = Z * Z / n
    centre = (value + weight / 2) / (1 + weight)
    half = math.sqrt(value * (1 - value) * weight + weight * weight / 4) / (1 + weight)
    return Interval(value, max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half)))


def share_p_below(share: Share, threshold: float) -> float:
    """One-sided p-value against "the true share is at least ``threshold``"; small: it is below.

    It inverts the Wilson interval: below 0.025 exactly when ``share.high < threshold``. Raises
    ``ValueError`` for a threshold outside 0 to 1.
    """
    return NormalDist().cdf(_standard_errors_above(share, threshold))


def share_p_above(share: Share, threshold: float) -> float:
    """One-sided p-value against "the true share is at most ``threshold``"; small: it is above.

    The mirror image of `share_p_below`: below 0.025 exactly when ``share.low > threshold``.
    """
    return NormalDist().cdf(-_standard_errors_above(share, threshold))


def _standard_errors_above(share: Share, threshold: float) -> float:
    """How far the share lies above the threshold, in the standard errors of the *threshold*."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"a share cannot be held against {threshold:g}, only against 0 to 1")
    distance = share.value - threshold
    error = math.sqrt(threshold * (1 - threshold) * share.deff / share.n)
    if error == 0:  # against 0 or 1 a single exception is proof
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / error


def _variance_ratio(data: Clustered) -> float:
    """Variance of the mean with clusters over that without; may be below 1, 0.0 for constants."""
    n, groups = data.values.size, data.count
    if constant(data.values):
        return 0.0
    if groups in {1, n}:
        return 1.0
    residuals = data.values - data.values.mean()
    with_clusters = groups / (groups - 1) * float((data.sums(residuals) ** 2).sum()) / n**2
    without = float((residuals**2).sum()) / (n - 1) / n
    return with_clusters / without


def _few_clusters(groups: int, n: int) -> float:
    """Squared ratio of the t quantiles on ``groups - 1`` and ``n - 1`` degrees of freedom."""
    if groups < 2:
        return 1.0
    return (t_quantile(groups - 1) / t_quantile(n - 1)) ** 2
