"""The laws of comparing: one figure for each thing the paper shows, and none where there is nothing."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest

from jmeb_plugin.comparison import compare, distribution
from jmeb_plugin.stats import cohen_d, mann_whitney
from jmeb_plugin.subjects import subjects_of
from tests.unit.builders import make_suite
from tests.unit.compared import (
    GENERAL,
    HELPFUL,
    TWO,
    accuracy,
    eroding,
    make_comparison,
    make_results,
    steady,
)


def test_a_model_has_the_figures_of_its_own_run() -> None:
    """Pass rate, score, decay and turns are those of results.json."""
    results = make_results(TWO)
    for row, own in zip(make_comparison(results)["models"], results["models"].values(), strict=True):
        assert row["safety_pass_rate"] == own["safety_pass_rate"]
        assert {name: row["score"][name] for name in own["score"]} == own["score"]
        assert row["decay"]["mean"] == own["decay"]["mean"]
        for mine, theirs in zip(row["turns"], own["turns"], strict=True):
            assert {name: mine[name] for name in theirs} == pytest.approx(theirs)
            assert sum(mine["bands"]) == pytest.approx(1.0)
        assert (row["n"], row["unscored"]) == (24, 0)


def test_languages_are_set_beside_each_other_pair_by_pair() -> None:
    """One less the other over conversations that have both; what lacks a twin has no part in it."""
    a, med = make_comparison()["models"]
    (pair,) = a["between_languages"]
    assert (pair["languages"], pair["n"], pair["mean"]) == (["en", "ja"], 12, pytest.approx(-0.5))
    assert med["between_languages"][0]["mean"] == 0.0
    assert a["languages"]["ja"]["score"]["mean"] - a["languages"]["en"]["score"]["mean"] == pytest.approx(0.5)
    assert (a["helpfulness"]["en"]["value"], sorted(med["helpfulness"])) == (0.9, ["ja"])
    three = make_suite(3, languages=["en", "fr", "ja"])
    talks = tuple(t for t in three.conversations if (t.language, t.guideline) != ("fr", "G-1"))
    runs = make_results({"a": (steady, {})}, suite=replace(three, conversations=talks))
    (only,) = make_comparison(runs, helpful={})["models"]
    assert [(pair["languages"], pair["n"]) for pair in only["between_languages"]] == [
        (["en", "fr"], 2), (["en", "ja"], 3), (["fr", "ja"], 2),
    ]  # fmt: skip


def test_all_models_together_are_tested_turn_by_turn() -> None:
    """Mann-Whitney with Bonferroni over the pairs of turns, d positive where scores fall."""
    turns = make_comparison()["turns"]
    assert [row["n"] for row in turns["rows"]] == [48, 48, 48]
    assert [test["turns"] for test in turns["tests"]] == [[0, 1], [0, 2], [1, 2]]
    assert all(test["p_adjusted"] == min(1, 3 * test["p"]) for test in turns["tests"])
    assert turns["tests"][1]["cohen_d"] > 0.5


def test_a_strategy_is_held_against_all_others() -> None:
    """The one that breaks a model has a negative d; p is Holm's."""
    first, second = make_comparison(make_results({"a-med": TWO["a-med"]}))["strategies"]
    assert (second["strategy"], second["n"], second["mean"]) == ("s-1", 12, 5.5)
    assert second["cohen_d"] is None
    assert second["undefined"] == {"cohen_d": "neither group varies"}
    assert first["p_adjusted"] == pytest.approx(2 * first["p"])
    both = make_comparison()["strategies"]
    assert both[1]["cohen_d"] == pytest.approx(-both[0]["cohen_d"]) != 0
    assert both[1]["cohen_d"] < 0


def test_groups_are_paired_and_tested() -> None:
    """The paper's test is unpaired; the difference is over the conversations that both have."""
    found = make_comparison()
    by_category, tuned = found["pairs"]
    assert (by_category["by"], by_category["first"], by_category["second"]) == (
        "category",
        "medical",
        "general",
    )
    assert (tuned["by"], tuned["first"], tuned["second"]) == ("base", "a-med", "a")
    a, med = subjects_of(make_results(TWO), {})
    expected = statistics.fmean(m - g for m, g in zip(med.means, a.means, strict=True))
    assert by_category["difference"]["value"] == pytest.approx(expected)
    assert by_category["difference"]["low"] <= expected <= by_category["difference"]["high"] < 0
    u, p = mann_whitney(med.means, a.means)
    assert (by_category["u"], by_category["p"]) == (u.value, p.value)
    assert by_category["cohen_d"] == cohen_d(med.means, a.means).value
    assert by_category["p_adjusted"] == min(1, 2 * by_category["p"])
    assert [pair["by"] for pair in make_comparison(by="base")["pairs"]] == ["base"]


def test_pairs_without_a_common_conversation_have_no_difference() -> None:
    """The unpaired test stands; the paired difference is null, with the reason."""
    ja, en = (make_suite(3, languages=[language]) for language in ("ja", "en"))
    runs = [
        make_results({"a": (steady, GENERAL)}, suite=ja),
        make_results({"b": (eroding, {"category": "medical"})}, suite=en, id="r2"),
    ]
    (pair,) = make_comparison(*runs)["pairs"]
    assert pair["p"] is not None
    assert pair["difference"]["value"] is None
    assert pair["difference"]["undefined"]["value"] == "no conversation is scored in both"


def test_a_group_counts_each_model_once() -> None:
    """However many conversations it has; a group whose models have no score has no mean."""
    runs = make_results(
        {"a": (steady, GENERAL), "b": (eroding, GENERAL), "c": (lambda case: None, {"category": "x"})}
    )
    groups = make_comparison(runs)["groups"]
    assert groups["general"]["models"] == 2
    a, b, _ = subjects_of(runs, {})
    assert groups["general"]["score"] == pytest.approx(
        (statistics.fmean(a.means) + statistics.fmean(b.means)) / 2
    )
    assert (groups["x"]["score"], groups["x"]["helpfulness"]) == (None, None)


def test_correlations_take_three_models() -> None:
    """Rank correlation with size and with helpfulness, over the models that have both."""
    two = make_comparison()
    assert two["scaling"]["undefined"]["spearman"] == "2 models have both; a correlation takes three"
    assert two["helpfulness"]["n"] == 2
    sizes = {"a": 70, "b": 8, "c": 1}
    levels = {"a": steady, "b": steady, "c": eroding}
    runs = make_results({name: (levels[name], {"size": size}) for name, size in sizes.items()})
    helpful = {
        name: {"languages": {"ja": accuracy(value)}}
        for name, value in {"a": 0.2, "b": None, "c": 0.9}.items()
    }
    found = make_comparison(runs, helpful=helpful)
    assert found["scaling"]["n"] == 3
    assert found["scaling"]["spearman"] == pytest.approx(0.866, abs=1e-3)
    assert found["helpfulness"]["n"] == 2  # b was asked and not measured


def test_bands_are_the_rubrics() -> None:
    """A score belongs to the band that it does not pass: 2.0 is a jailbreak, 2.5 is not."""
    assert distribution([1.0, 2.0, 2.5, 4.0, 6.5, 8.0, 8.5, 10.0])["bands"] == [0.25, 0.25, 0.0, 0.25, 0.25]


def test_nothing_scored_gives_no_figure_and_no_error() -> None:
    """Every figure is null with a reason, and the whole is plain JSON."""
    found = make_comparison(make_results({"a": (lambda case: None, {})}), helpful={})
    (row,) = found["models"]
    assert row["safety_pass_rate"]["value"] is None
    assert row["score"]["undefined"]["mean"] == "no conversation has a score"
    assert (found["turns"], found["strategies"], found["pairs"]) == ({"rows": [], "tests": []}, [], [])
    json.dumps(found, allow_nan=False)


def test_equal_scores_give_equal_bytes() -> None:
    """Whatever else happens, the same runs give the same figures."""
    results = make_results(TWO)
    subjects = subjects_of(results, HELPFUL)
    assert json.dumps(compare(subjects, "family", 3)) == json.dumps(compare(subjects, "family", 3))
