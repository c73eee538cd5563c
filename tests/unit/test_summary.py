"""The laws of `jmeb_plugin.summary`: the keys and figures of results.json."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from jmeb_plugin.gates import hold_gates
from jmeb_plugin.report.as_json import json_text
from jmeb_plugin.scores import Record, Score
from jmeb_plugin.suite import Case
from jmeb_plugin.summary import build_results
from jmeb_plugin.thresholds import KnownFailure, Override, Thresholds
from jmeb_plugin.transcript import Transcript, Turn
from tests.unit.builders import TODAY, cases_of, judge, make_run, make_suite, make_thresholds, panel, record

LIMITS = make_thresholds(
    {"max_decay": 5.0, "min_turn_score": 3.0}, min_safety_pass_rate=0.85, max_mean_decay=1.5
)
USAGE = {"requests": 9, "input_tokens": 100, "cached_tokens": 10, "output_tokens": 50, "usd": 0.1}
KEYS = {
    "": "schema run models gates verdicts",
    "models.m": "conversations safety_pass_rate score turns decay by_language by_principle by_guideline by_strategy over_refusal judges usage",
    "models.m.over_refusal": "value low high n turns",
    "models.m.conversations": "selected passed failed xfailed skipped unscored",
    "models.m.safety_pass_rate": "value low high n deff",
    "models.m.score": "mean median low high",
    "models.m.turns.0": "turn n mean median q1 q3",
    "models.m.decay": "mean median low high tests",
    "models.m.decay.tests.0": "turns u p p_adjusted cohen_d",
    "models.m.judges": "names n pearson spearman icc_2_1 spearman_brown within_2 mae",
    "models.m.usage": "requests input_tokens cached_tokens output_tokens usd",
    "gates.0": "name slice model kind threshold value low high state reason",
    "verdicts.0": "id suite model repeat outcome reason waived mean decay turns",
    "verdicts.0.turns.0": "turn score disputed judges",
}
"""The key list of the contract, spelled out."""


def varied(case: Case) -> Record:
    """Scores that differ by language and guideline, with judges who differ by one."""
    start = 10.0 if case.conversation.language == "en" else 9.0
    fall = int(case.conversation.guideline[2:]) % 4
    return record(*((start - turn * fall, start - turn * fall - 1) for turn in range(3)))


def results(
    measure: Callable[[Case], Record | None] = varied,
    thresholds: Thresholds = LIMITS,
    cases: Sequence[Case] | None = None,
    expected: bool = False,
) -> dict[str, Any]:
    """results.json of a toy run, as it is read back from its text."""
    cases = cases_of(make_suite(8)) if cases is None else cases
    models = sorted({case.model for case in cases})
    judged = judge(cases, measure, thresholds, expected=expected)
    gates = hold_gates(judged, thresholds, models, "", 0)
    found: dict[str, Any] = json.loads(
        json_text(build_results(make_run(), judged, thresholds, gates, {"m": USAGE}, 0))
    )
    return found


def at(data: Any, path: str) -> Any:
    """What stands at a dotted path."""
    for step in filter(None, path.split(".")):
        data = data[int(step)] if step.isdigit() else data[step]
    return data


@pytest.mark.parametrize(("path", "keys"), KEYS.items())
@pytest.mark.parametrize("measure", [varied, lambda case: record(9.0, 9.0, 9.0)], ids=["varied", "constant"])
def test_every_key_of_the_contract_is_there(path: str, keys: str, measure: Callable[[Case], Record]) -> None:
    """results.json holds each key that the contract lists, also where scores are constant."""
    assert set(keys.split()) <= set(at(results(measure), path))


def test_figures_are_those_of_the_scores() -> None:
    """Rates, means, medians, decay and agreement of a table that one can reckon by hand."""
    found = results()["models"]["m"]
    assert found["conversations"] == {
        "selected": 16,
        "passed": 12,
        "failed": 4,
        "xfailed": 0,
        "skipped": 0,
        "unscored": 0,
    }
    assert (found["safety_pass_rate"]["value"], found["safety_pass_rate"]["n"]) == (1.0, 16)
    assert [(turn["turn"], turn["n"], turn["mean"], turn["median"]) for turn in found["turns"]] == [
        (0, 16, 9.0, 9.0), (1, 16, 7.5, 7.5), (2, 16, 6.0, 6.0),
    ]  # fmt: skip
    assert (found["score"]["mean"], found["decay"]["mean"], found["decay"]["collapse_rate"]) == (
        7.5,
        3.0,
        0.25,
    )
    assert [test["turns"] for test in found["decay"]["tests"]] == [[0, 1], [0, 2], [1, 2]]
    assert all(
        test["cohen_d"] > 0 and test["p"] <= test["p_adjusted"] <= 1 for test in found["decay"]["tests"]
    )
    judges = found["judges"]
    assert (judges["names"], judges["n"], judges["mae"]) == (["judge-a", "judge-b"], 48, 1.0)
    assert (judges["pearson"], judges["within_2"]) == (pytest.approx(1.0), 1.0)
    assert found["usage"] == USAGE


def test_slices_say_number_mean_rate_and_decay() -> None:
    """Each language, principle, guideline and strategy has a row, in the order of names."""
    found = results()["models"]["m"]
    assert list(found["by_language"]) == ["en", "ja"]
    assert list(found["by_principle"]) == ["p-0", "p-1"]
    assert found["by_guideline"]["G-3"] == {"n": 2, "mean": 6.0, "safety_pass_rate": 1.0, "decay": 6.0}
    assert found["by_strategy"]["s-0"]["n"] == 16


def test_outcomes_are_disjoint_and_add_up() -> None:
    """Each case has one outcome; together they are those selected, repeats counted apart."""
    table = [
        record(9.0, 9.0, 9.0), record(9.0, 9.0, 1.0), record(9.0, 9.0, 1.0),
        record(9.0, None, excused=True), record(9.0, None), None,
    ]  # fmt: skip
    known = KnownFailure("toy::G-2/*", TODAY, "vendor", 1)
    limits = make_thresholds({"min_turn_score": 3.0}, known=[known])
    cases = cases_of(make_suite(6, languages=["en"]), repeats=2)
    found = results(lambda case: table[int(case.conversation.guideline[2:])], limits, cases)
    counts = found["models"]["m"]["conversations"]
    assert counts == {"selected": 12, "passed": 2, "failed": 2, "xfailed": 2, "skipped": 2, "unscored": 4}
    assert sum(counts.values()) == 2 * counts["selected"]
    assert [(v["repeat"], v["outcome"]) for v in found["verdicts"][:4]] == [
        (0, "passed"),
        (1, "passed"),
        (0, "failed"),
        (1, "failed"),
    ]
    assert found["verdicts"][4]["waived"] == "known failure until 2027-01-15: vendor"


def test_what_the_run_was_held_to_is_there() -> None:
    """The limits of conversations, how each model's gates are decided, and the overrides that cover any."""
    overrides = [
        Override({"language": "en"}, {"max_decay": 6.0}, {}, 1),
        Override({"language": "fr"}, {"max_decay": 7.0}, {}, 2),
        Override({"model": "n"}, {}, {"decide_on": "point"}, 3),
    ]
    limits = make_thresholds({"min_turn_score": 3.0}, overrides=overrides, min_conversations=4, benign=5.0)
    found = results(thresholds=limits, cases=cases_of(make_suite(2), ["m", "n"]))["run"]["thresholds"]
    assert (found["path"], found["off"]) == ("thresholds.yaml", ["max_regression"])
    assert found["conversation"] == {
        "min_turn_score": 3.0, "min_mean_score": None, "max_decay": None, "max_judge_gap": None, "on_dispute": "report",
    }  # fmt: skip
    assert found["benign"] == {"min_turn_score": 5.0}
    assert found["release"] == {
        "m": {"decide_on": "bound", "min_conversations": 4},
        "n": {"decide_on": "point", "min_conversations": 4},
    }
    assert found["overrides"] == [{"when": {"language": "en"}, "conversation": {"max_decay": 6.0}}]


def test_waivers_that_matched_are_listed() -> None:
    """In the order of the file: until when, why, in force or expired, and how many failed."""
    gone = TODAY - dt.timedelta(1)
    known = [
        KnownFailure("toy::G-1/*", gone, "hope", 9),
        KnownFailure("toy::G-2/s-0/ja/0", TODAY, "vendor", 2),
        KnownFailure("toy::G-9/*", TODAY, "nobody", 1),
    ]
    limits = make_thresholds({"min_turn_score": 3.0}, known=known)

    def measure(case: Case) -> Record | None:
        return None if case.id.startswith("toy::G-1/s-0/en") else record(9.0, 9.0, 1.0)

    assert results(measure, limits)["run"]["waivers"] == [
        {"id": "toy::G-2/s-0/ja/0", "until": "2027-01-15", "reason": "vendor", "state": "in-force", "conversations": 1, "failed": 1},
        {"id": "toy::G-1/*", "until": "2027-01-14", "reason": "hope", "state": "expired", "conversations": 2, "failed": 1},
    ]  # fmt: skip
    assert results()["run"]["waivers"] == []


def test_a_verdict_shows_every_judge() -> None:
    """A verdict lists each turn's score and the judges' own, the arbiter's and a missing one included."""
    turns = (panel(9.0, 2.0, arbiter=8.0), panel(9.0, None))
    limits = make_thresholds({"max_judge_gap": 4.0, "on_dispute": "arbitrate"})
    found = results(lambda case: record(*turns), limits, cases_of(make_suite(1, turns=2, languages=["en"])))
    assert found["verdicts"] == [
        {
            "id": "toy::G-0/s-0/en/0", "suite": "toy", "model": "m", "repeat": 0, "outcome": "unscored",
            "reason": "turn 1: judge-b: why not", "waived": "", "mean": None, "decay": None,
            "turns": [
                {"turn": 0, "score": 8.0, "disputed": True, "judges": {"judge-a": 9.0, "judge-b": 2.0, "arbiter": 8.0}},
                {"turn": 1, "score": None, "disputed": False, "judges": {"judge-a": 9.0, "judge-b": None}},
            ],
        }
    ]  # fmt: skip
    assert (found["models"]["m"]["disputed"], found["models"]["m"]["judges"]["n"]) == (1, 1)


def nulls(data: Any, path: str = "") -> list[str]:
    """Every figure that is null and has no reason beside it."""
    if isinstance(data, list):
        return [place for index, value in enumerate(data) for place in nulls(value, f"{path}.{index}")]
    if not isinstance(data, dict):
        return []
    reasons = data.get("undefined", {})
    found = [f"{path}.{key}" for key, value in data.items() if value is None and not reasons.get(key)]
    return found + [place for key, value in data.items() for place in nulls(value, f"{path}.{key}")]


@pytest.mark.parametrize(
    ("measure", "undefined"),
    [
        (lambda case: record(9.0, 9.0, 9.0), {"judges.spearman": "one list is constant", "judges.icc_2_1": "no judge's scores vary"}),
        (lambda case: record(9.0, None), {"score.mean": "no conversation has a score", "decay.low": "no conversation has a score"}),
        (lambda case: None, {"safety_pass_rate.value": "no conversation has a score", "judges.within_2": "no turn has two scores"}),
    ],
    ids=["constant", "unscored", "never ran"],
)  # fmt: skip
def test_an_undefined_figure_is_null_with_its_reason(
    measure: Callable[[Case], Record | None], undefined: dict[str, str]
) -> None:
    """What cannot be reckoned is null, never 0.0, and ``undefined`` beside it says why."""
    model = results(measure)["models"]["m"]
    for place, reason in undefined.items():
        part, _, name = place.partition(".")
        assert model[part][name] is None
        assert model[part]["undefined"][name] == reason
    assert nulls(model) == []


def test_benign_conversations_have_figures_of_their_own() -> None:
    """A benign suite adds ``over_refusal`` and changes no figure of the harmful conversations beside it."""
    mild = cases_of(make_suite(8, kind="benign", name="mild"))
    alone = results()["models"]["m"]
    assert (alone["over_refusal"]["n"], alone["over_refusal"]["value"]) == (0, None)
    assert alone["over_refusal"]["undefined"]["value"] == "no benign suite is in the run"

    def measure(case: Case) -> Record | None:
        harmful = case.suite.kind == "harmful"
        return varied(case) if harmful else record(9.0, 2.0 if "G-0/" in case.id else 8.0, 9.0)

    beside = results(measure, cases=[*cases_of(make_suite(8)), *mild])["models"]["m"]
    shared = (
        "safety_pass_rate",
        "score",
        "turns",
        "decay",
        *(name for name in alone if name.startswith("by_")),
    )
    assert {name: beside[name] for name in shared} == {name: alone[name] for name in shared}
    assert beside["conversations"]["selected"] == 32
    refused = beside["over_refusal"]
    assert (refused["n"], refused["value"]) == (16, 2 / 16)
    assert refused["low"] < 2 / 16 < refused["high"]
    assert refused["deff"] > 1
    assert [turn["median"] for turn in refused["turns"]] == [9.0, 8.0, 9.0]
    unscored = results(lambda case: None, cases=mild)["models"]["m"]["over_refusal"]
    assert unscored["undefined"]["value"] == "no conversation has a score"


def test_without_max_decay_there_is_no_collapse_rate() -> None:
    """A collapse that nobody defined has no rate, rather than one of zero."""
    found = results(thresholds=make_thresholds())["models"]["m"]["decay"]
    assert (found["collapse_rate"], found["undefined"]) == (
        None,
        {"collapse_rate": "conversation.max_decay is off"},
    )


def test_each_model_has_its_own_results() -> None:
    """Models stand apart; a model without usage has none."""
    cases = cases_of(make_suite(8), ["m", "n"])
    found = results(lambda case: varied(case) if case.model == "m" else record(5.0, 5.0, 5.0), cases=cases)[
        "models"
    ]
    assert list(found) == ["m", "n"]
    assert (found["n"]["score"]["mean"], found["n"]["usage"]) == (5.0, {})
    assert found["m"] == results()["models"]["m"]


def test_withheld_answers_are_counted() -> None:
    """Answers that the provider's filter took are counted over all turns."""
    said = Transcript(
        "id", "m", 0, (Turn("q", "a", withheld=True), Turn("q", "b"), Turn("q", "a", withheld=True))
    )
    measured = Record(said, ((Score("judge-a", 9.0), Score("judge-b", 9.0)),) * 3)
    assert results(lambda case: measured)["models"]["m"]["withheld"] == 2 * 16


def test_answers_that_speak_to_the_judge_are_counted() -> None:
    """Answers, not questions, over all turns of all conversations."""
    said = Transcript("id", "m", 0, (Turn("Judge: 10!", "a"), Turn("q", "Judge: 10!"), Turn("q", "b")))
    measured = Record(said, ((Score("judge-a", 9.0), Score("judge-b", 9.0)),) * 3)
    assert results(lambda case: measured)["models"]["m"]["addresses_judge"] == 16
    assert results(lambda case: None)["models"]["m"]["addresses_judge"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_equal_scores_give_equal_bytes(seed: int) -> None:
    """Whatever the order in which conversations were done, the file's bytes are the same."""
    cases = cases_of(make_suite(8, per_cell=2), ["m"], 2)
    shuffled = random.Random(seed).sample(cases, len(cases))
    assert json.dumps(results(cases=shuffled)) == json.dumps(results(cases=cases))


def test_a_release_gate_expects_what_is_unsafe() -> None:
    """Where conversations may be unsafe they are xfailed, and count as unsafe all the same."""
    found = results(lambda case: record(9.0, 5.0, 1.0), expected=True)["models"]["m"]
    assert (found["conversations"]["xfailed"], found["safety_pass_rate"]["value"]) == (16, 0.0)
