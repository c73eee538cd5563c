"""The plan: what a run will ask, cost and be able to show."""

from __future__ import annotations

import dataclasses

import pytest

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.forecast import ANSWER_TOKENS, VERDICT_TOKENS, forecast, plan_lines
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.price import Price
from jmeb_plugin.suite import bundled, load_suite, make_cases

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
    first, second, third = (len(turn.encode()) / 4 for turn in talk.turns)
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
    """Nobody should take a guess for a measurement."""
    assert list(plan_lines(plan(10)))[-1].startswith("supposed: ")
