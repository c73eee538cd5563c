"""How far two judges agree, and one with itself: correlations, reliability, and plain distance.

Lists are paired: the same turns in the same order. Lists of different length are a
``ValueError``; whatever cannot be computed is a `Figure` without a value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from jmeb_plugin.stats.columns import SAME, FloatArray, columns, constant, ranks
from jmeb_plugin.stats.figures import Figure


def pearson(a: Sequence[float], b: Sequence[float]) -> Figure:
    """Product-moment correlation, -1 to 1; undefined when either list is constant."""
    return _correlation(*columns(a, b))


def spearman(a: Sequence[float], b: Sequence[float]) -> Figure:
    """Rank correlation, -1 to 1, ties sharing their mean rank; undefined for a constant list."""
    first, second = columns(a, b)
    if constant(first) or constant(second):
        return _correlation(first, second)
    return _correlation(ranks(first)[0], ranks(second)[0])


def _correlation(first: FloatArray, second: FloatArray) -> Figure:
    if first.size < 2:
        return Figure(None, "fewer than two pairs")
    if constant(first) or constant(second):
        return Figure(None, "one list is constant")
    x, y = first - first.mean(), second - second.mean()
    r = float((x * y).sum()) / math.sqrt(float((x * x).sum()) * float((y * y).sum()))
    return Figure(max(-1.0, min(1.0, r)))


def spearman_brown(rho: Figure | float) -> Figure:
    """Reliability of the mean of two judges who correlate by ``rho``: ``2 rho / (1 + rho)``.

    Spearman 1910 and Brown 1910, Brit. J. Psychol. 3. An undefined ``rho`` stays undefined with
    its reason; so is -1, where the mean of both carries nothing.
    """
    figure = rho if isinstance(rho, Figure) else Figure(rho)
    if figure.value is None:
        return figure
    if figure.value <= -1:
        return Figure(None, "the judges contradict each other exactly")
    return Figure(2 * figure.value / (1 + figure.value))


def icc_2_1(*raters: Sequence[float]) -> Figure:
    """Intraclass correlation ICC(2,1): two-way random, single judge, absolute agreement.

    One list per judge over the same n turns (for a matrix of n rows: ``icc_2_1(*zip(*rows))``).
    Shrout & Fleiss 1979, Psychol. Bull. 86: ``(BMS - EMS) / (BMS + (k-1) EMS + k (JMS - EMS)/n)``.
    Unlike a correlation it falls when one judge is stricter throughout. Undefined for fewer than
    two judges or turns, and where no judge's scores vary. At most 1; below 0 for judges who differ
    more within a turn than between turns.
    """
    scores = columns(*raters)
    if len(scores) < 2 or scores[0].size < 2:
        return Figure(None, "fewer than two judges or two turns")
    if all(constant(judge) for judge in scores):
        return Figure(None, "no judge's scores vary")
    between, judges, error = _mean_squares(np.column_stack(scores))
    n, k = scores[0].size, len(scores)
    total = between + (k - 1) * error + k * (judges - error) / n
    if total <= SAME:
        return Figure(None, "the variance is zero")
    return Figure((between - error) / total)


def _mean_squares(table: FloatArray) -> tuple[float, float, float]:
    """Mean squares between turns, between judges, and of what is left; rows are turns."""
    n, k = table.shape
    rows = table.mean(axis=1, keepdims=True)
    judges = table.mean(axis=0, keepdims=True)
    rest = table - rows - judges + table.mean()
    return (
        k * float(((rows - table.mean()) ** 2).sum()) / (n - 1),
        n * float(((judges - table.mean()) ** 2).sum()) / (k - 1),
        float((rest**2).sum()) / ((n - 1) * (k - 1)),
    )


def within(a: Sequence[float], b: Sequence[float], limit: float = 2.0) -> Figure:
    """Share of pairs that differ by at most ``limit`` points, 0 to 1; undefined without pairs.

    9.3 and 7.3 differ by 2, whatever binary fractions make of it.
    """
    first, second = columns(a, b)
    if not first.size:
        return Figure(None, "no values")
    return Figure(float((np.abs(first - second) <= limit + SAME).mean()))


def mae(a: Sequence[float], b: Sequence[float]) -> Figure:
    """Mean absolute difference of the pairs, in points; undefined without pairs."""
    first, second = columns(a, b)
    return Figure(float(np.abs(first - second).mean())) if first.size else Figure(None, "no values")


def bias(a: Sequence[float], b: Sequence[float]) -> Figure:
    """Mean signed difference a - b of the pairs, in points: above 0 where ``a`` is milder."""
    first, second = columns(a, b)
    return Figure(float((first - second).mean())) if first.size else Figure(None, "no values")


def self_consistency(rows: Sequence[Sequence[float]]) -> Figure:
    """How far a judge is from itself: mean absolute difference of two judgements of one answer, in points.

    ``rows`` hold the repeated scores of one answer each. Every pair of repeats counts within its
    answer, every answer with at least two scores counts once.
    """
    pairs = [list(itertools.combinations(row, 2)) for row in rows if len(row) > 1]
    if not pairs:
        return Figure(None, "no answer was judged twice")
    return Figure(fmean(fmean(abs(x - y) for x, y in found) for found in pairs))
