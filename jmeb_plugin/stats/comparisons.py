"""Is one group of scores lower than another, and which of many tests may be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special

from jmeb_plugin.stats.columns import column, constant, ranks
from jmeb_plugin.stats.figures import Figure, scipy_tests

EXACT = 8
"""Up to how many values in the smaller group p is exact, if there are no ties; as in scipy."""


@dataclass(frozen=True, slots=True)
class DecayTest:
    """Scores of an earlier turn against those of a later one; ``turns`` holds both numbers.

    ``p_adjusted`` is ``p`` after Bonferroni; ``cohen_d`` is positive where the scores fell.
    """

    turns: tuple[int, int]
    u: Figure
    p: Figure
    p_adjusted: Figure
    cohen_d: Figure


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> tuple[Figure, Figure]:
    """U of ``a`` over ``b``, and its two-sided p-value (Mann & Whitney 1947).

    U counts the pairs in which ``a`` is greater, ties as a half: 0 to ``len(a) * len(b)``. p is
    exact for small samples without ties, else the normal approximation, corrected for ties and
    continuity. When all values are the same, p is undefined; without values both are.

    Left out: pairing and clusters. It is here to be read beside the paper's figures; gates use
    the paired, clustered bootstrap.
    """
    first, second = column(a), column(b)
    if not first.size or not second.size:
        return Figure(None, "no values"), Figure(None, "no values")
    if constant(np.concatenate([first, second])):
        return Figure(first.size * second.size / 2), Figure(None, "all values are the same")
    ranked, ties = ranks(np.concatenate([first, second]))
    u = float(ranked[: first.size].sum()) - first.size * (first.size + 1) / 2
    if min(first.size, second.size) <= EXACT and ties.max() == 1:
        test = scipy_tests().mannwhitneyu(first, second, alternative="two-sided", method="exact")
        return Figure(u), Figure(float(test.pvalue))
    n, product = ranked.size, first.size * second.size
    spread = math.sqrt(product / 12 * (n + 1 - float((ties**3 - ties).sum()) / (n * (n - 1))))
    distance = abs(u - product / 2) - 0.5
    return Figure(u), Figure(min(1.0, 2 * float(special.ndtr(-distance / spread))))


def cohen_d(a: Sequence[float], b: Sequence[float]) -> Figure:
    """Difference of the means in units of the pooled standard deviation; positive when a > b.

    ``(mean a - mean b) / sqrt((SS a + SS b) / (n a + n b - 2))`` (Cohen 1988, chapter 2),
    unpaired as in the paper. Undefined when neither group varies: a gap of any size between two
    constants is no number of standard deviations.
    """
    first, second = column(a), column(b)
    if not first.size or not second.size:
        return Figure(None, "no values")
    if constant(first) and constant(second):
        return Figure(None, "neither group varies")
    squares = float(((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum())
    pooled = math.sqrt(squares / (first.size + second.size - 2))
    return Figure(float(first.mean() - second.mean()) / pooled)


def decay_tests(turns: Sequence[Sequence[float]]) -> tuple[DecayTest, ...]:
    """Every pair of turns tested as in the paper: Mann-Whitney with Bonferroni, and Cohen's d.

    ``turns`` holds one list of scores per turn, of any length. Three turns give the pairs (0, 1),
    (0, 2) and (1, 2), and p-values times three, capped at 1; one turn gives none.
    """
    pairs = list(combinations(range(len(turns)), 2))
    return tuple(_decay_test(turns, pair, len(pairs)) for pair in pairs)


def _decay_test(turns: Sequence[Sequence[float]], pair: tuple[int, int], pairs: int) -> DecayTest:
    earlier, later = turns[pair[0]], turns[pair[1]]
    u, p = mann_whitney(earlier, later)
    adjusted = p if p.value is None else Figure(min(1.0, p.value * pairs))
    return DecayTest(pair, u, p, adjusted, cohen_d(earlier, later))


def holm(ps: Sequence[float], alpha: float) -> list[bool]:
    """For each p-value, whether its hypothesis is rejected at the family-wise level ``alpha``.

    The smallest p is held against ``alpha / m``, the next against ``alpha / (m - 1)``, and so on;
    the first that is larger ends it (Holm 1979, Scand. J. Statist. 6). Any dependence is allowed.
    """
    rejected = [False] * len(ps)
    for step, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        if ps[index] > alpha / (len(ps) - step):
            break
        rejected[index] = True
    return rejected
