"""Paired differences: is a run worse than the one before it, conversation by conversation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jmeb_plugin.stats.columns import column
from jmeb_plugin.stats.figures import Figure, scipy_tests


def wilcoxon(drops: Sequence[float]) -> tuple[Figure, Figure]:
    """The signed-rank statistic of paired differences, and its two-sided p-value (Wilcoxon 1945).

    ``drops``: one difference per conversation, in points. The statistic is the smaller of the two
    rank sums; differences of zero take ranks and then count on neither side (Pratt 1959), since
    saturated scores give many; p is the normal approximation. Undefined where nothing differs.
    Left out: clusters; the gate uses the clustered bootstrap.
    """
    values = np.round(column(drops), 9)
    if not values.any():
        return Figure(None, "no conversation differs"), Figure(None, "no conversation differs")
    test = scipy_tests().wilcoxon(values, zero_method="pratt", method="approx")
    return Figure(float(test.statistic)), Figure(float(test.pvalue))


def holm_adjusted(ps: Sequence[float]) -> list[float]:
    """p-values after Holm's step-down correction, in their order, each at most 1 (Holm 1979)."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for step, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        highest = max(highest, min(1.0, ps[index] * (len(ps) - step)))
        adjusted[index] = highest
    return adjusted
