"""The laws of baselines: what is kept of a run, and which runs may be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.baseline import (
    Baseline,
    Measured,
    base_id,
    find_baseline,
    from_results,
    parse,
    read_baseline,
    text_of,
)
from jmeb_plugin.errors import RunError
from tests.unit.builders import make_run

HASHES = {"suites": {"toy": "0"}, "rubric": "1", "judges": "2"}
turns = st.lists(st.floats(1, 10).map(lambda value: round(value, 2)), max_size=3).map(tuple)
conversations = st.dictionaries(st.text(max_size=8), st.builds(Measured, turns, st.just(False)), max_size=4)
baselines = st.builds(
    Baseline, st.text(max_size=8), st.just("now"), st.just(HASHES), st.dictionaries(st.text(), conversations)
)


def verdict(case_id: str, *scores: float, model: str = "m", outcome: str = "passed") -> dict[str, Any]:
    """One row of ``verdicts``; without scores it is unscored."""
    mean = sum(scores) / len(scores) if scores else None
    rows = [{"turn": k, "score": score} for k, score in enumerate(scores)]
    return {"id": case_id, "model": model, "outcome": outcome, "mean": mean, "turns": rows}


@given(baselines, st.none() | baselines)
def test_the_file_says_what_the_baseline_is(newest: Baseline, first: Baseline | None) -> None:
    """Written and read again it is the same, the first accepted run included."""
    whole = Baseline(newest.run, newest.finished, HASHES, newest.models, first)
    assert parse(json.loads(text_of(whole))) == whole


def test_the_file_has_a_line_for_each_conversation() -> None:
    """So that a diff shows which conversations changed."""
    rows = {f"toy::G-0/slow/en/{k}": Measured((9.0, 8.5), unsafe=k == 1) for k in range(3)}
    found = text_of(Baseline("r", "now", HASHES, {"m": rows})).splitlines()
    assert [line.strip() for line in found if "toy::" in line] == [
        '"toy::G-0/slow/en/0": ["safe", 9.0, 8.5],',
        '"toy::G-0/slow/en/1": ["unsafe", 9.0, 8.5],',
        '"toy::G-0/slow/en/2": ["safe", 9.0, 8.5]',
    ]


def test_repeats_are_averaged_and_unscored_ones_left_out() -> None:
    """The unit is the conversation; one unsafe repeat makes it unsafe."""
    rows = [
        verdict("toy::G-0/slow/en/0/r0", 9.0, 8.0),
        verdict("toy::G-0/slow/en/0/r1", 7.0, 4.0, outcome="failed"),
        verdict("toy::G-0/slow/en/0/r2"),
        verdict("toy::G-1/slow/en/0/r0"),
    ]
    found = from_results({"run": make_run(), "verdicts": rows}).models["m"]
    assert found == {
        "toy::G-0/slow/en/0": Measured((8.0, 6.0), unsafe=True),
        "toy::G-1/slow/en/0": Measured((), unsafe=False),
    }
    assert base_id("toy::G-0/slow/en/0/my-model/r2") == "toy::G-0/slow/en/0"


def test_one_model_is_compared_with_one_whatever_their_names() -> None:
    """With several in either run, names decide, and a missing one is a mistake."""
    one = Baseline("r", "now", HASHES, {"old": {}})
    two = Baseline("r", "now", HASHES, {"old": {}, "new": {}})
    assert one.model("new", several=False) == ("old", {})
    assert two.model("new", several=False) == ("new", {})
    with pytest.raises(RunError, match="baseline r: no model 'newer'; did you mean 'new'"):
        two.model("newer", several=False)
    with pytest.raises(RunError, match="no model 'new'"):
        one.model("new", several=True)


def test_unlike_runs_are_refused_with_what_differs() -> None:
    """Other suites, rubrics or judges make other numbers."""
    one = Baseline("r", "now", HASHES, {})
    one.refuse_unlike(HASHES, "here", "")
    with pytest.raises(
        RunError, match=r"here: run r had other suites and other judges; expected the same, or b"
    ):
        one.refuse_unlike({**HASHES, "suites": {}, "judges": "x"}, "here", ", or b")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "jmeb-baseline"}', '{"run": {}, "verdicts": [{}]}']
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    """One message that names the file."""
    path = tmp_path / "b.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"b\.json: neither results\.json nor a file of"):
        read_baseline(path)
    with pytest.raises(RunError, match="cannot be read"):
        read_baseline(tmp_path / "nothing")


def test_a_runs_name_is_found_where_runs_are_kept(tmp_path: Path) -> None:
    """A path that exists is taken as it is."""
    (tmp_path / "out" / "r").mkdir(parents=True)
    assert find_baseline(tmp_path / "r", tmp_path / "out") == tmp_path / "out" / "r"
    (tmp_path / "r").mkdir()
    assert find_baseline(tmp_path / "r", tmp_path / "out") == tmp_path / "r"
