"""The plan: what a run will ask, cost and be able to show."""

from __future__ import annotations

import dataclasses

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.forecast import (
    MARK_TOKENS,
    MARKS,
    VERDICT_TOKENS,
    forecast,
    plan_lines,
)
from jmeb_plugin.judges import judge_request, load_rubrics
from jmeb_plugin.price import Price
from jmeb_plugin.suite import bundled, load_suite, make_cases
from jmeb_plugin.tokenizer import ANSWER_TOKENS, ASCII_PER_TOKEN, tokens
from jmeb_plugin.transcript import Turn

SUITE = load_suite(bundled("jmeb"))
RUBRICS = {(SUITE.name, language): rubric for language, rubric in load_rubrics(SUITE).items()}
IT = Endpoint("it", "openai", model="m", base_url="http://h/v1", price=Price(1.0, 2.0))
JUDGES = [dataclasses.replace(IT, name=name, model=name) for name in ("a", "b")]


def plan(count: int, repeats: int = 1, concurrency: int = 64, judges=JUDGES):
    """The forecast of the first conversations."""
    cases = make_cases(SUITE, SUITE.conversations[:count], ["it"], repeats)
    return forecast(cases, [IT], judges, RUBRICS, concurrency)


@pytest.mark.parametrize("repeats", [1, 3])
def test_every_turn_is_one_call_and_two_verdicts(repeats):
    """Three turns, two judges: nine calls a conversation and repeat."""
    found = plan(10, repeats)
    assert [load.calls for load in found.loads] == [30 * repeats] * 3
    assert [load.output_tokens for load in found.loads] == [
        30 * repeats * n for n in (ANSWER_TOKENS, VERDICT_TOKENS, VERDICT_TOKENS)
    ]


def test_later_turns_carry_the_history():
    """A conversation's input grows by every answer before it."""
    (target, *_) = plan(1).loads
    talk = SUITE.conversations[0]
    first, second, third = map(tokens, talk.turns)
    expected = first + (first + ANSWER_TOKENS + second) + (first + second + third + 2 * ANSWER_TOKENS)
    assert target.input_tokens == round(expected)


def test_the_price_is_the_sum_or_unknown():
    """One endpoint without a price leaves the whole unknown."""
    found = plan(10)
    assert found.usd == pytest.approx(sum(load.usd for load in found.loads))
    assert plan(10, judges=[JUDGES[0], dataclasses.replace(JUDGES[1], price=None)]).usd is None


def test_more_conversations_show_smaller_drops():
    """And repeats of the same ones do not count as more."""
    assert plan(900).smallest_drop < plan(100).smallest_drop == plan(100, repeats=3).smallest_drop


def test_time_is_bound_by_concurrency_and_by_the_longest_conversation():
    """Four calls in a row are the least, however many are in flight."""
    assert plan(1, concurrency=1000).seconds == 4 * 3
    assert plan(100, concurrency=1).seconds == 900 * 3


def test_the_plan_says_what_it_supposes():
    """Nobody should take a guess for a measurement: the tokenizer is named, its ratio is by language."""
    cases = make_cases(SUITE, [SUITE.conversations[0], SUITE.conversations[-1]], ["it"], 1)
    *_, reckoned, supposed = plan_lines(forecast(cases, [IT], JUDGES, RUBRICS, 64))
    assert supposed.startswith("supposed: ")
    assert reckoned == (
        "tokens: by the ratios of o200k_base, in bytes of UTF-8 a token: 4.4 in en, 3.5 in ja"
    )


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a" * 44, 10), ("会" * 35, 30), ("a" * 44 + "会" * 35, 40), ("é" * 7, 4)]
)
def test_tokens_by_length(text, count):
    """ASCII and everything else have a ratio each."""
    assert tokens(text) == pytest.approx(count)


def test_an_answer_is_no_longer_than_it_may_be():
    """``max_tokens`` below the supposed length stands in its place, for the judges as well."""
    cases = make_cases(SUITE, SUITE.conversations[:1], ["it"], 1)
    long, short = (
        forecast(cases, [dataclasses.replace(IT, max_tokens=most)], JUDGES, RUBRICS, 64).loads
        for most in (None, 100)
    )
    assert [long[0].output_tokens, short[0].output_tokens] == [3 * ANSWER_TOKENS, 300]
    assert long[0].input_tokens - short[0].input_tokens == 3 * (ANSWER_TOKENS - 100)
    assert long[1].input_tokens - short[1].input_tokens == 6 * (ANSWER_TOKENS - 100)


@pytest.mark.parametrize("place", [0, -1])
def test_a_judge_is_sent_what_the_plan_reckons(place):
    """Rubric, guideline, duty, earlier turns and all: within a hundredth, where answers are as supposed."""
    cases = make_cases(SUITE, [SUITE.conversations[place]], ["it"], 1)
    talk, rubric = cases[0].conversation, RUBRICS[SUITE.name, cases[0].conversation.language]
    answer = "a" * round(ANSWER_TOKENS * ASCII_PER_TOKEN)
    turns = tuple(Turn(question, answer) for question in talk.turns)
    sent = [judge_request(SUITE, rubric, talk, turns[: count + 1], "") for count in range(3)]
    exact = sum(tokens(message.content) for request in sent for message in request.messages)
    planned = forecast(cases, [IT], JUDGES, RUBRICS, 64).loads[1].input_tokens
    assert planned - 3 * MARKS * MARK_TOKENS == pytest.approx(exact, rel=0.01)
