"""The laws of a journal that something happened to: what was committed, or a message, and no further damage."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.archive import open_archive
from jmeb_plugin.clients.base import Message, Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import RunError
from jmeb_plugin.journal import Journal, Slot, key_of
from tests.fuzz.mutations import FUZZ
from tests.unit.builders import refused
from tests.unit.test_archive import write_run

IT = Endpoint("it", "openai", model="m", base_url="http://127.0.0.1:1/v1")
SLOT = Slot("it", "target", "toy::G-0/s-0/en/0", 0, 0, 0)
ASKED = Request((Message("user", "問い"),))
COUNT = 12
SLOTS = [dataclasses.replace(SLOT, attempt=attempt) for attempt in range(COUNT)]
KEYS = [key_of(IT, slot, ASKED, "") for slot in SLOTS]
REPLIES = [Reply(f"答え{number} " * 40, usage=Usage(10, 4, 5), model="m-1") for number in range(COUNT)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with answers and records, its journal closed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    write_run(folder, [(9.0, 8.0, 7.0), (9.0, 2.0, 1.0)])
    fill(Journal(folder)).close()
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a killed process leaves it: most of it in the write-ahead log."""
    folder = tmp_path_factory.mktemp("killed")
    live = folder / "live"
    live.mkdir()
    journal = fill(Journal(live))
    left = folder / "left"
    left.mkdir()
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        shutil.copy(live / name, left / name)
    journal.close()
    return left


def fill(journal: Journal) -> Journal:
    """The journal with every answer."""
    for key, slot, reply in zip(KEYS, SLOTS, REPLIES, strict=True):
        journal.write(key, IT, slot, ASKED, reply, seconds=1.5, at="2026-11-22T00:00:00Z")
    return journal


def copied(source: Path, target: Path, name: str, raw: bytes) -> Path:
    """A copy of the run in which one file has these bytes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    (target / name).write_bytes(raw)
    return target


def opened(folder: Path) -> list[Reply | None] | str:
    """The answers under the keys, or the message with which the journal is refused, which touches nothing."""
    files = {
        path.name: path.read_bytes() for path in folder.glob("journal.sqlite*") if "-shm" not in path.name
    }
    made: list[Journal] = []
    if message := told(lambda: made.append(Journal(folder))):
        assert {name: (folder / name).read_bytes() for name in files} == files
        return message
    found: list[Reply | None] = []
    with contextlib.closing(made[0]) as journal:
        message = told(lambda: read(journal, found))
    return message or found


def read(journal: Journal, found: list[Reply | None]) -> None:
    """Everything that a run that goes on reads of it."""
    found += [answer and answer[0] for answer in map(journal.find, KEYS)]
    journal.usage()
    journal.secret()


def told(call: Callable[[], object]) -> str:
    """With what message a run refuses its journal; empty where it does not."""
    message = refused(RunError, call)
    assert not message or ("journal.sqlite" in message and "\n" not in message)
    return message


def test_a_whole_journal_is_found_as_it_was(whole: Path, killed: Path, tmp_path: Path) -> None:
    """What the others begin from."""
    for source in (whole, killed):
        raw = (source / "journal.sqlite").read_bytes()
        assert opened(copied(source, tmp_path / "run", "journal.sqlite", raw)) == REPLIES


@FUZZ
@given(data=st.data())
def test_a_cut_journal_is_refused_and_left_alone(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    """At any byte; also at the first, since a results.json says that there was more."""
    raw = (whole / "journal.sqlite").read_bytes()
    size = data.draw(st.integers(0, len(raw) - 1))
    found = opened(copied(whole, tmp_path / "run", "journal.sqlite", raw[:size]))
    assert isinstance(found, str)


@FUZZ
@given(data=st.data())
def test_a_cut_log_gives_what_was_committed_before(killed: Path, tmp_path: Path, data: st.DataObject) -> None:
    """The log that a killed process leaves, cut at any byte: the first answers, whole, and none after a gap."""
    raw = (killed / "journal.sqlite-wal").read_bytes()
    size = data.draw(st.integers(0, len(raw)))
    found = opened(copied(killed, tmp_path / "run", "journal.sqlite-wal", raw[:size]))
    assert not isinstance(found, str)
    kept = [entry for entry in found if entry is not None]
    assert found == [*REPLIES[: len(kept)], *[None] * (COUNT - len(kept))]


@FUZZ
@given(data=st.data(), value=st.integers(0, 255), live=st.booleans())
def test_a_journal_with_a_byte_changed_never_breaks_its_reader(
    whole: Path, killed: Path, tmp_path: Path, data: st.DataObject, value: int, live: bool
) -> None:
    """In the file or in its log: answers, fewer answers, or a message; nothing else, and no hang."""
    source, name = (killed, "journal.sqlite-wal") if live else (whole, "journal.sqlite")
    raw = bytearray((source / name).read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] = value
    folder = copied(source, tmp_path / "run", name, bytes(raw))
    if not live:
        told(lambda: open_archive(folder))
    opened(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session", '"x"'), ("session", "[1]"), ("session", "{"), ("session", "1e999"), ("secret", '"zz"'),
        ("secret", "7"), ("version", '"1"'), ("version", "{"), ("suites", "[]"), ("suites", '[{"name": 1}]'),
        ("suites", "{}"), ("rubrics", "[[1]]"), ("rubrics", '[["toy", "en", {"surplus": 1}]]'), ("suites", "NaN"),
    ],
)  # fmt: skip
def test_a_fact_of_another_kind_is_a_message(whole: Path, tmp_path: Path, name: str, value: str) -> None:
    """Whatever of the run's facts somebody edited, both who resumes it and who reads it are told."""
    folder = copied(whole, tmp_path / "run", "note", b"")
    with sqlite3.connect(folder / "journal.sqlite") as database:
        database.execute("insert or replace into meta values (?, ?)", (name, value))
    database.close()
    if name in ("suites", "rubrics"):
        assert told(lambda: open_archive(folder))
    else:
        assert isinstance(opened(folder), str)


@pytest.mark.parametrize(
    "change",
    [
        "update records set record = '{}'", "update records set record = '['", "update records set record = x'80'",
        "update records set record = replace(record, '9.0', '99')", "update records set record = 7",
        "update records set record = replace(record, 'answer 0', char(0))", "drop table records",
        "update answers set reply = '{}'", "update answers set reply = replace(reply, '10', '\"x\"')",
        "update answers set seconds = 'x'", "update answers set key = 7", "drop table answers", "drop table meta",
    ],
)  # fmt: skip
def test_rows_of_another_kind_are_a_message(whole: Path, tmp_path: Path, change: str) -> None:
    """Never another exception, wherever it is noticed."""
    folder = copied(whole, tmp_path / "run", "note", b"")
    with sqlite3.connect(folder / "journal.sqlite") as database:
        database.execute(change)
    database.close()
    told(lambda: open_archive(folder))
    opened(folder)


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    """No table of ours is made in it, and its mode stays."""
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("create table theirs (name text)")
    database.close()
    assert isinstance(opened(tmp_path), str)


def test_a_journal_killed_while_it_was_made_is_a_new_one(tmp_path: Path) -> None:
    """Between the making of the file and its first table there is nothing to lose."""
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.execute("pragma journal_mode=wal")
    database.close()
    assert (tmp_path / "journal.sqlite").stat().st_size
    assert opened(tmp_path) == [None] * COUNT


def test_records_survive_for_the_report(whole: Path) -> None:
    """The run that the others change is one that can be read."""
    archive = open_archive(whole)
    assert len(archive.records) == 2
    assert (
        json.loads((whole / "results.json").read_text("utf-8"))["run"]["id"] == archive.results["run"]["id"]
    )
