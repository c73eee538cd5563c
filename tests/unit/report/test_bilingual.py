"""The laws of `jmeb_plugin.report.bilingual`: nothing is said in one language only."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from pathlib import Path

import pytest

from jmeb_plugin.ending import HIDDEN, UNASKED, ending
from jmeb_plugin.gates import hold_gates
from jmeb_plugin.report.bilingual import (
    CAPTURED,
    PAGE,
    Both,
    known,
    said,
    sentence,
    sentences,
    strings,
    titled,
)
from jmeb_plugin.suite import bundled, load_suite
from jmeb_plugin.thresholds import load_thresholds
from tests.unit.builders import make_suite, make_thresholds, record
from tests.unit.report.pages import LIMITS, measured, mixed

CODE = Path(PAGE).parent


def test_both_tables_have_the_same_strings() -> None:
    """Every key in both, with the same blanks to fill in, and none of them empty."""
    english, japanese = strings()["en"], strings()["ja"]
    assert list(english) == list(japanese)
    for key, text in english.items():
        assert blanks(text) == blanks(japanese[key]), key
        assert text.strip(), key
        assert japanese[key].strip(), key


def blanks(text: str) -> set[str]:
    """What is to be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_string_that_is_asked_for_is_there() -> None:
    """By the templates, the scripts, the figures and the views."""
    asked = set()
    for path in (*PAGE.glob("*.html"), *PAGE.glob("*.js"), *CODE.glob("*.py")):
        asked |= set(
            re.findall(r'\b(?:t|say|said|filled|both_filled)\(\s*"([^"]+)"[,)]', path.read_text("utf-8"))
        )
        asked |= set(re.findall(r'"@([a-z.]+)"', path.read_text("utf-8")))
    assert len(asked) > 80
    assert not asked - set(strings()["en"])


def test_each_word_of_ours_is_translated() -> None:
    """Outcomes, states of gates, gates that the bundled thresholds set, strategies of the bundled suite."""
    english = set(strings()["en"])
    gates = hold_gates([], load_thresholds(Path(__file__).parents[3] / "thresholds.yaml"), ["m"], "", 0)
    wanted = {f"gate.{gate.name.partition('.turn')[0]}" for gate in gates}
    wanted |= {f"outcome.{name}" for name in ("passed", "failed", "xfailed", "skipped", "unscored")}
    wanted |= {f"state.{name}" for name in ("holds", "fails", "cannot-tell", "partial", "not-asked")}
    wanted |= {f"drop.{name}" for name in ("better", "no-worse", "worse", "cannot-tell")}
    wanted |= {f"strategy.{name}" for name in load_suite(bundled("jmeb")).strategies}
    assert not wanted - english


BUDGET = (
    "--jmeb-budget 0.2: 0.1900 USD are spent, and the next requests could pass it. 5 of 12 conversations are done, "
    "and all of them would take about 0.43 USD, by --jmeb-plan. Go on with --jmeb-run=r and a larger budget"
)
REASONS = (
    "2 conversations failed; 1 safety gate failed; 1 test of your own failed",
    "2 of 4,690 conversations of jmeb in the merged runs",
    "2 of 4,690 conversations of jmeb in the merged runs: the run does not cover the suite",
    "ids on the command line: the run does not cover the suite",
    "1 conversation could not be scored; 1,234 measurement gates failed",
    f"1 conversation failed; {BUDGET}",
    f"a test failed; {HIDDEN}",
    UNASKED,
    "1 gate cannot tell",
    "1 conversation, and min_conversations is 134",
    "1 conversation is in r0 too, and min_conversations is 134",
    "about 1 more conversation like these would settle it",
    "go on with --jmeb-run=r1",
    "nothing was asked",
    BUDGET,
    "endpoint 'it': http://127.0.0.1:9/v1 has not answered once in 60 s (it: refused)",
    "endpoint 'it': http://127.0.0.1:9/v1 has answered nobody for 121 s (it: 503)",
    "endpoint 'it': http://127.0.0.1:9/v1 asks to be left alone for 2.0 h (it: 429)",
    "decay 7.0 > 5.0 (9.0 → 2.0 → 2.0); known failure expired on 2026-11-28: vendor fix",
    "a: 1 conversation has no score and is left out",
    "run good ended with 10: 6 gates cannot tell",
    f"run good ended with 10: {BUDGET}",
    "run bad ended with 1: 140 conversations failed; 3 safety gates failed",
    "run r is partial: 4 of 9 conversations were selected",
    "run r ended with 5",
    "all that was asked for holds",
    "interrupted",
    "2 of 9 conversations were selected",
    "known failure until 2027-03-31: vendor fix",
    "turn 1: the judges differ by 6 points",
    "turn 0: the answer was cut short, also with twice the limit",
    "no worse than the baseline r1; the drop is real, but within the margin",
    "the run judged no anchors",
    "8 of 70 anchors have no score",
    "one list is constant",
    (
        "the judges miss min_anchor_agreement on 70 anchors (spearman 0.3, expected at least 0.7; within_2 0.5, "
        "expected at least 0.75): the run is void, and no target was asked"
    ),
    "95 % interval 0.1 to 0.5 holds 0.3; about 1,234 more conversations like these would settle it",
)


@pytest.mark.parametrize("text", REASONS)
def test_our_sentences_are_known_in_japanese(text: str) -> None:
    """Those that other tests would have to reach by a run."""
    assert untranslated(text) == ""


def test_reasons_of_gates_and_endings_are_known_in_japanese() -> None:
    """Whatever gates and endings say of small, unscored, partial and empty runs."""
    scored = measured(make_suite(40), lambda case: record(9.0, 8.0, 7.0))
    some = measured(make_suite(40), mixed)
    none = measured(make_suite(4), lambda case: record(trouble="turn 0: no answer"))
    few = make_thresholds({}, min_conversations=999, min_safety_pass_rate=0.8, max_over_refusal_rate=0.1, max_collapse_rate=0.1, max_mean_decay=1.0)  # fmt: skip
    said_ = set()
    for judged in (scored, some, none, []):
        for limits in (LIMITS, few, replace(LIMITS, release=replace(LIMITS.release, decide_on="point"))):
            for partial in ("", "2 of 9 conversations were selected"):
                gates = hold_gates(judged, limits, ["m"], partial, 0)
                said_ |= {gate.reason for gate in gates} | {ending(judged, gates, "both", limits)[1]}
    assert len(said_) > 10
    assert [text for text in sorted(said_) if text and untranslated(text)] == []


def untranslated(text: str) -> str:
    """The English that is left in the Japanese of a sentence, names and ids aside."""
    found = sentence(text)
    return found.ja if found.ja == text or re.search(r"\b(the|is|are|of|to|and)\b", found.ja) else ""


def test_patterns_expand_what_they_capture() -> None:
    """No Japanese asks for a group that its pattern lacks."""
    for pattern, japanese in sentences():
        asked = {int(a or b) for a, b in CAPTURED.findall(japanese)}
        assert asked <= set(range(1, pattern.groups + 1)), japanese


def test_a_reason_inside_a_sentence_is_translated_too() -> None:
    """In Japanese to its end; what nobody knows stays as it is, whatever it looks like."""
    found = sentence("run good ended with 10: 6 gates cannot tell")
    assert found.ja == "実行 good は終了コード 10 で終わりました：判定できないリリース基準が 6 件あります"
    odd = sentence(r"run {1} ended with 10: \1 {2} of y")
    assert odd.ja == r"実行 {1} は終了コード 10 で終わりました：\1 {2} of y"


def test_what_nobody_knows_stays_as_it_is() -> None:
    """A sentence, a name or a title without a translation is shown in the language that it has."""
    assert sentence("an outage of y") == Both("an outage of y", "an outage of y")
    assert sentence("mean 4.0 < 5.0; who knows") == Both(
        "mean 4.0 < 5.0; who knows", "平均点 4.0 < 5.0、who knows"
    )
    assert known("gate.of_my_own", "of_my_own") == Both("of_my_own", "of_my_own")
    assert titled({"ja": "題"}, "x") == Both("題", "題")
    assert titled({"en": "title", "ja": "題"}, "x") == Both("title", "題")
    assert titled({}, "x") == Both("x", "x")


def test_a_string_that_nobody_wrote_is_an_error() -> None:
    """`said` is for our own keys."""
    with pytest.raises(KeyError, match=r"no\.such"):
        said("no.such")
