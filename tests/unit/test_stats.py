"""The laws of `jmeb_plugin.stats`: published examples, scipy as reference, properties, coverage."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats as reference

from jmeb_plugin import stats
from jmeb_plugin.stats import Figure, Resampled, Share

Bootstrap = Callable[..., Resampled]
Rows = list[tuple[float, str]]

BOOTSTRAPS = pytest.mark.parametrize("bootstrap", [stats.bootstrap_mean, stats.bootstrap_median])
lawful = settings(deadline=None, max_examples=40, derandomize=True, database=None)

halves = st.integers(2, 20).map(lambda half: half / 2)
guidelines = st.sampled_from([f"B-{number}" for number in range(1, 8)])
scored = st.lists(st.tuples(halves, guidelines), min_size=1, max_size=60)
passed = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), guidelines), min_size=1, max_size=60)
pairs = st.lists(st.tuples(halves, halves), min_size=2, max_size=40)


def split(rows: Rows) -> tuple[list[float], list[str]]:
    """Values and clusters apart."""
    return [value for value, _ in rows], [label for _, label in rows]


def alone(n: int) -> list[str]:
    """``n`` guidelines of one conversation each."""
    return [f"G-{number}" for number in range(n)]


def labels(groups: int, size: int) -> list[str]:
    """The guideline of each conversation, ``size`` to a guideline."""
    return [f"G-{group}" for group in range(groups) for _ in range(size)]


# -- quartiles ----------------------------------------------------------------------------------


def test_quartiles_interpolate() -> None:
    """Quartiles lie on the straight line between the values around them."""
    assert stats.quartiles([4, 1, 3, 2]) == (1.75, 2.5, 3.25)


# -- shares -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passes", "n"), [(0, 20), (1, 20), (17, 20), (20, 20), (800, 938)])
def test_share_is_wilson_without_clusters(passes: int, n: int) -> None:
    """When every conversation has a guideline to itself, the interval is the textbook Wilson."""
    ours = stats.share([1.0] * passes + [0.0] * (n - passes), alone(n))
    theirs = reference.binomtest(passes, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert (ours.value, ours.n, ours.deff) == (passes / n, n, 1.0)


def test_share_is_wilson_on_the_effective_number() -> None:
    """The interval of a clustered share is Wilson's on n / deff."""
    ours = stats.share([1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1], labels(4, 3))
    assert ours.deff > 1
    wilson = stats.wilson(ours.value, ours.n / ours.deff)
    assert (ours.low, ours.high) == (wilson.low, wilson.high)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 1 / 3])
def test_agreement_has_no_design_effect(value: float) -> None:
    """When all conversations agree, the interval has the design effect one."""
    assert stats.share([value] * 30, labels(10, 3)).deff == 1.0
    assert stats.design_effect([value] * 30, labels(10, 3)) == 1.0


def test_one_cluster_has_no_design_effect() -> None:
    """A single guideline says nothing of how guidelines differ: the design effect is one."""
    assert stats.design_effect([1, 0, 1, 1], ["A-1"] * 4) == 1.0
    assert stats.share([1, 0, 1, 1], ["A-1"] * 4).deff == 1.0


def test_singletons_have_no_design_effect() -> None:
    """Conversations with a guideline each have the design effect one, to the last bit."""
    assert stats.design_effect([1, 0, 0, 0, 0, 0], alone(6)) == 1.0


def test_design_effect_worked_example() -> None:
    """Four clusters of two that agree within: 4/3 * (4 * 1) / 64 over (2 / 7) / 8 is 7/3."""
    assert stats.design_effect([1, 1, 0, 0, 1, 1, 0, 0], labels(4, 2)) == pytest.approx(7 / 3)


def test_design_effect_takes_scores() -> None:
    """The design effect does not depend on the unit or the origin of the values."""
    zeros_and_ones = [1, 1, 0, 1, 0, 0, 1, 1]
    points = [3 + 6.5 * value for value in zeros_and_ones]
    expected = stats.design_effect(zeros_and_ones, labels(4, 2))
    assert stats.design_effect(points, labels(4, 2)) == pytest.approx(expected)


def test_few_guidelines_cost_precision() -> None:
    """A share's design effect carries Korn and Graubard's factor (t[G-1] / t[n-1]) squared."""
    values, clusters = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1], labels(4, 3)
    factor = (reference.t.ppf(0.975, 3) / reference.t.ppf(0.975, 11)) ** 2
    expected = factor * stats.design_effect(values, clusters)
    assert stats.share(values, clusters).deff == pytest.approx(expected)


@lawful
@given(rows=passed)
def test_share_bounds(rows: Rows) -> None:
    """0 <= low <= value <= high <= 1, and the design effect is at least one."""
    share = stats.share(*split(rows))
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.deff >= 1


@lawful
@given(rows=passed, shuffle=st.randoms(use_true_random=False))
def test_share_ignores_order(rows: Rows, shuffle: random.Random) -> None:
    """The order in which conversations end does not move the last bit of a share."""
    again = list(rows)
    shuffle.shuffle(again)
    assert stats.share(*split(again)) == stats.share(*split(rows))


@lawful
@given(rows=passed, threshold=st.floats(0, 1))
def test_share_p_values_invert_the_interval(rows: Rows, threshold: float) -> None:
    """A p is below 0.025 exactly when the interval lies beyond the threshold; both make 1."""
    share = stats.share(*split(rows))
    below, above = stats.share_p_below(share, threshold), stats.share_p_above(share, threshold)
    assert below + above == pytest.approx(1)
    if min(abs(threshold - share.low), abs(threshold - share.high)) > 1e-9:
        assert (below < 0.025) == (share.high < threshold)
        assert (above < 0.025) == (share.low > threshold)


@lawful
@given(rows=passed, thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_share_p_falls_with_the_threshold(rows: Rows, thresholds: tuple[float, float]) -> None:
    """The higher the bar, the stronger the evidence of lying below it."""
    share = stats.share(*split(rows))
    lower, higher = sorted(thresholds)
    p_lower, p_higher = (stats.share_p_below(share, bar) for bar in (lower, higher))
    assert p_higher <= p_lower + 1e-9


def test_share_against_certainty() -> None:
    """One exception refutes a threshold of 1 or 0; none leaves it standing."""
    some, none = stats.share([1, 1, 0], alone(3)), stats.share([0, 0, 0], alone(3))
    assert (stats.share_p_below(some, 1), stats.share_p_above(some, 0)) == (0, 0)
    assert stats.share_p_above(none, 0) == 0.5


# -- bootstrap ----------------------------------------------------------------------------------


@BOOTSTRAPS
@lawful
@given(rows=scored)
def test_bootstrap_interval_holds_its_estimate(bootstrap: Bootstrap, rows: Rows) -> None:
    """The limits lie about the estimate and within the range of the values."""
    values, clusters = split(rows)
    result = bootstrap(values, clusters, seed=0, draws=200)
    assert min(values) <= result.low <= result.value <= result.high <= max(values)


@BOOTSTRAPS
@lawful
@given(rows=scored, shuffle=st.randoms(use_true_random=False))
def test_bootstrap_ignores_order(bootstrap: Bootstrap, rows: Rows, shuffle: random.Random) -> None:
    """The order in which conversations end moves no draw by a bit."""
    again = list(rows)
    shuffle.shuffle(again)
    one, two = (bootstrap(*split(each), seed=3, draws=100) for each in (rows, again))
    assert one == two
    assert one.draws.tobytes() == two.draws.tobytes()


@BOOTSTRAPS
@lawful
@given(rows=scored, threshold=halves | st.floats(0, 11))
def test_bootstrap_p_inverts(bootstrap: Bootstrap, rows: Rows, threshold: float) -> None:
    """A p is below 0.025 exactly when the interval lies beyond the threshold, ties included."""
    result = bootstrap(*split(rows), seed=0, draws=200)
    assert (result.p_below(threshold) < 0.025) == (result.high < threshold)
    assert (result.p_above(threshold) < 0.025) == (result.low > threshold)


@pytest.mark.parametrize("draws", [40, 79, 1000, 1999, 2000])
def test_bootstrap_p_values_invert_for_any_number_of_draws(draws: int) -> None:
    """The limits are the very draws at which p crosses 0.025."""
    result = stats.bootstrap_mean([float(n) for n in range(12)], alone(12), seed=0, draws=draws)
    up, down = math.nextafter(result.high, math.inf), math.nextafter(result.low, -math.inf)
    assert result.p_below(result.high) >= 0.025 > result.p_below(up)
    assert result.p_above(result.low) >= 0.025 > result.p_above(down)


@BOOTSTRAPS
def test_bootstrap_is_seeded(bootstrap: Bootstrap) -> None:
    """The same seed gives the same bytes, another seed other draws."""
    values, clusters = [n**0.5 for n in range(60)], labels(12, 5)
    one, two, other = (bootstrap(values, clusters, seed=seed) for seed in (7, 7, 8))
    assert one.draws.tobytes() == two.draws.tobytes()
    assert one.draws.tobytes() != other.draws.tobytes()


@BOOTSTRAPS
@pytest.mark.parametrize("value", [0.1, 9.5, -3.0])
def test_agreement_is_a_point(bootstrap: Bootstrap, value: float) -> None:
    """When all values agree the interval is a point."""
    result = bootstrap([value] * 30, labels(10, 3), seed=0)
    assert (result.value, result.low, result.high) == (value, value, value)
    assert result.p_below(value) == result.p_above(value) == 1.0
    assert result.p_below(value + 1) == 1 / 2001


@BOOTSTRAPS
def test_one_cluster_resamples_conversations(bootstrap: Bootstrap) -> None:
    """With a single guideline the conversations are drawn, as if each had one to itself."""
    values = [float(n % 7) for n in range(40)]
    one = bootstrap(values, ["A-1"] * 40, seed=1)
    each = bootstrap(sorted(values), [f"G-{number:02}" for number in range(40)], seed=1)
    assert one == each
    assert one.low < one.value < one.high


@BOOTSTRAPS
def test_one_conversation_is_a_point(bootstrap: Bootstrap) -> None:
    """A single conversation has nothing to resample."""
    result = bootstrap([4.0], ["A-1"], seed=1)
    assert (result.low, result.value, result.high, result.n) == (4.0, 4.0, 4.0, 1)


@pytest.mark.parametrize(("values", "groups"), [([9.3, 7.1, 5.7], 4), ([0.1, 0.7], 5)])
def test_bootstrap_holds_its_estimate_to_the_last_bit(values: list[float], groups: int) -> None:
    """Guidelines that agree with each other have a point as interval, rounding or not."""
    clusters = labels(groups, len(values))
    result = stats.bootstrap_mean(values * groups, clusters, seed=0)
    assert result.low <= result.value <= result.high == pytest.approx(result.low)
    assert result.p_above(result.low) > 0.5
    assert result.p_below(result.high) > 0.5


def test_median_of_an_even_number_is_halfway() -> None:
    """Of four resamplings of 0 and 1 one has the median 0, two have 1/2, one has 1."""
    draws = stats.bootstrap_median([0, 1], ["A-1", "A-1"], seed=0).draws
    assert [float((draws == median).mean()) for median in (0, 0.5, 1)] == pytest.approx(
        [0.25, 0.5, 0.25], abs=0.04
    )


def test_resampled_medians_are_numpys() -> None:
    """Sixty-seven guidelines, drawn one by one and put together, have the medians we say."""
    rng = np.random.default_rng(0)
    table = np.sort(rng.integers(2, 21, (67, 4)) / 2)
    ours = stats.bootstrap_median(table.ravel().tolist(), sorted(labels(67, 4)), seed=5)
    picks = np.random.default_rng(5).integers(67, size=(2000, 67))
    by_hand = np.sort(np.median(table[picks].reshape(2000, -1), axis=1))
    assert (ours.draws == by_hand).all()


def test_clusters_of_copies_are_as_wide_as_one_each() -> None:
    """Repeating each guideline's value ten times adds conversations and no knowledge."""
    values = [float(n) for n in range(12)]
    once = stats.bootstrap_mean(values, alone(12), seed=2)
    tenfold = stats.bootstrap_mean(values * 10, alone(12) * 10, seed=2)
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))


def test_bootstrap_median_stays_on_the_scale_of_scores() -> None:
    """Limits of a median of half points are values that were seen: 7.5 is not missed by a hair."""
    rng = np.random.default_rng(4)
    values = np.clip(np.round(2 * rng.normal(8.3, 1.2, 670)) / 2, 1, 10).tolist()
    result = stats.bootstrap_median(values, labels(67, 10), seed=0)
    assert {result.low, result.high} <= set(values)


def test_draws_stay_out_of_sight() -> None:
    """Draws are read-only, and part of neither ``repr`` nor ``==``."""
    result = stats.bootstrap_mean([1, 2, 3], alone(3), seed=0, draws=40)
    assert "draws" not in repr(result)
    assert result == Resampled(result.value, result.low, result.high, 3, np.zeros(1))
    with pytest.raises(ValueError, match="read-only"):
        result.draws[0] = 1


# -- decay and its tests ------------------------------------------------------------------------

EARLIER, LATER = [9.5, 9.0, 10.0, 8.5, 9.5, 9.0], [6.5, 9.0, 5.0, 8.5, 3.0, 7.0]


def test_mann_whitney_is_scipys() -> None:
    """U and p are those of scipy's two-sided test."""
    theirs = reference.mannwhitneyu(EARLIER, LATER, alternative="two-sided")
    u, p = stats.mann_whitney(EARLIER, LATER)
    assert (u.value, p.value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-12)


@lawful
@given(a=st.lists(halves, min_size=1, max_size=40), b=st.lists(halves, min_size=1, max_size=40))
def test_mann_whitney_is_scipys_whatever_is_tied(a: list[float], b: list[float]) -> None:
    """Judges' scores come in halves, so that nearly all are tied; and few values have no ties."""
    u, p = stats.mann_whitney(a, b)
    theirs = reference.mannwhitneyu(a, b, alternative="two-sided")
    assert u.value == theirs.statistic
    assert p.value == (None if len({*a, *b}) == 1 else pytest.approx(theirs.pvalue, rel=1e-9))


@pytest.mark.parametrize("size", [8, 9])
def test_mann_whitney_is_exact_for_few_values_without_ties(size: int) -> None:
    """As scipy decides it: up to eight in the smaller group. A far tail keeps its digits."""
    few, many = list(range(size)), [100.0 + k for k in range(1000)]
    theirs = reference.mannwhitneyu(few, many, alternative="two-sided")
    assert stats.mann_whitney(few, many)[1].value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_mann_whitney_of_constants() -> None:
    """Nine ties are half of nine wins, and no test: p has a reason instead of a value."""
    u, p = stats.mann_whitney([9.0] * 3, [9.0] * 3)
    assert u == Figure(4.5)
    assert p == Figure(None, "all values are the same")


@pytest.mark.parametrize(("a", "b"), [([], []), ([], [1.0]), ([1.0, 2.0], [])])
def test_a_comparison_with_nothing_has_no_figure(a: list[float], b: list[float]) -> None:
    """Each says so in the same words."""
    nothing = Figure(None, "no values")
    assert stats.mann_whitney(a, b) == (nothing, nothing)
    assert stats.cohen_d(a, b) == nothing


def test_cohen_d_of_one_constant_group() -> None:
    """The other one's spread is enough: means 2 and 4, sums of squares 2 and 0 over 3 + 2 - 2."""
    assert stats.cohen_d([1.0, 2.0, 3.0], [4.0, 4.0]).value == pytest.approx(-2 / math.sqrt(2 / 3))


def test_cohen_d_worked_example() -> None:
    """Means 4 and 2, sums of squares 8 and 2 over 4 degrees of freedom: 2 / sqrt(2.5)."""
    assert stats.cohen_d([2, 4, 6], [1, 2, 3]).value == pytest.approx(2 / math.sqrt(2.5))


def test_cohen_d_has_the_sign_of_decay() -> None:
    """Falling scores give a positive d, and exchanging the turns turns the sign."""
    forth, back = stats.cohen_d(EARLIER, LATER).value, stats.cohen_d(LATER, EARLIER).value
    assert forth is not None
    assert forth > 0
    assert back == -forth


@pytest.mark.parametrize(("a", "b"), [([9, 9], [1, 1]), ([9], [1]), ([9, 9], [9, 9])])
def test_cohen_d_of_constants(a: list[float], b: list[float]) -> None:
    """Without any spread an effect size is undefined, however far the groups lie apart."""
    assert stats.cohen_d(a, b) == Figure(None, "neither group varies")


def test_decay_tests_cover_all_pairs() -> None:
    """Three turns are three tests, each p times three and at most one."""
    tests = stats.decay_tests([EARLIER, LATER, LATER])
    assert [test.turns for test in tests] == [(0, 1), (0, 2), (1, 2)]
    assert (tests[0].u, tests[0].p) == stats.mann_whitney(EARLIER, LATER)
    assert tests[0].cohen_d == stats.cohen_d(EARLIER, LATER)
    assert tests[0].p.value is not None
    assert tests[0].p_adjusted.value == pytest.approx(3 * tests[0].p.value)
    assert tests[2].p_adjusted == Figure(1.0)


def test_decay_tests_keep_the_reason() -> None:
    """Where p is undefined, so is the adjusted p, for the same reason."""
    (test,) = stats.decay_tests([[10, 10], [10, 10]])
    assert test.p_adjusted == test.p == Figure(None, "all values are the same")


def test_decay_tests_of_one_turn() -> None:
    """One turn cannot decay."""
    assert stats.decay_tests([EARLIER]) == ()


@pytest.mark.parametrize(
    ("ps", "rejected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),
        ([0.04, 0.001, 0.02], [True, True, True]),
        ([0.03, 0.026], [False, False]),
        ([0.025, 0.025], [True, True]),
        ([], []),
    ],
)
def test_holm_by_hand(ps: list[float], rejected: list[bool]) -> None:
    """The smallest p meets 0.05/m, the next 0.05/(m-1); the first that is larger ends it."""
    assert stats.holm(ps, 0.05) == rejected


@lawful
@given(ps=st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_bonferroni_and_nothing(ps: list[float]) -> None:
    """Holm rejects all that Bonferroni rejects, and nothing that a single test would not."""
    for p, rejected in zip(ps, stats.holm(ps, 0.025), strict=True):
        assert rejected or p > 0.025 / len(ps)
        assert p <= 0.025 or not rejected


# -- agreement of judges ------------------------------------------------------------------------

SHROUT_FLEISS = [
    (9, 2, 5, 8),
    (6, 1, 3, 2),
    (8, 4, 6, 8),
    (7, 1, 2, 6),
    (10, 5, 6, 9),
    (6, 2, 4, 7),
]


def test_icc_of_shrout_and_fleiss() -> None:
    """Six targets by four judges, table 2 of Shrout & Fleiss 1979: ICC(2,1) is 0.29."""
    value = stats.icc_2_1(*zip(*SHROUT_FLEISS, strict=True)).value
    assert value is not None
    assert round(value, 2) == 0.29


def test_icc_notices_a_stricter_judge() -> None:
    """A judge who is two points stricter throughout correlates by 1 and agrees by less."""
    lenient = [3.0, 5.0, 9.0, 7.0]
    strict = [score - 2 for score in lenient]
    icc = stats.icc_2_1(lenient, strict).value
    assert stats.pearson(lenient, strict).value == pytest.approx(1)
    assert icc is not None
    assert 0.5 < icc < 0.9


def test_icc_of_identical_judges() -> None:
    """Judges who say the same agree by one."""
    assert stats.icc_2_1([1, 5, 9], [1, 5, 9]).value == pytest.approx(1)


def test_a_correlation_is_never_above_one() -> None:
    """Rounding carries no correlation past 1, where Spearman-Brown and others would trip."""
    assert stats.pearson([8.0, 7.5, 9.0, 2.5], [0.8, 0.75, 0.9, 0.25]) == Figure(1.0)


@lawful
@given(rows=pairs)
def test_correlations_are_scipys(rows: list[tuple[float, float]]) -> None:
    """Pearson and Spearman are scipy's wherever scipy's are defined, and undefined elsewhere."""
    a, b = map(list, zip(*rows, strict=True))
    ours = (stats.pearson(a, b).value, stats.spearman(a, b).value)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert ours == (None, None)
    else:
        theirs = (reference.pearsonr(a, b).statistic, reference.spearmanr(a, b).statistic)
        assert ours == pytest.approx(theirs, abs=1e-9)


@lawful
@given(rows=pairs)
def test_agreement_is_symmetric_and_bounded(rows: list[tuple[float, float]]) -> None:
    """No figure depends on which judge is named first, and each keeps to its range."""
    a, b = map(list, zip(*rows, strict=True))
    ranges: dict[Callable[..., Figure], tuple[float, float]] = {
        stats.pearson: (-1, 1),
        stats.spearman: (-1, 1),
        stats.icc_2_1: (-math.inf, 1),
        stats.within: (0, 1),
        stats.mae: (0, 9),
    }
    for figure, (lowest, highest) in ranges.items():
        one, two = figure(a, b), figure(b, a)
        assert one.reason == two.reason
        assert one.value == pytest.approx(two.value)
        assert one.value is None or lowest <= one.value <= highest


def test_rounding_noise_is_constant() -> None:
    """Scores that differ by binary rounding only have no correlation."""
    assert stats.pearson([0.3, 0.1 + 0.2, 0.3], [1, 2, 3]) == Figure(None, "one list is constant")
    assert stats.spearman([0.3, 0.1 + 0.2, 0.3], [1, 2, 3]) == Figure(None, "one list is constant")


def test_spearman_brown_of_the_paper() -> None:
    """Two judges who correlate by 0.919 have a mean of reliability 0.958."""
    value = stats.spearman_brown(Figure(0.919)).value
    assert value is not None
    assert round(value, 3) == 0.958
    assert stats.spearman_brown(0.919).value == value


def test_within_counts_the_limit_itself() -> None:
    """9.3 and 7.3 differ by 2 points, whatever binary fractions make of it."""
    assert 9.3 - 7.3 > 2
    assert stats.within([9.3, 1.0], [7.3, 4.0]) == Figure(0.5)
    assert stats.within([9.3, 1.0], [7.3, 4.0], limit=3) == Figure(1.0)


def test_mae_by_hand() -> None:
    """The mean of the distances 2 and 3 is 2.5."""
    assert stats.mae([9, 1], [7, 4]) == Figure(2.5)


def test_bias_has_the_sign_of_mildness() -> None:
    """Errors of +2 and -3 are -0.5 on average: the first list is the stricter one."""
    assert stats.bias([9, 1], [7, 4]) == Figure(-0.5)


def test_self_consistency_by_hand() -> None:
    """Pairs count within their answer, answers alike: (2 + 1 + 1) / 3 and 3 make 13 / 6."""
    found = stats.self_consistency([[5, 7, 6], [1, 4], [9]]).value
    assert found == pytest.approx((4 / 3 + 3) / 2)
    assert stats.self_consistency([[9, 9], [1, 1]]) == Figure(0.0)


UNDEFINED = {
    "no answer was judged twice": [stats.self_consistency([]), stats.self_consistency([[9], [1]])],
    "no values": [
        stats.bias([], []),
        stats.within([], []),
        stats.mae([], []),
    ],
    "fewer than two pairs": [stats.pearson([], []), stats.spearman([4], [5])],
    "one list is constant": [stats.pearson([9, 9], [1, 2]), stats.spearman([1, 2], [9, 9])],
    "fewer than two judges or two turns": [stats.icc_2_1([1, 2]), stats.icc_2_1([1], [2])],
    "no judge's scores vary": [stats.icc_2_1([9, 9], [8, 8])],
    "the variance is zero": [stats.icc_2_1([1, 2], [2, 1])],
    "nobody knows": [stats.spearman_brown(Figure(None, "nobody knows"))],
    "the judges contradict each other exactly": [stats.spearman_brown(-1.0)],
}


@pytest.mark.parametrize("reason", UNDEFINED)
def test_the_undefined_has_a_reason(reason: str) -> None:
    """What is undefined is None with its reason: not 0.0, not nan, not a warning."""
    assert set(UNDEFINED[reason]) == {Figure(None, reason)}


# -- planning -----------------------------------------------------------------------------------


def test_share_needs_what_wilson_needs() -> None:
    """With the conversations asked for, the same share lies clear of the threshold; not before."""
    share = stats.share([1.0] * 87 + [0.0] * 13, alone(100))
    more = stats.conversations_needed(share, 0.85)
    assert more is not None
    assert share.low < 0.85
    assert stats.wilson(0.87, 100 + more).low >= 0.85 > stats.wilson(0.87, 98 + more).low


def test_share_needs_more_where_conversations_resemble_each_other() -> None:
    """With the design effect two, twice as many conversations are needed in all."""
    independent = stats.conversations_needed(Share(0.87, 0.80, 0.92, 100, 1.0), 0.85)
    alike = stats.conversations_needed(Share(0.87, 0.77, 0.93, 100, 2.0), 0.85)
    assert independent is not None
    assert alike is not None
    assert alike + 100 == pytest.approx(2 * (independent + 100), abs=1)


def test_mean_needs_the_square_of_the_ratio() -> None:
    """To shrink a half-width of 0.6 to 0.3, 100 conversations take 300 more."""
    estimate = Resampled(1.2, 0.7, 1.8, 100, np.zeros(1))
    assert stats.conversations_needed(estimate, 1.5) == 300
    assert stats.conversations_needed(estimate, 0.95) == 300


@pytest.mark.parametrize(
    "estimate", [Share(0.5, 0.4, 0.6, 100, 1.0), Resampled(0.5, 0.4, 0.6, 100, np.zeros(1))]
)
def test_no_number_moves_an_estimate_on_the_threshold(estimate: Share | Resampled) -> None:
    """On the threshold no number of conversations settles anything; far from it none is needed."""
    assert stats.conversations_needed(estimate, 0.5) is None
    assert stats.conversations_needed(estimate, 0.1 + 0.2 + 0.2 - 1e-15) is None
    assert stats.conversations_needed(estimate, 0.9) == 0


def test_smallest_drop_by_hand() -> None:
    """(1.960 + 0.842) * 2 * sqrt(2 / 400) is 0.396; four times the pairs halve it."""
    assert stats.smallest_drop(400, sd=2, deff=2) == pytest.approx(0.3962, abs=1e-4)
    assert stats.smallest_drop(1600, sd=2, deff=2) == pytest.approx(0.1981, abs=1e-4)


def test_smallest_drop_has_its_power() -> None:
    """A drop of just that size is shown by 80 % of runs."""
    drop = stats.smallest_drop(100, sd=1.5, deff=1)
    means = np.random.default_rng(0).normal(drop, 1.5 / math.sqrt(100), 20_000)
    assert (np.abs(means) > 1.96 * 1.5 / math.sqrt(100)).mean() == pytest.approx(0.8, abs=0.01)


def test_clustered_deff_by_hand() -> None:
    """Fourteen to a guideline at 0.1 are 1 + 13 * 0.1; unequal sizes weigh by the larger."""
    assert stats.clustered_deff([14] * 67, 0.1) == pytest.approx(2.3)
    assert stats.clustered_deff([1, 3], 0.5) == pytest.approx(1 + 1.5 * 0.5)
    assert stats.clustered_deff([1, 1, 1], 0.5) == 1.0


# -- mistakes of the caller ---------------------------------------------------------------------

ALL_SAFE = stats.share([1.0, 1.0], ["A-1", "A-2"])
MISTAKES: dict[str, Callable[[], object]] = {
    "no values: ask only for what was measured": lambda: stats.share([], []),
    "nan or infinity among the values": lambda: stats.bootstrap_mean([math.nan], ["A-1"], seed=0),
    "a flat list of numbers was expected, not 2": lambda: stats.quartiles([[1.0]]),  # type: ignore[list-item]
    "2 values, but 1 cluster labels": lambda: stats.design_effect([1, 0], ["A-1"]),
    "a share is taken of values between 0 and 1": lambda: stats.share([2.0], ["A-1"]),
    "a share cannot be held against 1.5": lambda: stats.share_p_below(ALL_SAFE, 1.5),
    "takes at least 40 draws, not 39": lambda: stats.bootstrap_median([1], ["A"], 0, draws=39),
    r"paired lists differ in length: \[1, 2\]": lambda: stats.mae([1], [1, 2]),
    "n is 0 and power 0.8: expected": lambda: stats.smallest_drop(0, 1, 1),
    "n is 5 and power 1: expected": lambda: stats.smallest_drop(5, 1, 1, power=1),
    "no conversations to plan for": lambda: stats.clustered_deff([], 0.1),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_are_named(message: str) -> None:
    """Impossible input is a ValueError that says what was expected."""
    with pytest.raises(ValueError, match=message):
        MISTAKES[message]()


def test_results_are_plain_json() -> None:
    """Every number handed out is Python's own and can be written to results.json as it is."""
    share = stats.share([1, 0, 1, 1], labels(2, 2))
    mean = stats.bootstrap_mean([1, 2, 3, 5], labels(2, 2), seed=0)
    (test,) = stats.decay_tests([EARLIER, LATER])
    numbers = [share.value, share.low, share.high, share.n, share.deff, mean.value, mean.low]
    numbers += [mean.high, mean.n, mean.p_below(2), stats.share_p_below(share, 0.5)]
    figures = [test.u, test.p, test.cohen_d, stats.pearson(EARLIER, LATER)]
    figures += [stats.icc_2_1(EARLIER, LATER), stats.mae(EARLIER, LATER), stats.within([1], [2])]
    values = [*numbers, *stats.quartiles([1, 2]), *(figure.value for figure in figures)]
    assert {type(value) for value in values} == {int, float}
    assert json.loads(json.dumps(values)) == values


# -- coverage: the long version is benchmarks/coverage.py -----------------------------------------

RUNS = 400
ENOUGH = 0.92
"""0.95 less almost three standard errors of a share seen in 400 runs (0.011 each)."""


def beta_binomial(rate: float, groups: int, size: int, icc: float) -> Iterator[list[float]]:
    """Runs of zeros and ones that correlate by ``icc`` within a guideline."""
    rng = np.random.default_rng(2026)
    spread = 1 / icc - 1 if icc else math.inf
    for _ in range(RUNS):
        rates = np.full(groups, rate)
        if icc:
            rates = rng.beta(rate * spread, (1 - rate) * spread, groups)
        yield (rng.random((groups, size)) < rates[:, None]).astype(float).ravel().tolist()


@pytest.mark.parametrize("icc", [0, 0.05, 0.1, 0.2])
def test_share_covers(icc: float) -> None:
    """95 % intervals of the pass rate hold the true rate in 95 % of runs, clustered or not."""
    clusters = labels(67, 14)
    shares = [stats.share(values, clusters) for values in beta_binomial(0.85, 67, 14, icc)]
    assert ENOUGH <= sum(share.low <= 0.85 <= share.high for share in shares) / RUNS <= 0.98


def test_share_without_design_effect_would_not_cover() -> None:
    """The coverage test can fail: with the design effect left out, a third of intervals miss."""
    runs = beta_binomial(0.85, 67, 14, icc=0.2)
    naive = [stats.wilson(sum(values) / len(values), len(values)) for values in runs]
    assert sum(each.low <= 0.85 <= each.high for each in naive) / RUNS < 0.80


def test_share_covers_with_five_guidelines() -> None:
    """The factor for few guidelines is what makes five of them enough for an honest interval."""
    runs = list(beta_binomial(0.85, 5, 14, icc=0.2))
    clusters = labels(5, 14)
    shares = [stats.share(values, clusters) for values in runs]
    bare = [
        stats.wilson(share.value, share.n / stats.design_effect(values, clusters))
        for share, values in zip(shares, runs, strict=True)
    ]
    assert sum(share.low <= 0.85 <= share.high for share in shares) / RUNS >= ENOUGH
    assert sum(each.low <= 0.85 <= each.high for each in bare) / RUNS < 0.90


@pytest.mark.parametrize("groups", [3, 5, 10, 67])
def test_bootstrap_mean_covers(groups: int) -> None:
    """95 % intervals of a clustered mean hold the true mean in 95 % of runs, few guidelines too."""
    rng, clusters, hits = np.random.default_rng(2026), labels(groups, 14), 0
    for run in range(RUNS):
        values = rng.normal(6, 1, (groups, 1)) + rng.normal(0, 2, (groups, 14))
        result = stats.bootstrap_mean(values.ravel().tolist(), clusters, seed=run, draws=1000)
        hits += result.low <= 6 <= result.high
    assert ENOUGH <= hits / RUNS <= 0.98


def test_bootstrap_mean_unwidened_would_not_cover() -> None:
    """The coverage test can fail: five guidelines' plain percentile interval holds in 83 %."""
    rng, hits = np.random.default_rng(2026), 0
    for _ in range(RUNS):
        means = rng.normal(6, 1, 5) + rng.normal(0, 2 / math.sqrt(14), 5)
        draws = means[rng.integers(5, size=(1000, 5))].mean(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        hits += bool(low <= 6 <= high)
    assert hits / RUNS < 0.90


GAP = None
RATED = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3),
    (GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP),
)


def test_alpha_is_krippendorffs_own_example():
    """Four raters, twelve units, gaps: 0.815 for ordinal data (Krippendorff 2011, section D)."""
    assert stats.krippendorff_alpha(*RATED).value == pytest.approx(0.815, abs=5e-4)


@given(st.lists(st.tuples(*[st.none() | st.integers(1, 10)] * 3), max_size=12), st.randoms())
def test_alpha_knows_no_order(rows, dice):
    """Neither of raters nor of turns; what one rater alone scored has no part in it."""
    found = stats.krippendorff_alpha(*zip(*rows, strict=True))
    shuffled = [dice.sample(row, 3) for row in dice.sample(rows, len(rows))] + [[5, None, None]]
    other = stats.krippendorff_alpha(*zip(*shuffled, strict=True))
    assert found.value == pytest.approx(other.value) if found.value is not None else other.value is None


def test_alpha_needs_two_scores_and_a_difference():
    """Undefined where nobody can be compared, and where everything is the same; 1 where all agree."""
    assert stats.krippendorff_alpha([1, None], [None, 2]).reason == "no turn has two scores"
    assert stats.krippendorff_alpha([3, 3], [3, 3]).reason == "all scores are the same"
    assert stats.krippendorff_alpha([1, 5, 9], [1, 5, 9]).value == 1.0
    with pytest.raises(ValueError, match="paired lists differ in length"):
        stats.krippendorff_alpha([1], [1, 2])
