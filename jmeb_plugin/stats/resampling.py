"""Means and medians with intervals from resampling whole guidelines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from jmeb_plugin.stats.columns import Clustered, FloatArray, IntArray, clustered
from jmeb_plugin.stats.figures import TAIL, Z, t_quantile

DRAWS = 2000
FEWEST_DRAWS = math.ceil(1 / TAIL)
BLOCK = 100_000
"""About how many resampled conversations are held at a time: what a CPU cache takes."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """An estimate over ``n`` conversations with its 95 % bootstrap interval.

    ``draws`` are the resampled estimates, sorted, read-only, and left out of ``==`` and ``repr``.
    """

    value: float
    low: float
    high: float
    n: int
    draws: FloatArray = field(repr=False, compare=False)

    def p_below(self, threshold: float) -> float:
        """One-sided p-value against "the true value is at least ``threshold``"; small: it is below.

        The share of draws on the far side, counted as ``(1 + k) / (draws + 1)`` (Davison & Hinkley
        1997, chapter 4): never below 1/2001, which is enough for Holm over 50 gates. Less than
        0.025 exactly when ``high < threshold``; 1.0 where the estimate itself is on the far side.
        """
        if self.value >= threshold:
            return 1.0
        return self._tail(int(np.count_nonzero(self.draws >= threshold)))

    def p_above(self, threshold: float) -> float:
        """The mirror image of `p_below`: less than 0.025 exactly when ``low > threshold``."""
        if self.value <= threshold:
            return 1.0
        return self._tail(int(np.count_nonzero(self.draws <= threshold)))

    def _tail(self, beyond: int) -> float:
        return (1 + beyond) / (1 + self.draws.size)


def bootstrap_mean(
    values: Sequence[float], clusters: Sequence[str], seed: int, draws: int = DRAWS
) -> Resampled:
    """The mean of ``values``, with the percentile interval of resampled ``clusters``.

    ``values`` are scores or paired differences, one per conversation; ``clusters`` holds each
    one's guideline. Whole guidelines are drawn with replacement (Davison & Hinkley 1997, section
    3.8); from a single one, conversations. Few guidelines make the plain percentile interval too
    short, so the draws are widened about the estimate (`_widened`) and held within the range of
    the values. When all values agree the interval is a point, however few there are.

    Left out: correction of bias and skewness (BCa); a rare collapse among few guidelines is
    covered less often than 95 % (``benchmarks/coverage.py``).

    Raises ``ValueError`` for no values, lists of different length, and fewer than 40 draws.
    """
    data = _units(values, clusters)
    lowest, highest = float(data.values.min()), float(data.values.max())
    value = min(max(float(data.values.mean()), lowest), highest)
    sums, sizes = data.sums(data.values), data.sizes
    picks = _picks(data, seed, draws)
    means = np.concatenate([sums[p].sum(axis=1) / sizes[p].sum(axis=1) for p in picks])
    return _result(value, np.clip(_widened(means, value, data.count), lowest, highest), data)


def bootstrap_median(
    values: Sequence[float], clusters: Sequence[str], seed: int, draws: int = DRAWS
) -> Resampled:
    """The median of ``values``, with the percentile interval of resampled ``clusters``.

    As `bootstrap_mean`, but a widened draw moves to the nearest value that can be a median here.
    Judges' scores come in halves: without this the limits would lie a hair beyond 7.5 or above 10.
    """
    data = _units(values, clusters)
    seen, places = np.unique(data.values, return_inverse=True)
    table = np.zeros((data.count, seen.size))
    np.add.at(table, (data.codes, places), 1)
    value = float(np.median(data.values))
    medians = np.concatenate([_medians(seen, table, p) for p in _picks(data, seed, draws)])
    seen = np.union1d(seen, medians)
    return _result(value, _nearest(_widened(medians, value, data.count), seen), data)


def _units(values: Sequence[float], clusters: Sequence[str]) -> Clustered:
    """What is resampled: guidelines, or conversations where there is but one guideline."""
    data = clustered(values, clusters)
    return data if data.count > 1 else data.apart()


def _picks(data: Clustered, seed: int, draws: int) -> Iterator[IntArray]:
    """``draws`` rows of cluster numbers drawn with replacement, a block of rows at a time."""
    if draws < FEWEST_DRAWS:
        raise ValueError(f"a 95 % interval takes at least {FEWEST_DRAWS} draws, not {draws}")
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // data.values.size)
    for start in range(0, draws, rows):
        size = (min(rows, draws - start), data.count)
        yield rng.integers(data.count, size=size, dtype=np.intp)


def _medians(seen: FloatArray, table: FloatArray, picks: IntArray) -> FloatArray:
    """Per row of picks, the median when each value counts as often as its cluster was drawn.

    ``seen``: the different values, ascending; ``table``: how often each cluster has each of them.
    """
    rows, groups = picks.shape
    numbered = picks + groups * np.arange(rows)[:, None]
    times = np.bincount(numbered.ravel(), minlength=rows * groups).reshape(rows, groups)
    upto = (times @ table).cumsum(axis=1)
    total = upto[:, -1:]
    lower: IntArray = (upto > (total - 1) // 2).argmax(axis=1)
    upper: IntArray = (upto > total // 2).argmax(axis=1)
    return (seen[lower] + seen[upper]) / 2


def _widened(draws: FloatArray, value: float, groups: int) -> FloatArray:
    """The draws, spread about the estimate by ``sqrt(G / (G-1)) * t[G-1] / z``.

    The root undoes the bootstrap's division by G where G-1 is due, t over z allows for a spread
    known from G clusters only (Hesterberg 2015, American Statistician 69, who moves the
    percentiles out by the same factor; moving the draws works below five clusters too). It is
    1.03 for 67 clusters, 1.22 for 10, 1.58 for 5, 2.69 for 3.
    """
    if groups < 2:
        return draws
    factor = math.sqrt(groups / (groups - 1)) * t_quantile(groups - 1) / Z
    return value + factor * (draws - value)


def _nearest(draws: FloatArray, seen: FloatArray) -> FloatArray:
    """Each draw's nearest value among the sorted ``seen``; of two equally near the lower."""
    right = np.searchsorted(seen, draws).clip(0, seen.size - 1)
    left = (right - 1).clip(0)
    return seen[np.where(draws - seen[left] <= seen[right] - draws, left, right)]


def _result(value: float, draws: FloatArray, data: Clustered) -> Resampled:
    """The interval between the draws at which `Resampled.p_below` and `p_above` cross 0.025.

    It always holds the estimate, which all draws may miss by a last bit: guidelines that agree
    with each other, summed in another order.
    """
    draws = np.sort(draws)
    draws.flags.writeable = False
    rank = math.ceil(TAIL * (draws.size + 1)) - 1
    low, high = min(value, float(draws[rank - 1])), max(value, float(draws[-rank]))
    return Resampled(value, low, high, data.values.size, draws)
