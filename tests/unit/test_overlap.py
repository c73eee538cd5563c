"""The laws of `jmeb_plugin.stats.overlap`: what it counts is what sets would count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.stats import overlap, overlaps

TOKENS = st.lists(st.integers(0, 3), max_size=8)


def by_hand(parts: list[list[list[int]]], size: int, groups: list[int]) -> dict[tuple[int, int], float]:
    """The highest share of every pair of a group."""
    sets = [
        [{tuple(one[k : k + size]) for k in range(len(one) - size + 1)} for one in part] for part in parts
    ]
    return {
        (a, b): max(len(part[a] & part[b]) / max(1, min(len(part[a]), len(part[b]))) for part in sets)
        for a, b in itertools.combinations(range(len(groups)), 2)
        if groups[a] == groups[b]
    }


@given(st.data(), st.integers(1, 9), st.integers(1, 3), st.sampled_from([0.0, 0.25, 0.5]))
def test_every_pair_is_counted_as_sets_would(data, members, size, limit):
    """Pairs, those above the limit and the most alike, whatever the tiles, in groups and in one."""
    parts = data.draw(st.lists(st.lists(TOKENS, min_size=members, max_size=members), min_size=1, max_size=3))
    groups = data.draw(st.lists(st.integers(0, 2), min_size=members, max_size=members))
    expected = by_hand(parts, size, groups)
    rows, columns = overlap.ROWS, overlap.COLUMNS
    overlap.ROWS, overlap.COLUMNS = data.draw(st.sampled_from([(2, 4), (128, 4096)]))
    try:
        found = overlaps(parts, size, limit, groups=groups)
    finally:
        overlap.ROWS, overlap.COLUMNS = rows, columns
    assert (found.pairs, found.compared) == (len(expected), len(expected))
    assert found.above == sum(share > limit for share in expected.values())
    shares = {(pair.first, pair.second): pytest.approx(pair.share) for pair in found.likest}
    assert shares == {pair: share for pair, share in expected.items() if share > 0}
    assert [pair.share for pair in found.likest] == sorted((p.share for p in found.likest), reverse=True)


def test_the_part_in_which_two_share_most_is_named():
    """A pair counts once, by its most alike part."""
    parts = [[[1, 2, 3], [1, 2, 9]], [[4, 5, 6], [4, 5, 6]]]
    (pair,) = overlaps(parts, 2, 0.3).likest
    assert (pair.first, pair.second, pair.part, pair.share) == (0, 1, 1, 1.0)


def test_a_short_one_inside_a_long_one_is_contained():
    """The share is that of the shorter."""
    (pair,) = overlaps([[[1, 2, 3], [7, 8, 1, 2, 3, 9, 9, 9]]], 3, 0.3).likest
    assert pair.share == 1.0


def test_where_the_budget_ends_members_are_drawn():
    """The same seed draws the same; what was compared is said, and is fewer than there are."""
    part = [[k % 7, k % 5, k % 3, 1, 2, 3] for k in range(400)]
    whole, drawn = overlaps([part], 3, 0.3), overlaps([part], 3, 0.3, budget=1e5)
    assert (whole.pairs, whole.compared) == (79_800, 79_800)
    assert (drawn.pairs, drawn == overlaps([part], 3, 0.3, budget=1e5)) == (79_800, True)
    assert 0 < drawn.compared < 40_000
    assert drawn.above / drawn.compared == pytest.approx(whole.above / whole.compared, abs=0.05)
    assert drawn != overlaps([part], 3, 0.3, budget=1e5, seed=1)


def test_only_the_most_alike_are_kept():
    """As many as were asked for."""
    part = [[1, 2, 3, k, k + 100] for k in range(40)]
    found = overlaps([part], 2, 0.3, most=5)
    assert (len(found.likest), found.above) == (5, 780)
