"""The laws of `jmeb_plugin.sampling`: quotas, pairs, evenness, seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given, strategies as st

from jmeb_plugin.sampling import sample_cells, sample_total
from jmeb_plugin.suite import Conversation, bundled, load_suite
from tests.unit.builders import make_suite

seeds = st.integers(0, 5)


@st.composite
def ragged(draw: st.DrawFn) -> list[Conversation]:
    """A suite from which some conversations were taken, so that cells and pairs are uneven."""
    whole = make_suite(draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    return [talk for talk in whole.conversations if draw(st.integers(0, 9)) > draw(st.integers(0, 4))]


grids = st.builds(make_suite, st.integers(1, 9), st.integers(1, 7), st.integers(1, 3)).map(
    lambda suite: suite.conversations
)


def pairs_of(talks: Sequence[Conversation]) -> dict[tuple[str, str, int], set[str]]:
    """The languages of each conversation."""
    found: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for talk in talks:
        found[talk.guideline, talk.strategy, talk.n].add(talk.language)
    return found


def spread(counts: Counter[object], of: set[object]) -> int:
    """How far the most visited is ahead of the least visited."""
    return max(counts[name] for name in of) - min(counts[name] for name in of)


@given(ragged(), st.integers(1, 4), seeds)
def test_a_cell_gives_at_most_its_quota(talks: list[Conversation], quota: int, seed: int) -> None:
    """No cell of guideline, strategy and language gives more than asked; none stays empty needlessly."""
    drawn = Counter((t.guideline, t.strategy, t.language) for t in sample_cells(talks, quota, seed))
    there = Counter((t.guideline, t.strategy) for t in talks)
    assert all(count <= quota for count in drawn.values())
    assert {cell[:2] for cell in drawn} == set(there)


@given(grids, st.integers(1, 4), seeds)
def test_a_full_cell_gives_its_quota(talks: list[Conversation], quota: int, seed: int) -> None:
    """Where every conversation is there in both languages, each cell gives the quota or all it has."""
    drawn = Counter((t.guideline, t.strategy, t.language) for t in sample_cells(talks, quota, seed))
    there = Counter((t.guideline, t.strategy, t.language) for t in talks)
    assert drawn == Counter({cell: min(quota, count) for cell, count in there.items()})


@given(ragged(), st.integers(1, 40), seeds)
def test_pairs_stay_together_and_the_order_too(talks: list[Conversation], size: int, seed: int) -> None:
    """Both samplers take all languages of a conversation or none, and keep the suite's order."""
    for drawn in (sample_cells(talks, size, seed), sample_total(talks, size, seed)):
        assert all(languages == pairs_of(talks)[key] for key, languages in pairs_of(drawn).items())
        assert drawn == [talk for talk in talks if talk in drawn]


@given(ragged(), st.integers(1, 80), seeds)
def test_the_total_is_met(talks: list[Conversation], total: int, seed: int) -> None:
    """A total is met exactly or passed by the other half of the last pair; a small suite gives all."""
    drawn = len(sample_total(talks, total, seed))
    assert drawn in (min(total, len(talks)), total + 1)


@given(grids, st.integers(1, 120), seeds)
def test_a_total_is_spread_evenly(talks: list[Conversation], total: int, seed: int) -> None:
    """In a full suite, no cell, guideline or strategy is ever visited twice more often than another once."""
    drawn = [talk for talk in sample_total(talks, total, seed) if talk.language == "en"]
    for key in (lambda t: t.guideline, lambda t: t.strategy, lambda t: (t.guideline, t.strategy)):
        assert spread(Counter(map(key, drawn)), set(map(key, talks))) <= 1


@given(ragged(), st.integers(1, 40), seeds)
def test_a_larger_total_holds_the_smaller(talks: list[Conversation], total: int, seed: int) -> None:
    """Raising the total only adds conversations, so that what was paid for is used again."""
    assert set(sample_total(talks, total, seed)) <= set(sample_total(talks, total + 7, seed))


@given(st.permutations(make_suite(3, 2, 3).conversations), st.integers(1, 20), seeds)
def test_equal_seeds_draw_equally(talks: list[Conversation], size: int, seed: int) -> None:
    """The draw depends on the seed and not on the order of the files."""
    usual = make_suite(3, 2, 3).conversations
    assert set(sample_total(talks, size, seed)) == set(sample_total(usual, size, seed))
    assert set(sample_cells(talks, 1, seed)) == set(sample_cells(usual, 1, seed))


def test_other_seeds_draw_otherwise() -> None:
    """The seed matters: ten seeds do not all draw the same."""
    talks = make_suite(5, 3, 4).conversations
    assert len({tuple(talk.id for talk in sample_cells(talks, 1, seed)) for seed in range(10)}) > 1
    assert len({tuple(talk.id for talk in sample_total(talks, 10, seed)) for seed in range(10)}) > 1


def test_nothing_gives_nothing() -> None:
    """An empty suite gives an empty sample."""
    assert sample_total([], 10, 0) == sample_cells([], 10, 0) == []


def test_a_sample_of_134_covers_every_guideline_in_both_languages() -> None:
    """134 of the bundled suite are one pair of each of its 67 guidelines, the strategies even."""
    folder = bundled("jmeb")
    assert folder is not None
    drawn = sample_total(load_suite(folder).conversations, 134, 0)
    assert Counter(Counter((t.guideline, t.language) for t in drawn).values()) == {1: 134}
    assert set(Counter(t.strategy for t in drawn).values()) == {18, 20}
