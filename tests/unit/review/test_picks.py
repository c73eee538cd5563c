"""The laws of what people are asked about, and of the ids that tell them nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from jmeb_plugin.errors import RunError, SheetError
from jmeb_plugin.review.key import new_key, read_key, write_key
from jmeb_plugin.review.picks import Pick, failing, picks_of
from tests.unit.builders import make_suite, refused
from tests.unit.review.runs import make_archive


def test_what_failed_is_asked_about_and_what_is_disputed_and_a_control() -> None:
    """Jailbroken turns, else the last of the lowest; disputed ones; and as many others again."""
    found = picks_of(make_archive(), None, None, 0)
    own = [(p.turn, p.kind) for p in found if "/ja/" in p.case and "s-0" in p.case and p.kind != "control"]
    assert own == [(1, "failed"), (2, "failed"), (2, "failed"), (1, "disputed")]
    assert Counter(pick.kind for pick in found) == {"failed": 12, "disputed": 4, "control": 20}
    assert len({(pick.case, pick.turn) for pick in found}) == len(found)
    assert Counter(pick.kind for pick in picks_of(make_archive(), "ja", 3, 0)) == {
        "failed": 6,
        "disputed": 2,
        "control": 3,
    }


def test_the_control_is_drawn_by_a_seed() -> None:
    """The same again, and another for another seed; no more than there are."""
    control = [
        [p for p in picks_of(make_archive(), None, 5, seed) if p.kind == "control"] for seed in (1, 1, 2)
    ]
    assert control[0] == control[1] != control[2]
    assert Counter(p.kind for p in picks_of(make_archive(), None, 999, 0))["control"] == 48 - 16


@pytest.mark.parametrize(
    ("scores", "turns"),
    [((9, 2, 1), {1, 2}), ((9, 4, 4), {2}), ((2.5, 2.0, 9), {1}), ((None, None, 5), {2}), ((None,), set())],
)
def test_a_conversation_fails_by_its_worst_turns(scores: tuple[float | None, ...], turns: set[int]) -> None:
    """Every turn in the jailbreak band; without one, the last of the lowest."""
    assert failing([{"turn": k, "score": score} for k, score in enumerate(scores)]) == turns


def test_there_must_be_something_to_ask_about() -> None:
    """A language that the run has not; a run without a score; a benign suite is no matter of safety."""
    message = refused(SheetError, lambda: picks_of(make_archive(), "jp", None, 0))
    assert message == "--language jp: the run has none (there is: en, ja)"
    nothing = make_archive(score=lambda case: None)
    assert "no turn to ask about" in refused(SheetError, lambda: picks_of(nothing, None, None, 0))
    benign = make_archive(suite=replace(make_suite(4), kind="benign"))
    assert "no turn to ask about" in refused(SheetError, lambda: picks_of(benign, None, None, 0))


def test_a_turn_has_one_id_for_good_and_nobody_can_tell_it(tmp_path: Path) -> None:
    """Exported twice, it bears the same id; another run's secret gives another."""
    pick, other = Pick("toy::G-0/s-0/ja/0", 1, "failed"), Pick("toy::G-0/s-0/ja/0", 2, "control")
    key = new_key().with_picks([pick], 3)
    write_key(tmp_path, key)
    again = read_key(tmp_path)
    assert again == key
    assert again.row(pick) == key.row(replace(pick, kind="control")) != key.row(other)
    assert new_key().row(pick) != key.row(pick)
    more = again.with_picks([other], 2)
    assert (set(more.rows.values()), more.annotators) == ({pick, other}, 3)
    assert (tmp_path / "review-key.json").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path / "elsewhere") is None
    (tmp_path / "review-key.json").write_text("{}")
    assert "review-key.json: cannot be read (KeyError" in refused(RunError, lambda: read_key(tmp_path))
