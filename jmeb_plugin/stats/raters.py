"""Several human raters: how far they agree when not everyone rated everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jmeb_plugin.stats.columns import FloatArray, column
from jmeb_plugin.stats.figures import Figure


def krippendorff_alpha(*raters: Sequence[float | None]) -> Figure:
    """Krippendorff's α for ordinal scores: 1 is agreement, 0 is what chance would give.

    One list per rater over the same turns, ``None`` where a rater gave no score; turns with fewer than
    two scores have no part in it. Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section
    D: with the coincidences ``o[c, k]``, each pair of a turn with m scores weighing 1/(m - 1), and their
    sums n[c], ``α = 1 - (n - 1) Σ o[c, k] δ² / Σ n[c] n[k] δ²`` with the ordinal distance
    ``δ = Σ n[g] for g from c to k, less (n[c] + n[k]) / 2``. Undefined where no turn has two scores and
    where all scores are the same. Lists of different length are a ``ValueError``.
    """
    if len({len(rater) for rater in raters}) > 1:
        raise ValueError(f"paired lists differ in length: {[len(rater) for rater in raters]}")
    turns = [[score for score in turn if score is not None] for turn in zip(*raters, strict=True)]
    rated = [column(turn) for turn in turns if len(turn) > 1]
    if not rated:
        return Figure(None, "no turn has two scores")
    values = np.unique(np.concatenate(rated))
    if values.size == 1:
        return Figure(None, "all scores are the same")
    together = _coincidences(rated, values)
    sums = together.sum(axis=1)
    below = sums.cumsum() - sums / 2  # half of its own weight: what lies between two is a difference of these
    distance = (below[:, None] - below[None, :]) ** 2
    observed = float((together * distance).sum())
    expected = float((np.outer(sums, sums) * distance).sum())
    return Figure(1 - (float(sums.sum()) - 1) * observed / expected)


def _coincidences(rated: Sequence[FloatArray], values: FloatArray) -> FloatArray:
    """How often each two values stand together in a turn, each turn weighing as many as its scores."""
    together = np.zeros((values.size, values.size))
    for turn in rated:
        counts = np.bincount(np.searchsorted(values, turn), minlength=values.size).astype(np.float64)
        together += (np.outer(counts, counts) - np.diag(counts)) / (turn.size - 1)
    return together
