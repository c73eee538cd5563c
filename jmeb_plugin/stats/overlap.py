"""How much sequences have in common: the n-grams that the two of a pair share, over all pairs.

The share of a pair is |A ∩ B| / min(|A|, |B|) over their sets of n-grams (the overlap coefficient
of Szymkiewicz and Simpson), so that a short text inside a long one counts as wholly contained. It
is counted by sparse products, not estimated by MinHash: one step for each gram that two members
share, and unlike texts share few. Only where that would cost more than a budget are members drawn,
and each of them held against its whole group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jmeb_plugin.stats.columns import IntArray

ROWS, COLUMNS = 128, 4096
"""Members that are held against each other at a time: what a CPU cache takes."""

BASE = np.uint64(0x9E3779B97F4A7C15)
"""Base of the polynomial (modulo 2**64) by which an n-gram becomes one number."""

Shares = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members by their places, and what they share in the part in which they share most."""

    share: float
    first: int
    second: int
    part: int


@dataclass(frozen=True, slots=True)
class Overlaps:
    """``above`` of the ``compared`` pairs (of all ``pairs``) share more than the limit in some part.

    ``likest``: the most alike first; empty where no pair shares anything.
    """

    pairs: int
    compared: int
    above: int
    likest: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Grams:
    """Which member holds which n-gram (ones in a sparse matrix), and how many each holds.

    Grams of one member alone are counted and left out: they can be shared with nobody. ``across``
    is the matrix turned over, in tiles of `COLUMNS` members.
    """

    matrix: Any
    across: Sequence[Any]
    sizes: Shares

    def shares(self, rows: slice, tile: int) -> Shares:
        """What each of the rows shares with each member of the tile."""
        sizes = self.sizes[tile * COLUMNS : (tile + 1) * COLUMNS]
        common: Shares = (self.matrix[rows] @ self.across[tile]).toarray()
        common /= np.maximum(1, np.minimum(self.sizes[rows][:, None], sizes))
        return common


def overlaps(
    parts: Sequence[Sequence[Sequence[int]]],
    size: int,
    limit: float,
    *,
    groups: Sequence[int] = (),
    most: int = 50,
    budget: float = 1e10,
    seed: int = 0,
) -> Overlaps:
    """Compare every member with every other of its group, part by part; a pair's share is its highest.

    ``parts[p][k]`` is part ``p`` of member ``k``, its words or characters as numbers; ``groups[k]``
    is the member's group (without it all are one). ``seed`` draws members where the ``budget``
    (in steps, about 2e8 of them a second) does not reach for all.
    """
    labels = np.asarray(groups or np.zeros(len(parts[0])), np.intp)
    matrices, sizes = zip(*(incidence(part, size) for part in parts), strict=True)
    order, drawn = draw(matrices, budget, seed)
    grams = [held(*pair, order) for pair in zip(matrices, sizes, strict=True)]
    compared, above, likest = 0, 0, list[Pair]()
    for rows, tile in rounds(drawn, len(order)):
        columns = order[tile * COLUMNS : (tile + 1) * COLUMNS]
        wanted = labels[order[rows]][:, None] == labels[columns]
        wanted &= np.arange(rows.start, rows.stop)[:, None] < tile * COLUMNS + np.arange(len(columns))
        parted = [one.shares(rows, tile) for one in grams]
        shares = np.maximum.reduce(parted)
        shares[~wanted] = 0
        compared += int(wanted.sum())
        above += int((shares > limit).sum())
        floor = likest[-1].share if len(likest) == most else 0.0
        for row, column in top(shares, most, floor):
            part = int(np.argmax([one[row, column] for one in parted]))
            first, second = sorted((int(order[rows.start + row]), int(columns[column])))
            likest.append(Pair(float(shares[row, column]), first, second, part))
        likest = sorted(likest, key=lambda pair: (-pair.share, pair.first, pair.second))[:most]
    counts = np.unique(labels, return_counts=True)[1]
    return Overlaps(int((counts * (counts - 1) // 2).sum()), compared, above, tuple(likest))


def incidence(part: Sequence[Sequence[int]], size: int) -> tuple[Any, Shares]:
    """The matrix and the sizes of `Grams`, members as they come."""
    from scipy.sparse import csr_array

    flat = np.concatenate([np.zeros(0, np.uint64), *(np.asarray(one, np.uint64) for one in part)])
    owner = np.repeat(np.arange(len(part)), [len(one) for one in part])
    count = max(0, len(flat) - size + 1)
    keys = np.zeros(count, np.uint64)
    for step in range(size):
        keys = keys * BASE + flat[step : step + count]
    whole = owner[:count] == owner[len(flat) - count :]
    distinct, grams = np.unique(keys[whole], return_inverse=True)
    width = max(1, len(distinct))
    once = np.sort(owner[:count][whole] * width + grams)  # np.unique hashes, which is slower here
    holders, grams = np.divmod(once[np.diff(once, prepend=-1) > 0], width)
    shared = np.bincount(grams, minlength=width) > 1
    places = (np.cumsum(shared) - 1)[grams[shared[grams]]]
    ones = np.ones(len(places), np.float32)
    shape = len(part), max(1, int(shared.sum()))
    matrix = csr_array((ones, (holders[shared[grams]], places)), shape=shape)
    return matrix, np.bincount(holders, minlength=len(part)).astype(np.float32)


def draw(matrices: Sequence[Any], budget: float, seed: int) -> tuple[IntArray, int]:
    """An order of the members, and how many of its first are to be compared with all after them.

    The cost is a step for each gram that two members share, and one for each pair and part.
    """
    members = matrices[0].shape[0]
    shared = sum(float((matrix.sum(axis=0).astype(np.float64) ** 2).sum()) for matrix in matrices)
    count = int(members * budget / max(1.0, shared + len(matrices) * float(members) ** 2))
    if count >= members:
        return np.arange(members), members
    return np.random.default_rng(seed).permutation(members), max(1, count)


def held(matrix: Any, sizes: Shares, order: IntArray) -> Grams:
    """The grams of the members in this order."""
    matrix = matrix[order]
    across = [matrix[start : start + COLUMNS].T.tocsr() for start in range(0, len(order), COLUMNS)]
    return Grams(matrix, across, sizes[order])


def rounds(drawn: int, members: int) -> Iterator[tuple[slice, int]]:
    """Rows up to the last drawn one, each with the tiles of the members that come after them."""
    for start in range(0, drawn, ROWS):
        for tile in range(start // COLUMNS, -(-members // COLUMNS)):
            yield slice(start, min(start + ROWS, drawn)), tile


def top(shares: Shares, most: int, floor: float) -> Iterator[tuple[int, int]]:
    """Row and column of the highest shares above ``floor``, in no order."""
    flat = shares.ravel()
    places = np.flatnonzero(flat > floor)
    if len(places) > most:
        places = places[np.argpartition(flat[places], -most)[-most:]]
    for place in places.tolist():
        yield divmod(place, shares.shape[1])
