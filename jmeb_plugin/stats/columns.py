"""Lists of numbers as checked arrays, and the clusters they fall into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SAME = 1e-9
"""Scores run from 1 to 10: what differs by less than this differs by rounding only."""


def column(values: Sequence[float]) -> FloatArray:
    """The values as a one-dimensional array, possibly empty.

    Raises ``ValueError`` for nan and infinity: a missing score has to be left out by the caller.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"a flat list of numbers was expected, not {array.ndim} dimensions")
    if not np.isfinite(array).all():
        raise ValueError("nan or infinity among the values; leave out what was not measured")
    return array


def some(values: Sequence[float]) -> FloatArray:
    """`column` for estimators that have no answer to an empty list: ``ValueError``."""
    array = column(values)
    if not array.size:
        raise ValueError("no values: ask only for what was measured")
    return array


def columns(*lists: Sequence[float]) -> list[FloatArray]:
    """Lists that belong together row by row; ``ValueError`` when their lengths differ."""
    arrays = [column(values) for values in lists]
    lengths = [array.size for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"paired lists differ in length: {lengths}")
    return arrays


def constant(array: FloatArray) -> bool:
    """Whether all values are the same, but for rounding; a single value and none are."""
    return not array.size or float(np.ptp(array)) <= SAME * max(1.0, float(np.abs(array).max()))


def ranks(array: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The rank of each value from 1, ties sharing their mean rank; and how often each value is there."""
    _, places, counts = np.unique(array, return_inverse=True, return_counts=True)
    means = counts.cumsum() - (counts - 1) / 2
    return means[places], counts.astype(np.float64)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile, linearly interpolated.

    This is definition 7 of Hyndman & Fan 1996, numpy's default. Raises ``ValueError`` for no
    values.
    """
    q1, median, q3 = np.percentile(some(values), [25, 50, 75])
    return float(q1), float(median), float(q3)


@dataclass(frozen=True, slots=True, eq=False)
class Clustered:
    """Values in one canonical order with the number of each one's cluster, 0 to ``count`` - 1.

    The order depends on labels and values alone, so every sum over it has the same last bit
    whatever order the conversations ended in.
    """

    values: FloatArray
    codes: IntArray
    count: int

    @property
    def sizes(self) -> FloatArray:
        """Values per cluster."""
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)

    def sums(self, values: FloatArray) -> FloatArray:
        """Per cluster, the sum of ``values`` (which stand in the order of ``self.values``)."""
        return np.bincount(self.codes, values, minlength=self.count).astype(np.float64)

    def apart(self) -> Clustered:
        """The same values, each a cluster of its own."""
        return Clustered(self.values, np.arange(self.values.size), self.values.size)


def clustered(values: Sequence[float], clusters: Sequence[str]) -> Clustered:
    """Values with the label of each one's cluster (a guideline's id), in canonical order.

    Raises ``ValueError`` for no values and for lists of different length.
    """
    array = some(values)
    if len(clusters) != array.size:
        raise ValueError(f"{array.size} values, but {len(clusters)} cluster labels")
    labels, codes = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.lexsort((array, codes))
    return Clustered(array[order], codes[order], labels.size)
