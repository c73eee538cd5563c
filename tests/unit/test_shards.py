"""The laws of joining shards: what can have been one run becomes one, anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.archive import Archive, open_archive
from jmeb_plugin.errors import RunError
from jmeb_plugin.shards import join, still_partial, total
from tests.unit.builders import make_run
from tests.unit.test_archive import write_run


def shard(folder: Path, guidelines: slice, **changes: Any) -> Archive:
    """A run over some of six guidelines, its facts changed as asked."""
    write_run(folder, [(9.0, 8.0, 7.0)] * 6, only=guidelines)
    suite = {"name": "toy", "version": "1", "sha256": "0" * 64, "note": "", "conversations": 6}
    endpoints = {"m": {"provider": "demo", "model": "m"}}
    run = make_run(options={"seed": 0, "repeats": 1, "gate": "both"}, suites=[suite], endpoints=endpoints)
    usage = {"requests": 3, "usd": 0.5}
    results = {"run": {**run, **changes}, "models": {"m": {"usage": usage}}, "gates": [], "verdicts": []}
    folder.joinpath("results.json").write_text(json.dumps(results), encoding="utf-8")
    return open_archive(folder)


def test_shards_become_one_run(tmp_path: Path) -> None:
    """Every record is there once, usage adds up, and the run says what it was joined from."""
    parts = [shard(tmp_path / "a", slice(0, 2)), shard(tmp_path / "b", slice(2, 6))]
    joined = open_archive(join(parts, tmp_path, "whole"))
    assert [case.id for case in joined.cases] == [f"toy::G-{k}/s-0/en/0" for k in range(6)]
    assert joined.results["models"]["m"]["usage"] == {"requests": 6, "usd": 1.0}
    assert joined.results["run"]["merged"] == ["a", "b"]
    assert joined.rubrics == parts[0].rubrics


def test_shards_of_hand_picked_parts_are_whole_once_nothing_is_missing(tmp_path: Path) -> None:
    """Two halves chosen by id cover the suite together; one half does not."""
    half = {"partial": "--jmeb-id"}
    parts = [shard(tmp_path / "a", slice(0, 3), **half), shard(tmp_path / "b", slice(3, 6), **half)]
    assert still_partial(parts) == ""
    assert still_partial(parts[:1]) == "3 of 6 conversations of toy in the merged runs"


def test_a_price_nobody_knows_stays_unknown() -> None:
    """One shard without a price leaves none for the whole."""
    assert total([{"usd": 1.0}, {"usd": None}]) == {"usd": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"judges": {"names": [], "sha256": "x"}}, "another judges than"),
        ({"rubric": {"sha256": "x"}}, "another rubric than"),
        ({"endpoints": {"m": {"provider": "openai", "model": "m"}}}, "m is not the endpoint"),
        ({"options": {"seed": 1, "repeats": 1, "gate": "both"}}, "another seed than"),
    ],
)
def test_what_cannot_have_been_one_run_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """The folder, and what is another in it."""
    parts = [shard(tmp_path / "a", slice(0, 2)), shard(tmp_path / "b", slice(2, 6), **changes)]
    with pytest.raises(RunError, match=message):
        join(parts, tmp_path, "whole")


def test_a_conversation_measured_twice_is_refused(tmp_path: Path) -> None:
    """Nobody chooses between two measurements of one conversation."""
    parts = [shard(tmp_path / "a", slice(0, 3)), shard(tmp_path / "b", slice(2, 6))]
    with pytest.raises(RunError, match=r"1 conversation in more than one of the runs, the first toy::G-2"):
        join(parts, tmp_path, "whole")


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    """The joined run needs a name of its own."""
    part = shard(tmp_path / "a", slice(0, 2))
    with pytest.raises(RunError, match="there is a run already"):
        join([part], tmp_path, "a")
