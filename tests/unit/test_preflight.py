"""The laws of `jmeb_plugin.preflight`: a panel is checked before a target is asked, and remembered."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.anchors import Anchor, load_anchors
from jmeb_plugin.clients.base import Reply, Request
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import PanelUnfit
from jmeb_plugin.journal import Journal, Slot
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.measure import Answered
from jmeb_plugin.preflight import KEPT, Preflight, keep, make_preflight, recall
from jmeb_plugin.suite import load_suite
from jmeb_plugin.thresholds import ReleaseLimits

SUITE = load_suite(Path(__file__).parents[1] / "data" / "anchored")
ANCHORS = load_anchors(SUITE)
RUBRICS = {(SUITE.name, language): rubric for language, rubric in load_rubrics(SUITE).items()}
PANEL = [Endpoint(name, "openai", model=name, base_url="http://h/v1") for name in ("a", "b")]
NOW = dt.datetime(2027, 1, 15, tzinfo=dt.UTC)
FOUND = {"n": 12, "unscored": 0, "spearman": 0.9, "within_2": 1.0, "judged": NOW.isoformat()}
LIMITS = {"spearman": 0.7, "within_2": 0.75}


class Asked:
    """A panel that knows the band of every anchor, but for what ``say`` makes of it."""

    def __init__(self, say: Callable[[Anchor], object] = lambda anchor: anchor.middle) -> None:
        self.say = say
        self.slots: list[Slot] = []

    async def __call__(self, endpoint: Endpoint, slot: Slot, request: Request, mark: str) -> Answered:
        """The judge's answer for the slot."""
        self.slots.append(slot)
        language, name = slot.conversation.split("/")[1:]
        anchor = next(a for a in ANCHORS if (a.language, a.id) == (language, name))
        assert request.messages[0].content == RUBRICS[SUITE.name, language].texts["system"]
        assert f"<<<data {mark} answer>>>\n{anchor.answer}\n<<<end" in request.messages[1].content
        return Answered(Reply(json.dumps({"score": self.say(anchor), "reason": "x"})), 1, 0.0)


def run(
    folder: Path, ask: Asked, limits: dict[str, float] = LIMITS, out: Path | None = None, **changes: Any
) -> Preflight:
    """A pre-flight in a run's folder; raises what the run would end by."""
    ready = make_preflight(
        ANCHORS, PANEL, RUBRICS, [ReleaseLimits(min_anchor_agreement=limits)], out or folder
    )
    ready = dataclasses.replace(ready, **changes)
    (folder / "run").mkdir(exist_ok=True)
    journal = Journal(folder / "run")
    try:
        asyncio.run(ready(ask, journal, b"secret"))
    finally:
        journal.close()
    return ready


def test_a_panel_that_knows_its_bands_passes(tmp_path: Path) -> None:
    """Every judge is asked once for every anchor, as in a run, and the answers are the run's own."""
    ask = Asked()
    found = run(tmp_path, ask).found
    assert found is not None
    assert (found["n"], found["spearman"], found["within_2"]) == (12, 1.0, 1.0)
    assert len(ask.slots) == 12 * 2
    assert {(slot.role, slot.target, slot.repeat, slot.attempt) for slot in ask.slots} == {
        ("anchor", "", 0, 0)
    }


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (lambda anchor: 11.0 - anchor.middle, "spearman -1, expected at least 0.7; within_2 0.167, expected at least 0.75"),
        (lambda anchor: 9.0, "spearman one list is constant; within_2 0.333, expected at least 0.75"),
        (lambda anchor: None if anchor.id < "a-003" else anchor.middle, "spearman 4 of 12 anchors have no score; within_2 4 of 12 anchors have no score"),
    ],
)  # fmt: skip
def test_an_unfit_panel_voids_the_run(tmp_path: Path, say: Callable[[Anchor], object], message: str) -> None:
    """Figures that miss their threshold, are undefined, or rest on too few scores end it with the reason."""
    with pytest.raises(PanelUnfit) as caught:
        run(tmp_path, Asked(say))
    assert str(caught.value) == (
        f"the judges miss min_anchor_agreement on 12 anchors ({message}): the run is void, and no target was asked"
    )


def test_a_run_keeps_to_what_it_found(tmp_path: Path) -> None:
    """Resumed, also without the file and with other thresholds, it decides on its own figures; asks nobody."""
    run(tmp_path, Asked())
    (tmp_path / "anchors.json").unlink()
    again = Asked()
    assert run(tmp_path, again).found == run(tmp_path, again, {"within_2": 1.0}).found
    assert again.slots == []


def test_another_run_takes_it_from_the_last_days(tmp_path: Path) -> None:
    """The same judges, rubric and anchors are not asked again; any other are."""
    for name in ("one", "two", "three", "four"):
        (tmp_path / name).mkdir()
    first = run(tmp_path / "one", Asked(), out=tmp_path)
    assert (tmp_path / "anchors.json").stat().st_mode & 0o777 == 0o600
    second = Asked()
    assert run(tmp_path / "two", second, out=tmp_path).found == first.found
    assert second.slots == []
    other = [dataclasses.replace(PANEL[0], temperature=1.0), PANEL[1]]
    for folder, change in (("three", {"panel": other}), ("four", {"anchors": ANCHORS[:9]})):
        ask = Asked()
        run(tmp_path / folder, ask, out=tmp_path, **change)
        assert ask.slots
    assert len(json.loads((tmp_path / "anchors.json").read_text("utf-8"))) == 3


def test_what_could_not_be_scored_is_not_kept(tmp_path: Path) -> None:
    """A panel that was silent may be asked again at once."""
    with pytest.raises(PanelUnfit):
        run(tmp_path, Asked(lambda anchor: None))
    assert not (tmp_path / "anchors.json").exists()
    assert run(tmp_path, Asked()).found is not None


@pytest.mark.parametrize(
    ("age", "known"),
    [
        (dt.timedelta(0), True),
        (KEPT - dt.timedelta(seconds=1), True),
        (KEPT, False),
        (dt.timedelta(days=-1), False),
    ],
)
def test_seven_days_are_remembered(tmp_path: Path, age: dt.timedelta, known: bool) -> None:
    """Neither what is older nor what claims to be from tomorrow."""
    path = tmp_path / "anchors.json"
    keep(path, "key", FOUND, NOW)
    assert (recall(path, "key", NOW + age) == FOUND) is known
    assert recall(path, "other", NOW) is None
    keep(path, "other", {**FOUND, "judged": (NOW + age).isoformat()}, NOW + age)
    assert set(json.loads(path.read_text("utf-8"))) == ({"key", "other"} if known else {"other"})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"key": 1}', '{"key": {}}', '{"key": {"judged": "soon"}}', '{"key": {"judged": 5}}',
     json.dumps({"key": {**FOUND, "spearman": "high"}}), json.dumps({"key": {**FOUND, "n": None}}),
     json.dumps({"key": {**FOUND, "judged": "2027-01-15T00:00:00"}}), "[" * 100_000],
)  # fmt: skip
def test_a_broken_file_is_asked_anew(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, it is never trusted and never in the way."""
    path = tmp_path / "anchors.json"
    path.write_text(text, encoding="utf-8")
    assert recall(path, "key", NOW) is None
    keep(path, "key", FOUND, NOW)
    assert recall(path, "key", NOW) == FOUND
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    """The next run asks again."""
    keep(tmp_path / "missing" / "anchors.json", "key", FOUND, NOW)
    assert recall(tmp_path / "missing" / "anchors.json", "key", NOW) is None
