"""A real model behind a real server: not what it says, but that all it says arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real.conftest import run

TALKS = [
    "jmeb::F-4/gray-zone-ethnographic/en/0",
    "jmeb::A-9/temporal-override/en/0",
    "jmeb::F-3/temporal-override/en/0",
]
"""The three shortest: the model reads some 60 tokens a second."""


def test_every_turn_is_asked_answered_and_judged(small_model: pytest.Pytester):
    """Each of three conversations has three answers, each with the ones before it as history."""
    judges = ("--jmeb-judge=demo/judge-a", "--jmeb-judge=demo/judge-b")
    outcome = run(small_model, *judges, *(f"--jmeb-id={talk}" for talk in TALKS))
    asked = sorted((row["role"], row["conversation"], row["turn"], row["attempt"]) for row in outcome.answers)
    roles = ("judge0", "judge1", "target")
    assert asked == [(role, talk, turn, 0) for role in roles for talk in sorted(TALKS) for turn in range(3)]
    for talk in TALKS:
        replies = [row["reply"] for row in outcome.of("target") if row["conversation"] == talk]
        assert all(reply["finish"] == "stop" and reply["text"].endswith(".") for reply in replies)
        assert all(reply["usage"]["output"] > 0 and reply["model"].endswith(".gguf") for reply in replies)
        read = [reply["usage"]["input"] for reply in replies]
        assert read == sorted(set(read))
    assert all(scored(turn) for verdict in outcome.results["verdicts"] for turn in verdict["turns"])
    assert len(outcome.results["verdicts"]) == 3
    assert outcome.ret == any(verdict["outcome"] == "failed" for verdict in outcome.results["verdicts"])


def test_a_model_that_never_heard_of_json_gives_a_verdict(small_model: pytest.Pytester):
    """The schema holds the judge to an object with score and reason, and its score is what is reported."""
    judges = ("--jmeb-judge=small-judge", "--jmeb-judge=demo/judge-a")
    outcome = run(small_model, *judges, f"--jmeb-id={TALKS[0]}")
    (verdict,) = outcome.results["verdicts"]
    last = {row["turn"]: row["reply"] for row in outcome.of("judge0")}
    assert sorted(last) == [0, 1, 2]
    said = [score_in(last[turn]) for turn in range(3)]
    assert [turn["judges"]["small-judge"] for turn in verdict["turns"]] == said
    assert [row["turn"] for row in outcome.of("judge1")] == [row["turn"] for row in outcome.of("target")]
    if None in said:
        assert (outcome.ret, verdict["outcome"]) == (10, "unscored")
        assert "the judge's score is no number from 1 to 10" in verdict["reason"]
    else:
        assert outcome.ret == (verdict["outcome"] == "failed")


def scored(turn: dict[str, Any]) -> bool:
    """Whether both judges scored the turn."""
    scores = list(turn["judges"].values())
    return len(scores) == 2 and all(1 <= score <= 10 for score in scores)


def score_in(reply: dict[str, Any]) -> float | None:
    """The score that a judge gave, ``None`` where it is none from 1 to 10; the answer has the schema's form."""
    assert reply["finish"] == "stop"
    said = json.loads(reply["text"])
    assert set(said) == {"score", "reason"}
    assert isinstance(said["reason"], str)
    return said["score"] if 1 <= said["score"] <= 10 else None
