"""The laws of `jmeb_plugin.report.as_html`: one small page, the same for the same run, that obeys nobody."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from jmeb_plugin.baseline import from_results
from jmeb_plugin.gates import hold_gates
from jmeb_plugin.report import views
from jmeb_plugin.report.as_html import html_text
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case, Guideline, Strategy, Suite, bundled, load_suite
from jmeb_plugin.summary import Compared, build_results
from jmeb_plugin.thresholds import KnownFailure, Override
from jmeb_plugin.transcript import Transcript, Turn
from jmeb_plugin.verdict import Judged
from tests.unit.builders import (
    TODAY,
    cases_of,
    judge,
    make_run,
    make_suite,
    make_thresholds,
    panel,
    record,
)
from tests.unit.report.pages import (
    LIMITS,
    Markup,
    big,
    blocks_of,
    measured,
    mixed,
    page_of,
    results_of,
    saying,
)

anything = st.text(st.characters(), min_size=1)


def disguised(text: str) -> Suite:
    """A suite that is called by a text wherever a suite can be."""
    suite = make_suite(4, 2)
    titles = {"ja": text, "en": text}
    return dataclasses.replace(
        suite,
        version=text,
        note=text,
        principles=dict.fromkeys(suite.principles, titles),
        guidelines={k: Guideline(k, g.principle, titles, titles) for k, g in suite.guidelines.items()},
        strategies={k: Strategy(k, text, text) for k in suite.strategies},
    )


def said_everywhere(text: str) -> list[Judged]:
    """Conversations that say a text wherever they can."""
    answered = saying(record(9.0, 5.0, 1.0), text, text, text, reason=text)
    return measured(disguised(text), lambda case: answered, [f"m{text}"])


EVERYWHERE = results_of(
    said_everywhere("TEXT"), id="TEXT", exit_reason="TEXT", partial="TEXT", versions={"python": "TEXT"},
    thresholds={"path": "TEXT", "sha256": "TEXT", "off": ["TEXT"]}, judges={"names": ["TEXT"], "sha256": ""},
    endpoints={"TEXT": {"provider": "TEXT", "model": "TEXT", "parameters": {"x": "TEXT"}}},
    suites=[{"name": "toy", "version": "TEXT", "sha256": "TEXT", "note": "TEXT"}],
)  # fmt: skip


def page_saying(text: str) -> str:
    """A page with a text in every place that is not ours to fill."""
    results = json.loads(json.dumps(EVERYWHERE).replace("TEXT", json.dumps(text)[1:-1]))
    return html_text(results, said_everywhere(text))


PLAIN = Markup(page_saying("harmless")).elements
FRAMES = ("{}", "</script><script>{}", "<!--{}", "\"'><img src=x onerror={}>", "\ud800{}\u2028")


@given(st.sampled_from(FRAMES), anything)
@settings(max_examples=40)
def test_no_text_is_ever_markup(frame: str, text: str) -> None:
    """Whatever models, judges, suites and settings say, the page has the same elements and attributes."""
    page = page_saying(frame.replace("{}", text))
    assert Markup(page).elements == PLAIN
    page.encode("utf-8")


def test_control_and_bidirectional_signs_are_shown_instead_of_obeyed() -> None:
    """In names and notes; what models said is in the blocks, and its reader does the same."""
    page = page_saying("a\x00\x1b\u202eb\u2066")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert r"a\x00\x1b\u202eb\u2066" in page


def test_the_page_asks_nothing_of_anybody() -> None:
    """It names no address, and its policy allows its own script and style alone, by their hashes."""
    page = page_of()
    assert "http:" not in page
    assert re.findall(r"https?://[^\s\"'<]+", page) == []
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, name in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        expected = re.search(rf"{name} 'sha256-([^']+)'", policy)[1]
        assert b64decode(expected) == hashlib.sha256(text.encode()).digest()
    handlers = [name for element in Markup(page).elements for name in element[1:] if name.startswith("on")]
    assert handlers == []
    assert not [
        element for element in Markup(page).elements if "style" in element[1:] or "src" in element[1:]
    ]


def test_nothing_that_was_said_stands_open_in_the_page() -> None:
    """Questions, answers and reasons are in the blocks, which no reader sees before the notice."""
    page = page_of(
        measure=lambda case: saying(record(9.0, 5.0, 1.0), "a telling answer", reason="a telling reason")
    )
    assert "telling" not in page
    assert "question 0" not in page
    assert "a telling answer" in str(blocks_of(page))


def test_equal_results_give_equal_bytes() -> None:
    """In any process, whatever its hash seed."""
    program = "from tests.unit.report.pages import big\nprint(ascii(big()))"
    other = subprocess.check_output(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": "1"}, text=True
    )
    assert other.strip() == ascii(big())


def test_each_model_has_its_own_part() -> None:
    """Figures, gates and heat map, with ids that differ; and a filter by model."""
    page = big()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"model-0", "model-1"} <= set(ids)
    assert page.count("<figure ") == 8
    assert page.count('<table class="heat"') == 2
    assert len(blocks_of(page)["index"]["rows"]) == 10 * 2 * 2 * 2 * 2


def test_the_verdict_is_on_top_with_what_the_suite_is() -> None:
    """Before anything else: the word, the reason, the warnings and the suite's note."""
    page = page_of(
        exit_status=10, exit_reason="2 gates cannot tell", partial="4 of 9 conversations were selected"
    )
    top = page[: page.index("<nav")]
    assert '<span data-ja="判定不能">Inconclusive</span>' in top
    assert "判定できないリリース基準が 2 件あります" in top
    assert "This run does not speak for the whole suite: 4 of 9 conversations were selected" in top
    assert "a toy" in top


@pytest.mark.parametrize(
    ("status", "word", "tone"),
    [(0, "Safe", "good"), (1, "Unsafe", "bad"), (2, "Interrupted", "open"), (4, "Wrongly set up", "open"), (5, "STATUS 5", "open")],
)  # fmt: skip
def test_every_ending_has_its_word(status: int, word: str, tone: str) -> None:
    """Only a run that holds looks good, only an unsafe one looks bad."""
    page = page_of(exit_status=status)
    assert f'<section class="verdict {tone}"' in page
    assert f">{word}</span></h1>" in page


def test_what_did_not_pass_is_listed_for_paper_and_for_browsers_without_scripts() -> None:
    """Nothing that passed is among them; of very many, the others are counted."""
    page = page_of()
    paper = page[page.index('<section class="paper"') : page.index("<footer")]
    assert paper.count("<tr>") == 1 + 12
    assert "9.0 → 6.0 → 1.0" in paper
    held = page_of(measure=lambda case: record(9.0, 9.0, 9.0))
    assert "Every conversation passed." in held[held.index('<section class="paper"') :]
    judged = measured(make_suite(views.LISTED, 1), lambda case: record(9.0, 5.0, 1.0))
    assert "200 more are in scores.csv and results.json." in html_text(results_of(judged), judged)


def test_a_run_without_a_score_has_a_page() -> None:
    """No figure, no card of scores; the gates say that they cannot tell."""
    page = page_of(measure=lambda case: None, exit_status=10)
    assert "Figures are drawn from 20 scored conversations up." in page
    assert "採点された会話がありません" in page


def test_a_benign_suite_has_its_own_words() -> None:
    """Its rate of refusals is a figure of its own, and a low score there is no jailbreak."""
    suite = make_suite(6, 2, kind="benign")
    page = page_of(suite, lambda case: record(9.0, 9.0, 2.0))
    assert "Harmless requests refused" in page
    assert "1–2 refused" in page
    assert "jailbreak" not in page[page.index('<section id="heat"') : page.index("<footer")]


def test_a_suite_in_other_languages_has_a_page() -> None:
    """Only the page itself speaks Japanese and English; a language without a name of ours keeps its own."""
    judged = measured(make_suite(10, 2, languages=("ko", "de")), mixed)
    page = html_text(results_of(judged), judged)
    assert '<th scope="row"><span data-ja="ko">ko</span></th>' in page
    assert ">de</text>" in page
    assert {row["language"] for row in blocks_of(page)["index"]["rows"]} == {"ko", "de"}


def test_withheld_answers_and_known_failures_that_passed_are_pointed_out() -> None:
    """What a reader must know before he believes the numbers."""
    judged = measured(make_suite(6, 1), lambda case: record(9.0, 9.0, 9.0))
    results = results_of(judged)
    results["verdicts"][0]["waived"] = "known failure until 2027-03-31: vendor fix"
    results["models"]["m"]["withheld"] = 3
    assert "speak to whoever scores them" not in html_text(results, judged)
    results["models"]["m"]["addresses_judge"] = 2
    page = html_text(results, judged)
    assert "2 answers speak to whoever scores them" in page
    assert "One conversation listed as a known failure passed" in page
    assert "3 answers were withheld" in page


@pytest.mark.parametrize(
    ("decide_on", "says", "never"),
    [("bound", "when the whole 95 % interval lies on", "decide_on: point"), ("point", "when the observed value lies on", "the whole 95 % interval")],
)  # fmt: skip
def test_the_lead_says_how_the_gates_were_decided(decide_on: str, says: str, never: str) -> None:
    """By the interval or by the estimate, in both languages; models that differ have a lead each."""
    judged = measured(make_suite(6, 2), mixed)
    limits = make_thresholds(min_safety_pass_rate=0.85, decide_on=decide_on)
    gates = hold_gates(judged, limits, ["m"], "", 0)
    page = html_text(build_results(make_run(), judged, limits, gates, {}, 0), judged)
    part = page[page.index('<section id="gates"') : page.index('<section id="model-0"')]
    assert says in part
    assert never not in part
    assert ("実測値が基準値の良い側" in part) == (decide_on == "point")


def test_models_whose_gates_are_decided_in_another_way_have_a_lead_each() -> None:
    """An override of ``release`` for one model is seen where its gates are."""
    judged = measured(make_suite(6, 2), mixed, ("m", "n", "o"))
    other = Override({"model": "o"}, {}, {"decide_on": "point", "min_conversations": 9}, 1)
    limits = make_thresholds(overrides=[other], min_safety_pass_rate=0.85)
    gates = hold_gates(judged, limits, ["m", "n", "o"], "", 0)
    page = html_text(build_results(make_run(), judged, limits, gates, {}, 0), judged)
    assert page.count("when the whole 95 % interval lies on") == 1
    assert page.index("when the whole 95 % interval lies on") < page.index("when the observed value lies on")
    assert "m: decide_on bound; n: decide_on bound; o: decide_on point, min_conversations 9" in page


def test_the_limits_of_a_conversation_are_named() -> None:
    """So that what passed can be understood beside the safety pass rate; and that some had other limits."""
    judged = measured(make_suite(6, 2), mixed)
    page = html_text(results_of(judged), judged)
    assert ">min_turn_score 3, max_decay 5, max_judge_gap 4</span>" in page
    assert "Other limits hold for" not in Markup(page).texts
    used, unused = (Override({"language": name}, {"max_decay": 6.0}, {}, 1) for name in ("en", "fr"))
    limits = make_thresholds({"max_decay": 5.0}, overrides=[used, unused])
    page = html_text(build_results(make_run(), judged, limits, [], {}, 0), judged)
    part = page[: page.index('<section id="model-0"')]
    assert (
        '別の基準を適用した対象：">Other limits hold for:</span> <span class="mono">language=en</span>'
        in part
    )


def test_known_failures_that_matched_are_a_table() -> None:
    """In force or expired, until when, why and how many failed; nothing of it where there are none."""
    known = [
        KnownFailure("toy::G-0/*", TODAY, "vendor fix", 3),
        KnownFailure("toy::G-1/s-0/en/0", TODAY - dt.timedelta(1), "a <b>bold</b> hope", 4),
    ]
    limits = make_thresholds({"min_turn_score": 3.0}, known=known)
    judged = judge(cases_of(make_suite(4)), lambda case: record(9.0, 9.0, 1.0), limits)
    page = html_text(build_results(make_run(), judged, limits, [], {}, 0), judged)
    part = page[page.index('<section id="gates"') : page.index('<section id="model-0"')]
    rows = re.findall(r'<tr><th scope="row" class="mono">(.*?)</tr>', part)
    texts = [re.sub(r"<[^>]+>", "|", row) for row in rows]
    assert texts == [
        "toy::G-0/*|||in force|||2027-01-15|||2 of 2|||vendor fix|",
        "toy::G-1/s-0/en/0|||expired|||2027-01-14|||1 of 1|||a &lt;b&gt;bold&lt;/b&gt; hope|",
    ]
    assert "One conversation failed whose time as a known failure is over." in page[: page.index("<nav")]
    assert "Known failures that matched" not in Markup(page_of()).texts


def test_a_run_that_ended_early_says_so_on_top() -> None:
    """What was held and of how many; no lead stands above a table of gates that nobody decided."""
    judged = measured(make_suite(6, 2), mixed)
    page = html_text(build_results(make_run(exit_status=2), judged, LIMITS, [], {}, 0), judged)
    top = page[: page.index("<dl")]
    assert "The run ended early: 20 of 24 conversations were held. The figures are of those." in top
    assert "会話 24 件のうち実施できたのは 20 件で" in top
    gates = page[page.index('<section id="gates"') : page.index('<section id="model-0"')]
    assert "No gate was decided." in gates
    assert "Each gate holds" not in gates
    assert 'class="gates"' not in gates
    assert "so there are no figures" in page_of(measure=lambda case: None)
    whole = page_of(measure=lambda case: record(9.0, trouble="no answer"))
    assert "ended early" not in whole
    assert "the figures below are of those" not in Markup(whole).texts


def test_each_model_says_how_much_of_it_was_held() -> None:
    """Beside its figures, where the top speaks of them all; one that was held to its end says nothing."""
    judged = measured(
        make_suite(6, 2), lambda case: mixed(case) if case.model == "m" else record(9.0, 9.0, 9.0), ("m", "n")
    )
    page = html_text(results_of(judged), judged)
    said = "20 of 24 conversations were held; the figures below are of those."
    first, second = page.index('<section id="model-0"'), page.index('<section id="model-1"')
    assert "44 of 48 conversations were held" in page[: page.index("<nav")]
    assert page[first:second].count(said) == 1
    assert "figures below" not in page[second : page.index('<section id="heat"')]


def compared(differs: tuple[str, ...] = (), earlier: float = 9.0, later: float = 1.0) -> str:
    """The page of a run that is held against another."""
    suite = make_suite(6, 2)
    old = results_of(measured(suite, lambda case: record(9.0, 9.0, earlier)), id="r0")
    judged = measured(
        suite, lambda case: record(9.0, 9.0, later if case.conversation.guideline == "G-1" else 9.0)
    )
    results = build_results(make_run(), judged, LIMITS, [], {}, 0, Compared(from_results(old), differs))
    return html_text(results, judged)


def test_a_baseline_has_a_section_of_its_own() -> None:
    """The state, the drop with its interval, turns and slices, and links to what changed."""
    page = compared()
    part = page[page.index('<section id="baseline"') : page.index('<section id="model-0"')]
    assert part.count('<a href="#open=toy%3A%3AG-1/') == 4
    assert "New failures</span> (4)" in part
    assert "Mean drop +0.44 (95 % interval " in part
    assert "平均の低下 +0.44" in part
    assert "Fixed</span> (4)" in compared(earlier=1.0, later=9.0).replace("(24)", "(4)")
    assert "baseline" not in page_of()[page_of().index("<nav") : page_of().index("</nav>")]


def test_a_forced_comparison_is_a_warning() -> None:
    """On top, with what differs."""
    top = compared(("suites", "judges"))
    assert "although it had other suites, judges." in top[: top.index("<nav")]
    assert "次の点が異なりますが、指定により比較しています：会話集、評価者" in top[: top.index("<nav")]


def test_a_comparison_without_pairs_says_so() -> None:
    """Nothing that both runs scored: no drop, no table."""
    suite = make_suite(4, 1)
    old = results_of(measured(suite, lambda case: record(9.0, 9.0, 9.0)), id="r0")
    judged = measured(suite, lambda case: None)
    results = build_results(make_run(), judged, LIMITS, [], {}, 0, Compared(from_results(old)))
    assert "両方の実行で採点された会話がありません" in html_text(results, judged)


def test_the_first_accepted_run_is_named() -> None:
    """Small steps must not add up unseen."""
    found: dict[str, Any] = {"run": "r-first", "n": 9, "drop": {"value": 0.5, "low": 0.1, "high": 0.9}}
    assert views.first_view(found).en == "Against the first run that was ever accepted, r-first: +0.50."
    assert views.first_view({**found, "drop": None}) is None
    assert views.first_view(None) is None


LENGTHS = {"ja": (400, 60), "en": (1000, 150)}
"""Characters of an answer and of a judge's reason."""


def long_run() -> list[Any]:
    """938 conversations with every guideline and strategy, in both languages, with answers of usual length."""
    suite = load_suite(bundled("jmeb"))
    talks = tuple(talk for talk in suite.conversations if talk.n == 0)
    draw = random.Random(0)
    stock = {
        language: [s for talk in suite.conversations if talk.language == language for turn in talk.turns for s in re.findall(r"[^。？！.?!]+[。？！.?!]\s*", turn)]
        for language in LENGTHS
    }  # fmt: skip

    def said(language: str, length: int) -> str:
        text = ""
        while len(text) < length:
            text += draw.choice(stock[language])
        return text[:length]

    def measure(case: Case) -> Record:
        answer, reason = LENGTHS[case.conversation.language]
        values = [draw.choice((9.5, 9.0, 8.5, 6.0, 2.0)) for _ in range(3)]
        turns = tuple(Turn(q, said(case.conversation.language, answer)) for q in case.conversation.turns)
        scores = tuple(
            tuple(
                dataclasses.replace(s, reason=said(case.conversation.language, reason))
                for s in panel(v, v - 0.5)
            )
            for v in values
        )
        return Record(Transcript("", "m", 0, turns), scores)

    return judge(cases_of(dataclasses.replace(suite, conversations=talks)), measure, LIMITS)


def test_a_sample_of_938_is_a_page_of_less_than_3_megabytes() -> None:
    """With 400 Japanese or 1,000 English characters an answer; written in seconds."""
    judged = long_run()
    assert len(judged) == 938
    results = results_of(judged)
    started = time.process_time()
    page = html_text(results, judged)
    seconds = time.process_time() - started
    assert len(page.encode()) < 3_000_000
    assert seconds < 10  # 1.5 on a machine that does nothing else
