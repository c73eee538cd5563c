"""Two groups of scores over the same clusters: how far apart their means are, and how surely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jmeb_plugin.stats.columns import column, constant
from jmeb_plugin.stats.figures import Figure, Interval, scipy_tests

DRAWS = 2000


def difference_of_means(
    first: Sequence[float],
    second: Sequence[float],
    clusters: tuple[Sequence[str], Sequence[str]],
    seed: int,
    draws: int = DRAWS,
) -> Interval | None:
    """Mean of ``first`` less mean of ``second``, with the percentile interval of resampled clusters.

    ``clusters`` holds the guideline of each value, of both lists; guidelines are drawn with replacement
    (Davison & Hinkley 1997, section 3.8), and a draw that leaves one group empty is not counted. ``None``
    where a group is empty. Left out: models as a second level of clusters.
    """
    one, other = column(first), column(second)
    if not one.size or not other.size:
        return None
    labels, codes = np.unique([*clusters[0], *clusters[1]], return_inverse=True)
    groups = labels.size
    parts = [(one, codes[: one.size]), (other, codes[one.size :])]
    sums = [np.bincount(place, values, minlength=groups) for values, place in parts]
    sizes = [np.bincount(place, minlength=groups).astype(np.float64) for _, place in parts]
    value = float(one.mean() - other.mean())
    if groups < 2:
        return Interval(value, value, value) if constant(one) and constant(other) else None
    picks = np.random.default_rng(seed).integers(groups, size=(draws, groups))
    counted = [size[picks].sum(axis=1) for size in sizes]
    both = (counted[0] > 0) & (counted[1] > 0)
    means = [total[picks].sum(axis=1)[both] / count[both] for total, count in zip(sums, counted, strict=True)]
    low, high = np.percentile(means[0] - means[1], [2.5, 97.5])
    return Interval(value, min(value, float(low)), max(value, float(high)))


def welch_t(first: Sequence[float], second: Sequence[float]) -> tuple[Figure, Figure]:
    """Welch's t for two groups with unlike variances, and its two-sided p-value (Welch 1947).

    Undefined with fewer than two values in a group, and where neither group varies.
    """
    one, other = column(first), column(second)
    if min(one.size, other.size) < 2:
        reason = "fewer than two values in a group"
    elif constant(one) and constant(other):
        reason = "neither group varies"
    else:
        test = scipy_tests().ttest_ind_from_stats(
            one.mean(),
            one.std(ddof=1),
            one.size,
            other.mean(),
            other.std(ddof=1),
            other.size,
            equal_var=False,
        )
        return Figure(float(test.statistic)), Figure(float(test.pvalue))
    return Figure(None, reason), Figure(None, reason)


def less_row_and_column(scores: Sequence[float], rows: Sequence[str], columns: Sequence[str]) -> list[float]:
    """Each score less its row's mean and its column's mean, plus the mean of all: double normalisation.

    Over a full table this leaves what neither row nor column explains; over one with gaps the means are
    those of the cells that are there, so a little of either remains.
    """
    values = column(scores)
    if not values.size:
        return []
    left = values + values.mean()
    for names in (rows, columns):
        _, codes = np.unique(list(names), return_inverse=True)
        left = left - (np.bincount(codes, values) / np.bincount(codes))[codes]
    return [float(value) for value in left]
