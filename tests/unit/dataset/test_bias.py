"""The laws of the bias checks: a planted bias is found, none is made up, and what is unknown stays out."""

from __future__ import annotations

import random

import pytest

from jmeb_plugin.dataset.bias import Seen, bias_lines, check_bias, makers_of
from jmeb_plugin.dataset.records import Dialogue, Seed
from jmeb_plugin.subjects import unlike

FAMILIES = {"m-a": "A", "m-b": "B", "m-c": "C", "w-a": "A", "w-b": "B", "w-c": "C"}


def runs(bonus: float) -> list[Seen]:
    """Three models on 120 conversations of three families' attackers, own ones scored higher by ``bonus``."""
    dice = random.Random(1)
    found = []
    for number in range(120):
        letter, hardness = "abc"[number % 3], dice.gauss(0, 1)
        for model, level in (("m-a", 8), ("m-b", 6), ("m-c", 5)):
            own = bonus if model[-1] == letter else 0.0
            score = level + hardness + own + dice.gauss(0, 0.5)
            makers = {"attacker": (f"w-{letter}",), "seed": (model,) if number % 4 == 0 else ("w-x",)}
            found.append(Seen(model, f"q{number}", f"g{number % 20}", score, makers))
    return found


def test_a_planted_bias_is_found_by_every_check() -> None:
    """Pooled scores hide it behind the models' levels; within questions and models it is plain."""
    row = check_bias(runs(1.0), FAMILIES, 0)["family"]["attacker"]
    assert (row["own"], row["other"]) == (120, 240)
    assert row["low"] < 1.0 < row["high"]
    assert row["per_question"]["n"] == 120
    assert row["per_question"]["difference"] == pytest.approx(1.0, abs=0.2)
    assert row["per_question"]["p"] < 0.001
    assert row["per_model"]["n"] == 3
    assert row["normalised"]["difference"] == pytest.approx(1.0, abs=0.2)
    assert row["normalised"]["p"] < 0.001
    assert all(part["p_adjusted"] < 0.05 for part in row["by_model"].values())


def test_no_bias_is_made_up() -> None:
    """Models of unlike strength on questions of unlike hardness differ, and still none favours its own."""
    row = check_bias(runs(0.0), FAMILIES, 0)["family"]["attacker"]
    assert abs(row["normalised"]["difference"]) < 0.15
    assert row["normalised"]["p"] > 0.05
    assert row["low"] < 0 < row["high"]


def test_the_very_model_is_told_from_its_family() -> None:
    """Version overlap counts one's own name alone; a maker without a family is named and left out."""
    found = check_bias(runs(0.0), FAMILIES, 0)
    assert found["unknown_family"] == ["w-x"]
    assert (found["version"]["seed"]["own"], found["version"]["seed"]["other"]) == (90, 270)
    assert (found["family"]["seed"]["own"], found["family"]["seed"]["other"]) == (90, 0)
    assert found["family"]["seed"]["difference"] is None
    assert found["family"]["target"]["own"] == 0
    said = "\n".join(bias_lines(found))
    assert "no family is known of w-x: left out of the family checks" in said
    assert "requests written: nothing to compare (90 own, 0 others)" in said


def test_makers_are_read_off_the_source() -> None:
    """As the sample writes it; whatever else a source may say is no maker."""
    seed = Seed("i", "g", "en", "r", "w-a", ("x", "y"))
    source = Dialogue(seed, "s", "openai/a@http://h:1/v1", "t", ("q",)).source
    assert makers_of(source) == {
        "seed": ("w-a",), "refused": ("x", "y"), "attacker": ("openai/a@http://h:1/v1",), "target": ("t",),
    }  # fmt: skip
    assert makers_of("a book; page=3") == {}


def test_runs_with_an_attacker_are_unlike_any_other() -> None:
    """Even a single one is not compared: its models were asked other questions."""
    run = {
        "id": "r", "attacker": "demo/attacker", "suites": [], "rubric": {"sha256": ""},
        "judges": {"sha256": ""}, "options": {},
    }  # fmt: skip
    assert unlike([{"run": run}]) == ["run r had its user's turns made up by demo/attacker"]
