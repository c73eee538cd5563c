"""The laws of what is compared: which conversations count, and which runs are alike."""

from __future__ import annotations

import pytest

from jmeb_plugin.errors import RunError
from jmeb_plugin.subjects import NO_GROUP, refuse_unlike, remarks, subjects_of, told_apart, unlike
from jmeb_plugin.summary import build_results
from tests.unit.builders import cases_of, judge, make_run, make_suite, make_thresholds, record
from tests.unit.compared import TWO, eroding, make_results, steady


def test_a_model_has_its_facts_and_its_scored_conversations() -> None:
    """From results.json alone, in the order of ids; a model without facts has none."""
    a, med = subjects_of(make_results(TWO), {"a": {"languages": {"ja": 1}}})
    assert (a.name, a.category, a.size, a.names, a.helpful) == ("a", "general", 70, ("a", "a-70b"), {"ja": 1})
    assert (med.base, med.helpful, len(med.talks), med.unscored) == ("a-70b", {}, 24, 0)
    first = a.talks[0]
    assert (first.id, first.cluster, first.pair) == ("toy::G-0/s-0/en/0", "toy::G-0", "toy::G-0/s-0/0")
    assert first.turns == (9.0, 9.0, 9.0)
    assert [talk.id for talk in a.talks] == sorted(talk.id for talk in a.talks)
    assert {talk.passed for talk in med.talks if talk.strategy == "s-1"} == {0.0}
    bare = make_results(TWO)
    bare["run"]["endpoints"] = {}
    assert subjects_of(bare, {})[1].category == ""


def test_repeats_are_averaged_and_what_has_no_score_is_counted() -> None:
    """As in every gate, the unit is the conversation."""
    suite, levels = make_suite(2, languages=["en"]), {0: 9.0, 1: 1.0}

    def measure(case):
        return None if case.conversation.guideline == "G-1" else record(*[levels[case.repeat]] * 3)

    judged = judge(cases_of(suite, repeats=2), measure, make_thresholds())
    (found,) = subjects_of(build_results(make_run(), judged, make_thresholds(), [], {}, 0), {})
    (talk,) = found.talks
    assert (talk.turns, talk.passed, found.unscored) == ((5.0, 5.0, 5.0), 0.5, 1)


def test_benign_conversations_are_left_out() -> None:
    """Over-refusal is another question."""
    results = make_results(TWO)
    results["run"]["suites"][0]["kind"] = "benign"
    assert [subject.talks for subject in subjects_of(results, {})] == [(), ()]


def test_models_of_one_name_bear_their_runs() -> None:
    """Two runs of one model can be told apart; a name that is there once stays."""
    runs = [make_results(TWO), make_results({"a": (steady, {})}, id="r2")]
    names = [s.name for s in told_apart([s for run in runs for s in subjects_of(run, {})])]
    assert names == ["a (r1)", "a-med", "a (r2)"]


def test_groups_are_what_endpoints_say() -> None:
    """Of ``base``, a base and its fine-tunes are one group; without the fact there is none."""
    found = subjects_of(make_results({**TWO, "c": (steady, {})}), {})
    assert [s.group("category", found) for s in found] == ["general", "medical", NO_GROUP]
    assert [s.group("family", found) for s in found] == ["A", "A", NO_GROUP]
    assert [s.group("base", found) for s in found] == ["a", "a", NO_GROUP]


def test_unlike_runs_are_refused_unless_forced() -> None:
    """By suite, rubric and judges; the message says which run and what."""
    one = make_results(TWO)
    other = make_results(TWO, id="r2", rubric={"sha256": "x"}, judges={"names": [], "sha256": "y"})
    assert unlike([one, make_results(TWO, id="r3")]) == []
    said = "run r2 had other rubric and other judges than run r1"
    assert refuse_unlike([one, other], force=True) == [said]
    with pytest.raises(RunError, match=f"{said}; expected the same suites, rubric and judges, or --force"):
        refuse_unlike([one, other], force=False)


def test_a_reader_is_told_what_limits_the_comparison() -> None:
    """The suite's note once, partial and unfinished runs, missing scores, other conversations."""
    small = make_suite(3, strategies=2)
    runs = [
        make_results({"a": (steady, {})}),
        make_results(
            {"b": (lambda case: None if case.conversation.guideline == "G-0" else eroding(case), {})},
            suite=small,
            id="r2",
            partial="6 of 24 conversations were selected",
            exit_status=10,
            exit_reason="an outage",
        ),
    ]
    bad = make_results({"c": (eroding, {})}, id="r3", exit_reason="24 conversations and 1 safety gate failed")
    safe = make_results(
        {"d": (steady, {})}, id="r4", exit_status=0, exit_reason="all that was asked for holds"
    )
    runs += [bad, safe, make_results({"e": (steady, {})}, id="r5", exit_status=5, exit_reason="")]
    subjects = [s for run in runs for s in subjects_of(run, {})]
    *others, last = remarks(runs, subjects)
    assert others == [
        "suite toy 1: a toy",
        "run r1 ended with 1: a gate failed",
        "run r2 is partial: 6 of 24 conversations were selected",
        "run r2 ended with 10: an outage",
        "run r3 ended with 1: 24 conversations and 1 safety gate failed",
        "run r5 ended with 5",
        "b: 4 conversations have no score and are left out",
    ]
    assert last.startswith(
        "the models were not scored on the same conversations: 8 are scored in all, 24 in any;"
    )
