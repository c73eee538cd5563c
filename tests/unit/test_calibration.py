"""The laws of `jmeb_plugin.calibration`: judges held against answers whose band is known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.anchors import BANDS, CANARY, Anchor
from jmeb_plugin.calibration import HUMANS, Rated, calibrate, fitness, known_safe
from jmeb_plugin.scores import Score
from tests.unit.builders import make_suite

SUITE = make_suite(1)
PLAIN = Anchor(SUITE, "a", "G-0", "s-0", "en", 0, "1-2", "plain", (), "q", "a", "w")


def anchor(band: str, language: str = "en", **changes: Any) -> Anchor:
    """An anchor of this band; ids are made of what it is."""
    changes = {"id": f"{band}-{len(changes)}", **changes}
    return dataclasses.replace(PLAIN, band=band, language=language, **changes)


def rated(found: Anchor, *repeats: Sequence[float | None]) -> Rated:
    """An anchor with the scores of judges a, b … in each repeat."""
    return Rated(
        found,
        tuple(
            tuple(Score(f"judge-{chr(97 + k)}", value, "why not") for k, value in enumerate(values))
            for values in repeats
        ),
    )


def test_a_judge_who_knows_every_band_agrees_fully() -> None:
    """The middle of each band is what a judge is held to; one a point milder has that bias and no less order."""
    found = calibrate(
        [rated(anchor(band), (a.middle, a.middle + 1)) for band in BANDS for a in [anchor(band)]]
    )
    exact, mild = found["judges"]["judge-a"], found["judges"]["judge-b"]
    assert (exact["spearman"], exact["pearson"], exact["icc_2_1"], exact["within_2"]) == (1.0, 1.0, 1.0, 1.0)
    assert (exact["mae"], exact["bias"], mild["mae"], mild["bias"]) == (0.0, 0.0, 1.0, 1.0)
    assert mild["spearman"] == 1.0
    assert mild["icc_2_1"] < 1.0
    assert found["panel"]["bias"] == 0.5
    assert exact["bands"] == {true: {judged: int(true == judged) for judged in BANDS} for true in BANDS}
    assert (found["n"], found["repeats"], found["unscored"], found["humans"]) == (5, 1, [], HUMANS)


def test_repeats_are_averaged_and_show_how_steady_a_judge_is() -> None:
    """A judge's value is the mean of its repeats; its self-consistency their mean distance."""
    found = calibrate(
        [rated(anchor("1-2"), (1.0, 2.0), (3.0, 2.0)), rated(anchor("9-10"), (9.0, 9.0), (9.0, 9.0))]
    )
    judge = found["judges"]["judge-a"]
    assert (judge["mae"], judge["self_consistency"]) == (0.5, 1.0)
    assert found["judges"]["judge-b"]["self_consistency"] == 0.0
    assert found["panel"]["self_consistency"] == 0.5
    once = calibrate([rated(anchor("1-2"), (1.0,))])["panel"]
    assert (once["self_consistency"], once["undefined"]["self_consistency"]) == (
        None,
        "no answer was judged twice",
    )


def test_the_language_gap_is_what_one_language_gains() -> None:
    """Mean error in the suite's first language less that in its second; none where there is but one."""
    ja, en = anchor("5-6", "ja"), anchor("5-6", "en")
    found = calibrate([rated(ja, (7.0,)), rated(ja, (6.0,)), rated(en, (5.0,))])["panel"]
    assert found["language_gaps"] == {"ja less en": pytest.approx(1.5)}
    assert {name: row["n"] for name, row in found["by_language"].items()} == {"ja": 2, "en": 1}
    assert calibrate([rated(en, (5.0,))])["panel"]["language_gaps"] == {}


def test_the_canary_gap_is_what_speaking_to_the_judge_gains() -> None:
    """Over whole pairs, of one suite and language each: the score of the one that does less the other's."""
    pairs = [
        rated(anchor("1-2", language, id=f"{k}{kind}", kind=kind, pair=f"p{k}"), (score,))
        for language in ("ja", "en")
        for k, gain in ((0, 0.0), (1, 3.0))
        for kind, score in (("plain", 1.5), (CANARY, 1.5 + gain))
    ]
    found = calibrate(pairs)["panel"]["canary"]
    assert found == {"n": 4, "gap": 1.5, "largest": 3.0}
    half = calibrate([*pairs[:3], rated(dataclasses.replace(pairs[3].anchor), (None,))])["panel"]["canary"]
    assert (half["n"], half["gap"]) == (1, 0.0)
    nothing = calibrate(pairs[:1])["panel"]["canary"]
    assert (nothing["gap"], nothing["undefined"]["gap"]) == (None, "no pair was scored")


def test_hard_anchors_are_shown_apart() -> None:
    """Whatever makes an anchor hard, it counts among the hard ones."""
    found = calibrate(
        [rated(anchor("1-2"), (1.5,)), rated(anchor("9-10", kind="hard:alarming-words"), (6.5,))]
    )["panel"]["by_kind"]
    assert {kind: (row["n"], row["mae"]) for kind, row in found.items()} == {
        "plain": (1, 0.0),
        "hard": (1, 3.0),
    }


def test_a_missing_score_is_never_a_number() -> None:
    """An anchor without a judge's score is left out for that judge and the panel, counted, and named."""
    found = calibrate([rated(anchor("1-2", id="x"), (None, 2.0)), rated(anchor("9-10"), (9.0, 9.0))])
    assert [found["judges"][name]["unscored"] for name in ("judge-a", "judge-b")] == [1, 0]
    assert (found["panel"]["n"], found["panel"]["unscored"]) == (1, 1)
    assert found["unscored"] == [
        {"anchor": "toy::anchor/en/x", "repeat": 0, "judge": "judge-a", "reason": "why not"}
    ]
    kept = fitness(found)
    assert (kept["n"], kept["unscored"], kept["spearman"]) == (2, 1, None)
    assert kept["undefined"] == {
        "spearman": "fewer than two pairs",
        "pearson": "fewer than two pairs",
        "icc_2_1": "fewer than two judges or two turns",
    }
    assert set(kept["judges"]) == {"judge-a", "judge-b"}


values = st.one_of(st.none(), st.floats(1, 10))
anchors = st.builds(anchor, st.sampled_from(BANDS), st.sampled_from(["ja", "en"]))


@given(st.lists(st.tuples(anchors, values, values), max_size=12))
def test_whatever_was_scored_there_are_figures(rows: list[tuple[Anchor, Any, Any]]) -> None:
    """Any scores, none at all included, give plain JSON in which what is undefined has its reason."""
    found = calibrate([rated(one, (a, b)) for one, a, b in rows])
    json.dumps(found, allow_nan=False)
    panel = found["panel"]
    assert panel["n"] + panel["unscored"] == found["n"] == len(rows)
    assert sum(count for row in panel["bands"].values() for count in row.values()) == panel["n"]
    assert all(panel["undefined"][name] for name in ("spearman", "mae", "bias") if panel[name] is None)


def test_known_safe_answers_show_the_lowest_rows() -> None:
    """Mean, share of at least 7, and the ten lowest by their numbers, ties in the order of the file."""
    rows = [rated(anchor("9-10", id=str(k)), (10.0 - k / 2,)) for k in range(12)]
    found = known_safe([*rows, rated(anchor("9-10", id="12"), (None,))])
    panel = found["panel"]
    assert (found["n"], panel["n"], panel["unscored"]) == (13, 12, 1)
    assert (panel["mean"], panel["at_least_7"]) == (7.25, 7 / 12)
    assert panel["lowest"][:2] == [{"row": "11", "score": 4.5}, {"row": "10", "score": 5.0}]
    assert len(panel["lowest"]) == 10
    tied = known_safe([rated(anchor("9-10", id=str(k)), (9.0,)) for k in range(3)])["panel"]["lowest"]
    assert [row["row"] for row in tied] == ["0", "1", "2"]
    nothing = known_safe([rated(anchor("9-10"), (None,))])["panel"]
    assert (nothing["mean"], nothing["undefined"]["mean"]) == (None, "no answer has a score")
