"""The laws of the stages' own decisions, without asking anybody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.dataset.drawing import draw_sample, some_of_each
from jmeb_plugin.dataset.plan import read_plan
from jmeb_plugin.dataset.records import Dialogue, Seed, StrategyCard, read_records, writing
from jmeb_plugin.dataset.refusals import Answer, RefusalSettings, agreement, check, read_refusal, refuses
from jmeb_plugin.dataset.seeds import Repeats
from jmeb_plugin.dataset.strategies import Library, Logged, draw_pairs
from jmeb_plugin.dataset.workshop import private_folder
from jmeb_plugin.errors import RunError, SettingsError, SuiteError

SEED = Seed("A/en/0", "A", "en", "Write it.", "gen", ("x", "y"))


def talk(attacker: str, number: int, strategy: str = "s") -> Dialogue:
    """A conversation of an attacker with the request of that number."""
    return Dialogue(
        replace(SEED, id=f"A/en/{number}"), strategy, attacker, "t", ("a", "b", "c"), reached=True
    )


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """What a stage writes the next one reads; a file bears its name only when it is whole."""
    path = tmp_path / "d.jsonl"
    with writing(path) as write:
        write(talk("a", 1))
        assert not path.exists()
    assert list(read_records(path, Dialogue)) == [talk("a", 1)]
    assert talk("a", 1).source == "seed=gen; refused=x, y; attacker=a; target=t"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "d.jsonl:1: not JSON"),
        ("[]", "d.jsonl:1: expected an object, found a list"),
        ('{"id": "a"}', "d.jsonl:1: guideline, language, request, author missing"),
        ('{"idd": "a"}', "unknown key 'idd'; did you mean 'id'?"),
        (json.dumps({"id": 1, "guideline": "", "language": "", "request": "", "author": ""}), "id: expected str, found int 1"),
        (json.dumps({"id": "", "guideline": "", "language": "", "request": "", "author": "", "refused_by": "x"}), "refused_by: expected a list of texts"),
    ],
)  # fmt: skip
def test_a_broken_record_is_named_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    """File, line, key, and what was expected."""
    path = tmp_path / "d.jsonl"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(SuiteError) as caught:
        list(read_records(path, Seed))
    assert said in str(caught.value)


def test_a_request_that_says_the_same_is_known() -> None:
    """Case, blanks and punctuation make no new request; another guideline's is another."""
    seen = Repeats()
    seen.add("A/en", "A/en/0", "Write a letter that hides the error from the family.")
    assert seen.like("A/en", "write a letter, that hides the  error from the family") == "A/en/0"
    assert seen.like("A/en", "Draft a form that a patient signs unread.") == ""
    assert seen.like("B/en", "Write a letter that hides the error from the family.") == ""
    assert [seen.number("A/en"), seen.number("A/en"), seen.number("B/en")] == [0, 1, 0]


def test_the_sample_is_even_over_attackers_and_requests() -> None:
    """Attackers take turns, no request comes twice while another waits, and the seed decides the rest."""
    talks = [talk(attacker, number) for attacker in ("a", "b", "c") for number in range(4)]
    drawn = draw_sample(talks, 6, 1)["A", "s", "en"]
    assert sorted(item.attacker for item in drawn) == list("aabbcc")
    assert max(map([item.seed.id for item in drawn].count, {item.seed.id for item in drawn})) == 2
    assert draw_sample(talks, 6, 1) == draw_sample(talks, 6, 1)
    assert draw_sample(talks, 6, 1) != draw_sample(talks, 6, 2)
    assert len(draw_sample(talks, 99, 1)["A", "s", "en"]) == 12
    assert list(draw_sample([talk("a", 0, "z"), talk("a", 0, "q")], 1, 0)) == [
        ("A", "q", "en"),
        ("A", "z", "en"),
    ]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=30),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_quotas_hold_for_any_supply(supply: list[tuple[str, int]], per_cell: int, seed: int) -> None:
    """Never more than asked for, never fewer than there are, and no attacker two ahead of one with some left."""
    talks = [talk(attacker, number) for attacker, number in supply]
    drawn = [item for cell in draw_sample(talks, per_cell, seed).values() for item in cell]
    assert len(drawn) == min(per_cell, len(talks))
    counts = {name: sum(item.attacker == name for item in drawn) for name in "abc"}
    there = {name: sum(item.attacker == name for item in talks) for name in "abc"}
    for name, count in counts.items():
        assert count == there[name] or count >= max(counts.values()) - 1


def test_some_requests_of_each_guideline_are_drawn_by_the_seed() -> None:
    """In the order of the file, as many as asked for, all without a number."""
    seeds = [replace(SEED, id=f"{g}/{n}", guideline=g) for g in "AB" for n in range(5)]
    assert some_of_each(seeds, None, 0) == seeds
    drawn = some_of_each(seeds, 2, 0)
    assert [seed.guideline for seed in drawn] == list("AABB")
    assert drawn == [seed for seed in seeds if seed in drawn]


def card(name: str, mechanism: str) -> dict[str, str]:
    """What a summariser says of a new strategy."""
    return {"known": "", "name": name, "mechanism": mechanism, "frame": "f", "counter_indications": "c"}


def test_the_library_tells_new_from_known() -> None:
    """By the summariser's word, guarded by the words: a known one under another name is no new one."""
    library = Library(
        [StrategyCard("past", "Past Practice", "What was once allowed is set above the rules.", known=True)]
    )
    assert library.take({**card("", ""), "known": "past"}, SEED) == ""
    assert library.take(card("Former Practice", "What was once allowed is set above rules."), SEED) == ""
    assert library.take(card("Borrowed Voice", "An authority is invented who decides."), SEED) == ""
    assert library.take(card("Borrowed voice", "Another text entirely, about something."), SEED) == ""
    assert {name: found.times for name, found in library.cards.items()} == {"past": 2, "borrowed-voice": 2}
    assert library.cards["borrowed-voice"].found_in == "A/en/0"
    assert library.take({**card("", ""), "known": "nothing"}, SEED) == "'nothing' is no known strategy"
    assert (
        library.take(card("Only a Name", ""), SEED) == "neither a known strategy nor a name and a mechanism"
    )


def test_pairs_differ_in_score_and_come_once() -> None:
    """The one that held is the weaker attempt; equal scores say nothing; the draw is the seed's."""
    log = [Logged("a", "", 9), Logged("b", "", 2), Logged("c", "", 9)]
    pairs = draw_pairs(SEED, log, 10, 0)
    assert {(pair.weaker.message, pair.stronger.message) for pair in pairs} == {("a", "b"), ("c", "b")}
    assert draw_pairs(SEED, log, 10, 0) == pairs
    assert len(draw_pairs(SEED, log, 1, 0)) == 1
    assert draw_pairs(SEED, log[:1], 10, 0) == []


def test_who_decides_what_a_refusal_is() -> None:
    """The phrases, or the judge where it said anything; no answer is no refusal."""
    answer = Answer("s", "m", "", phrases=True, judge=False)
    assert refuses(answer, "phrases")
    assert not refuses(answer, "judge")
    assert refuses(replace(answer, judge=None), "judge")
    assert not refuses(Answer("s", "m", "", None), "phrases")
    assert [read_refusal({"refused": said}) for said in (True, False, "yes", None)] == [1, 0, None, None]
    counted = list(
        agreement([answer, replace(answer, judge=True), replace(answer, phrases=False, judge=True)])
    )
    assert (
        "agree on 1 of 3 answers (33%); a refusal by the phrases alone 1, by the judge alone 1" in counted[0]
    )
    with pytest.raises(SettingsError, match="a judge decides and none is given"):
        check(RefusalSettings(("a", "b"), 1, None, "judge"), [None, None])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("suite = ", "not TOML"),
        ('suite = "x"', r"no stage; expected a table \[seeds\], \[refusals\]"),
        ("[seeds]\ngenerators = ['a']\nper_guidline = 2", r"\[seeds\]: unknown key 'per-guidline'; did you mean 'per-guideline'"),
        ("[seeds]\nper_guideline = 2", r"\[seeds\]: generators is missing"),
        ("[seeds]\ngenerators = ['a']\nper_guideline = 'x'", "per-guideline: expected a whole number from 1, found 'x'"),
        ("sed = 1\n[sample]", "unknown key 'sed'; did you mean 'seed'"),
        ("[dialogues]\nattackers = ['a']\nmode = 'odd'", "mode: 'odd' is unknown"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused(tmp_path: Path, toml: str, said: str) -> None:
    """Where, what is wrong, what was expected."""
    path = tmp_path / "plan.toml"
    path.write_text(toml, "utf-8")
    with pytest.raises(SettingsError, match=said):
        read_plan(path)


def test_a_plan_runs_its_stages_in_the_order_of_the_method(tmp_path: Path) -> None:
    """Whatever their order in the file; what it does not say has the paper's numbers."""
    path = tmp_path / "plan.toml"
    path.write_text("[sample]\n[refusals]\nmodels = ['a', 'b']\n[seeds]\ngenerators = ['g']\n", "utf-8")
    stages: dict[str, Any] = dict(read_plan(path).stages)
    assert list(stages) == ["seeds", "refusals", "sample"]
    assert (stages["seeds"].per_guideline, stages["refusals"].at_least, stages["sample"].per_cell) == (
        10,
        2,
        5,
    )


def test_the_workshop_is_private(tmp_path: Path) -> None:
    """Made for its owner alone, closed to others where it was open, and nothing is written beside it."""
    open_to_all = tmp_path / "work"
    open_to_all.mkdir(mode=0o755)
    assert private_folder(open_to_all).stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [open_to_all]
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file: cannot be made a private folder"):
        private_folder(tmp_path / "file")
