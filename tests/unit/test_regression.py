"""The laws of regression: better, no worse, worse, or nobody can tell."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.baseline import Baseline, Measured, from_results, parse, text_of
from jmeb_plugin.errors import RunError
from jmeb_plugin.gates import Gate, hold_gates
from jmeb_plugin.gates.regression import hold_regression
from jmeb_plugin.regression import Pairing, regression
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case
from jmeb_plugin.units import Unit, units_of
from tests.unit.builders import cases_of, judge, make_run, make_suite, make_thresholds, record

SUITE = make_suite(guidelines=10, per_cell=4)
HASHES = {"suites": {}, "rubric": "", "judges": ""}
IDS = [f"toy::{talk.id}" for talk in SUITE.conversations]
PLACE = {name: k for k, name in enumerate(sorted(IDS))}


def baseline(score: Any, *, unsafe: bool = False, **changes: Any) -> Baseline:
    """A run whose conversation number k scored ``score(k)`` on every turn (``None``: unscored)."""
    rows = {name: Measured(() if score(k) is None else (score(k),) * 3, unsafe) for name, k in PLACE.items()}
    return Baseline("old", "then", HASHES, {"was": rows}, **changes)


def measured(score: Any, limits: dict[str, Any] | None = None) -> list[Any]:
    """A run, its conversation number k scored ``score(k)``."""

    def measure(case: Case) -> Record:
        value = score(PLACE[case.base_id])
        return record(trouble="no answer") if value is None else record(value, value, value)

    return judge(cases_of(SUITE), measure, make_thresholds(limits or {}))


def gate_of(now: Any, then: Any, margin: float = 0.3, seed: int = 0, **release: Any) -> Gate:
    """The gate on regression."""
    limits = make_thresholds(max_regression=margin, **release)
    gates = hold_gates(measured(now), limits, ["m"], "", seed, baseline(then))
    return next(gate for gate in gates if gate.name == "max_regression")


def units(now: Any) -> list[Unit]:
    """A run's conversations."""
    return units_of(measured(now), make_thresholds())


def wave(k: int) -> float:
    """A score that differs from conversation to conversation."""
    return 6.0 + (k % 5) / 2


CASES = {
    "better": (lambda k: wave(k) + 0.5, wave, "holds", "better than the baseline old"),
    "the same": (wave, wave, "holds", "no worse than the baseline old"),
    "a real drop within the margin": (lambda k: wave(k) - 0.2, wave, "holds", "no worse than the baseline old; the drop is real, but within the margin"),
    "worse": (lambda k: wave(k) - 0.5, wave, "fails", ""),
    "noise about the margin": (lambda k: wave(k) - (k % 7) / 10, wave, "cannot-tell", "about [0-9,]+ more conversations like these would settle it"),
}  # fmt: skip


@pytest.mark.parametrize(("now", "then", "state", "reason"), CASES.values(), ids=CASES)
def test_the_interval_decides(now: Any, then: Any, state: str, reason: str) -> None:
    """U < 0 better; u <= margin no worse; l > margin worse; else cannot tell. The gate bears the figures."""
    gate = gate_of(now, then)
    assert (gate.state, gate.kind, gate.model) == (state, "safety", "m")
    assert gate.low <= gate.value <= gate.high
    assert gate.value == pytest.approx(sum(then(k) - now(k) for k in range(80)) / 80)
    if state == "cannot-tell":
        words, _, gate_reason = gate.reason.partition("; ")
        assert words == f"95 % interval {gate.low:.3g} to {gate.high:.3g} holds 0.3"
        assert re.fullmatch(reason, gate_reason)
    else:
        assert gate.reason == reason


@given(st.lists(st.tuples(*[st.floats(1, 10)] * 3), min_size=1, max_size=3))
def test_a_run_held_against_itself_drops_by_nothing(repeats: list[tuple[float, ...]]) -> None:
    """Whatever was scored and however often: from the accepted file too the drop is 0, not a hair beside it."""
    suite = make_suite(guidelines=1, languages=("en",))
    once = judge(
        cases_of(suite, repeats=len(repeats)), lambda case: record(*repeats[case.repeat]), make_thresholds()
    )
    rows = [
        {"id": e.case.id, "model": "m", "outcome": e.verdict.outcome, "mean": e.verdict.mean}
        | {"turns": [{"turn": k, "score": turn.value} for k, turn in enumerate(e.verdict.turns)]}
        for e in once
    ]
    measured_before = from_results({"run": make_run(), "verdicts": rows})
    for before in (measured_before, parse(json.loads(text_of(measured_before)))):
        pairs = Pairing(before, "m", several=False).pair(units_of(once, make_thresholds()))
        assert pairs.drops() == pairs.drops(worst=True) == [0.0]
        found = regression(pairs, 0.3, 0)
        assert found["drop"] == {"value": 0.0, "low": 0.0, "high": 0.0}
        assert found["state"] == "no-worse"
        assert all(turn["value"] == 0.0 for turn in found["turns"])


def test_no_number_of_conversations_moves_a_drop_off_the_margin() -> None:
    """A drop that is the margin itself cannot be settled, and nothing is promised."""
    gate = gate_of(lambda k: wave(k) - (0.1 if k // 8 % 2 else 0.5), wave)
    assert gate.reason == f"95 % interval {gate.low:.3g} to {gate.high:.3g} holds 0.3"


def test_on_point_the_estimate_decides() -> None:
    """``decide_on: point`` asks no interval; the margin itself is good."""
    assert gate_of(lambda k: wave(k) - (k % 7) / 10, wave, decide_on="point").state == "holds"
    assert gate_of(lambda k: wave(k) - 0.5, wave, decide_on="point").state == "fails"
    assert gate_of(lambda k: wave(k) - 0.5, wave, 0.5, decide_on="point").state == "holds"


def test_failing_is_corrected_for_the_runs_other_gates() -> None:
    """A drop that fails alone cannot tell beside four other safety gates, and says why."""

    def now(k: int) -> float:
        return wave(k) - 0.1 - (k // 8 % 5) / 4

    close = "the interval lies on the bad side, but not once the number of gates is reckoned with"
    beside = gate_of(now, wave, max_mean_decay=9.0, min_median_score=(1.0, 1.0, 1.0))
    assert (gate_of(now, wave).state, beside.state, beside.reason) == ("fails", "cannot-tell", close)


def test_the_seed_decides_the_interval() -> None:
    """The same runs and seed give the same bounds and the same p, which is that of the worse reading."""

    def now(k: int) -> float | None:
        return None if k < 2 else wave(k) - 0.35 - (k // 8 % 5 - 2) / 30

    pairs = Pairing(baseline(wave), "m", several=False).pair(units(now))
    limits = make_thresholds(max_regression=0.3).release

    def hold(seed: int) -> tuple[float | None, ...]:
        draft, p = hold_regression(Gate("max_regression", "m", "safety", 0.3), pairs, limits, seed)
        return draft.low, draft.high, gate_of(now, wave, seed=seed).low, p

    once, again = ([hold(seed) for seed in range(4)] for _ in range(2))
    assert once == again
    assert all(len(set(figures)) > 1 for figures in zip(*once, strict=True))


def test_models_are_paired_by_name_where_a_run_has_several() -> None:
    """Each with its own namesake, though only one of them got worse; one alone with whatever there is."""
    rows = {
        model: baseline(then).models["was"] for model, then in (("a", wave), ("b", lambda k: wave(k) + 1))
    }
    both, other = Baseline("old", "then", HASHES, rows), baseline(wave)
    limits = make_thresholds(max_regression=0.3)

    def drops(models: list[str], earlier: Baseline) -> dict[str, tuple[float | None, str]]:
        judged = judge(cases_of(SUITE, models), lambda case: record(*[wave(PLACE[case.base_id])] * 3), limits)
        gates = hold_gates(judged, limits, models, "", 0, earlier)
        return {g.model: (g.value, g.state) for g in gates if g.name == "max_regression"}

    assert drops(["a", "b"], both) == {"a": (0.0, "holds"), "b": (1.0, "fails")}
    assert drops(["b"], both) == {"b": (1.0, "fails")}
    assert drops(["a"], other) == {"a": (0.0, "holds")}
    with pytest.raises(RunError, match="baseline old: no model 'a'"):
        drops(["a", "b"], other)


def test_without_a_baseline_it_is_not_asked() -> None:
    """And off where no margin is set."""
    gates = hold_gates(measured(wave), make_thresholds(max_regression=0.3), ["m"], "", 0)
    assert [g.state for g in gates if g.name == "max_regression"] == ["not-asked"]
    gates = hold_gates(measured(wave), make_thresholds(), ["m"], "", 0, baseline(wave))
    assert [g.state for g in gates if g.name == "max_regression"] == ["off"]


def test_a_conversation_that_lost_its_score_is_read_both_ways() -> None:
    """Left out it is no worse, as 1.0 it is: the gate cannot tell."""
    gate = gate_of(lambda k: None if k < 40 else wave(k), wave, max_unscored_rate=1.0)
    assert (gate.state, gate.reason) == ("cannot-tell", "it depends on the conversations without a score")


def test_the_words_are_those_of_the_less_favourable_reading() -> None:
    """Better only if it is without the unscored and with them; bad without them and blurred with them: it depends."""
    better = gate_of(lambda k: None if k in {0, 10, 20, 30} else wave(k) + 0.5, wave)
    assert (better.state, better.high, better.reason) == ("holds", -0.5, "no worse than the baseline old")
    blurred = gate_of(lambda k: None if k < 3 else wave(k) - 0.34 - (k // 8 % 5 - 2) / 30, wave)
    assert blurred.low > 0.3
    assert (blurred.state, blurred.reason) == (
        "cannot-tell",
        "it depends on the conversations without a score",
    )


def test_too_few_pairs_decide_nothing() -> None:
    """``min_conversations`` counts the conversations that both runs have scored."""
    gate = gate_of(wave, lambda k: wave(k) if k < 10 else None, min_conversations=20)
    assert gate.reason == "10 conversations are in old too, and min_conversations is 20"
    assert gate_of(wave, lambda k: wave(k) if k < 10 else None, min_conversations=10).state == "holds"
    assert gate_of(wave, lambda k: wave(k) if k < 1 else None).state == "holds"
    assert gate_of(wave, lambda _: None).reason == "no conversation is scored here and in old"


def test_the_figures_of_a_comparison() -> None:
    """Drops per turn and slice, Wilcoxon, and what it was compared with."""
    found = regression(
        Pairing(baseline(wave), "m", several=False).pair(units(lambda k: wave(k) - 0.5)), 0.3, 0
    )
    assert (found["run"], found["model"], found["n"], found["state"]) == ("old", "was", 80, "worse")
    assert found["drop"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert [row["value"] for row in found["turns"]] == [0.5, 0.5, 0.5]
    assert found["wilcoxon"]["p"] < 0.001
    assert {name: row["drop"] for name, row in found["slices"]["language"].items()} == {"en": 0.5, "ja": 0.5}
    assert all(row["p"] <= row["p_adjusted"] for row in found["slices"]["principle"].values())


def test_nothing_that_differs_has_no_p() -> None:
    """An undefined figure is null with its reason."""
    found = regression(Pairing(baseline(wave), "m", several=False).pair(units(wave)), 0.3, 0)
    assert found["wilcoxon"] == {"statistic": None, "p": None, "undefined": {"p": "no conversation differs"}}
    assert found["slices"]["language"]["ja"]["undefined"] == {"p": "no conversation differs"}


def test_new_failures_and_fixed_ones_are_listed() -> None:
    """What broke its limits in one of the two runs alone, by id."""
    now = units_of(measured(lambda k: 2.0 if k == 3 else 9.0, {"min_turn_score": 3.0}), make_thresholds())
    found = regression(Pairing(baseline(lambda _: 9.0), "m", several=False).pair(now), 0.3, 0)
    assert (found["new_failures"], found["fixed"]) == ([sorted(IDS)[3]], [])
    found = regression(Pairing(baseline(lambda _: 1.0, unsafe=True), "m", several=False).pair(now), 0.3, 0)
    assert (found["new_failures"], len(found["fixed"])) == ([], 79)


def test_small_steps_cannot_add_up_unseen() -> None:
    """The drop to the first accepted run stands beside the one to the last; another suite's does not."""
    first = baseline(lambda k: wave(k) + 1)
    pairing = Pairing(baseline(wave, first=first), "m", several=False)
    assert regression(pairing.first().pair(units(wave)), 0.3, 0)["drop"]["value"] == pytest.approx(1.0)
    other = Baseline("old", "then", {**HASHES, "judges": "x"}, first.models)
    assert Pairing(baseline(wave, first=other), "m", several=False).first() is None


@given(st.lists(st.tuples(st.floats(1, 10), st.floats(1, 10)), min_size=80, max_size=80), st.floats(0, 2))
def test_the_states_exclude_each_other(scores: list[tuple[float, float]], margin: float) -> None:
    """Whatever the scores: a gate that fails lies beyond the margin, one that holds within it."""
    gate = gate_of(lambda k: scores[k][0], lambda k: scores[k][1], margin)
    assert gate.state in ("holds", "fails", "cannot-tell")
    if gate.state == "holds":
        assert gate.high <= margin + 1e-9
    if gate.state == "fails":
        assert gate.low > margin
