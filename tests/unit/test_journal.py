"""The journal: what it keys answers by, and what it refuses."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections import deque
from contextlib import closing

import pytest

from jmeb_plugin.clients.base import Message, Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import NotWritten, RunError
from jmeb_plugin.folder import make_folder
from jmeb_plugin.journal import Journal, Slot, check_identity, endpoint_facts, key_of, nonce
from jmeb_plugin.journal_file import address

IT = Endpoint("it", "openai", model="m", base_url="http://127.0.0.1:1/v1", temperature=0.0)
SLOT = Slot("it", "target", "jmeb::A-1/x/ja/0", 0, 0, 0)
ASKED = Request((Message("user", "問い abcd"),))
REPLY = Reply("答え", usage=Usage(10, 4, 5), reasoning="考え", model="m-1")
FACTS = endpoint_facts(IT)
KEY = key_of(FACTS, SLOT, ASKED, "")


def write(journal: Journal, key: bytes = KEY, slot: Slot = SLOT, endpoint: Endpoint = IT) -> None:
    """One answer."""
    journal.write(key, endpoint, slot, ASKED, REPLY, seconds=1.5, at="2026-11-22T00:00:00Z")


@pytest.fixture
def journal(tmp_path):
    """A journal in a folder of its own."""
    made = Journal(tmp_path)
    yield made
    made.close()


def test_what_was_written_is_found_by_the_next_session(journal, tmp_path):
    """With the session that paid for it and the seconds it took."""
    write(journal)
    assert journal.find(KEY) == (REPLY, 1, 1.5)
    journal.close()
    again = Journal(tmp_path)
    assert (again.session, again.find(KEY)) == (2, (REPLY, 1, 1.5))
    again.close()


def test_an_answer_that_is_there_stays(journal):
    """The first one was paid for and may have been seen."""
    write(journal)
    journal.write(KEY, IT, SLOT, ASKED, Reply("another"), seconds=0, at="")
    assert journal.find(KEY)[0] == REPLY


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": dataclasses.replace(IT, name="other")},
        {"endpoint": dataclasses.replace(IT, base_url="http://127.0.0.1:2/v1")},
        {"endpoint": dataclasses.replace(IT, model="other")},
        {"endpoint": dataclasses.replace(IT, temperature=0.5)},
        {"endpoint": dataclasses.replace(IT, system_prompt="be kind")},
        {"slot": dataclasses.replace(SLOT, target="other")},
        {"slot": dataclasses.replace(SLOT, role="judge0")},
        {"slot": dataclasses.replace(SLOT, conversation="jmeb::A-1/x/ja/1")},
        {"slot": dataclasses.replace(SLOT, turn=1)},
        {"slot": dataclasses.replace(SLOT, repeat=1)},
        {"slot": dataclasses.replace(SLOT, attempt=1)},
        {"request": Request((Message("user", "別の問い"),))},
        {"request": Request(ASKED.messages, max_tokens=5)},
        {"request": Request(ASKED.messages, schema={"type": "object"})},
    ],
)
def test_whatever_can_change_an_answer_is_in_its_key(change):
    """And nothing is found under another's key."""
    parts = {"endpoint": IT, "slot": SLOT, "request": ASKED, "nonce": "", **change}
    assert key_of(endpoint_facts(parts.pop("endpoint")), **parts) != KEY


@pytest.mark.parametrize(
    "change", [{"max_concurrency": 3}, {"timeout": 9.0}, {"requests_per_minute": 5}, {"category": "medical"}]
)
def test_what_cannot_change_an_answer_is_not(change):
    """Limits may differ when a run is resumed."""
    assert key_of(endpoint_facts(dataclasses.replace(IT, **change)), SLOT, ASKED, "") == KEY


def test_the_fences_code_is_not_in_the_key():
    """It is derived from the run's secret; the request is the same without it."""
    assert key_of(FACTS, SLOT, Request((Message("user", "x 12ab y"),)), "12ab") == key_of(
        FACTS, SLOT, Request((Message("user", "x 34cd y"),)), "34cd"
    )


def test_the_demo_is_keyed_by_its_name_only():
    """Its port is another one each time."""
    demo = Endpoint("demo/steadfast", "demo", model="steadfast", base_url="http://127.0.0.1:1/v1")
    other = dataclasses.replace(demo, base_url="http://127.0.0.1:2/v1")
    assert endpoint_facts(demo) == endpoint_facts(other)


def test_marks_are_the_runs_own(journal, tmp_path):
    """The same for the same place of the same run, and unlike anywhere else."""
    secret = journal.secret()
    assert secret == journal.secret()
    assert nonce(secret, "a", 0, 1, 0) == nonce(secret, "a", 0, 1, 0) != nonce(secret, "a", 0, 1, 1)
    assert nonce(secret, "a", 0) != nonce(b"another", "a", 0)


def test_usage_is_summed_by_target_and_endpoint(journal):
    """The user's own chats are not part of a model's conversations."""
    for attempt in range(3):
        slot = dataclasses.replace(SLOT, attempt=attempt)
        write(journal, key_of(FACTS, slot, ASKED, ""), slot)
    chat = dataclasses.replace(SLOT, role="chat")
    write(journal, key_of(FACTS, chat, ASKED, ""), chat)
    assert journal.usage() == [("it", "it", 3, Usage(30, 12, 15))]
    assert journal.usage(chats=True) == [("it", "it", 4, Usage(40, 16, 20))]


def test_one_process_at_a_time(journal, tmp_path):
    """The second is told, and damages nothing."""
    with pytest.raises(RunError, match="another process is running this run"):
        Journal(tmp_path)


def bytes_of(folder):
    """Every file of the folder that holds anything of a journal."""
    names = ("journal.sqlite", "journal.sqlite-wal")
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def killed(journal, folder, count=30):
    """What a killed process leaves: the files as they are while the journal is open."""
    for attempt in range(count):
        slot = dataclasses.replace(SLOT, attempt=attempt)
        write(journal, key_of(FACTS, slot, ASKED, ""), slot)
    folder.mkdir()
    for path in journal.folder.glob("journal.sqlite*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, folder)


@pytest.mark.parametrize("version", [0, 99])
@pytest.mark.parametrize("hot", [False, True])
def test_another_version_is_refused(journal, tmp_path, version, hot):
    """Nothing of it is touched, not even the log that a killed process left."""
    journal.note("version", version)
    left = tmp_path / "left"
    killed(journal, left)
    journal.close()
    folder = left if hot else tmp_path
    before = bytes_of(folder)
    with pytest.raises(RunError, match=rf"written by another version \({version}; expected 1\)"):
        Journal(folder)
    assert bytes_of(folder) == before
    assert ("journal.sqlite-wal" in before) is hot


@pytest.mark.parametrize("table", ["bookmarks (url)", "answers (key)", "meta (name, value)", "meta (a, b)"])
def test_another_programs_database_is_refused(tmp_path, table):
    """Whatever its tables are called; it is left as it is."""
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        db.execute(f"create table {table}")
    before = bytes_of(tmp_path)
    with pytest.raises(RunError, match=r"cannot be used as a journal .* it is left as it is"):
        Journal(tmp_path)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize(
    "cut", [10, 99, 100, 2000, 4096, 5000, 8192, 12288, 16384, 20480, -4096, -1, "foreign"]
)
def test_a_cut_or_foreign_file_is_refused(tmp_path, cut):
    """A journal cut at any place, between two pages as well, or no journal at all."""
    made = Journal(tmp_path)
    for attempt in range(30):
        slot = dataclasses.replace(SLOT, attempt=attempt)
        write(made, key_of(FACTS, slot, ASKED, ""), slot)
        made.keep(str(attempt), {"a": "record" * 50})
    made.close()
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a journal" * 50 if cut == "foreign" else path.read_bytes()[:cut])
    kept = path.read_bytes()
    with pytest.raises(RunError, match="cannot be used as a journal"):
        Journal(tmp_path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.9999, 1])
def test_a_log_that_was_cut_keeps_what_is_whole(journal, tmp_path, share):
    """The answers before the cut are found, the others are asked again; what is there is right."""
    killed(journal, tmp_path / "left")
    log = tmp_path / "left/journal.sqlite-wal"
    log.write_bytes(log.read_bytes()[: int(share * log.stat().st_size)])
    again = Journal(tmp_path / "left")
    assert len(again.known) == 30 if share == 1 else len(again.known) < 30
    assert all(again.find(key) == (REPLY, 1, 1.5) for key in again.known)
    write(again)
    again.close()
    third = Journal(tmp_path / "left")
    assert third.find(KEY)[0] == REPLY
    third.close()


def test_a_page_that_was_moved_by_half_is_taken_from_the_log(journal, tmp_path):
    """A disk may fill up while SQLite moves pages out of the log: nothing of them is lost."""
    killed(journal, tmp_path / "left")
    path = tmp_path / "left/journal.sqlite"
    path.write_bytes(path.read_bytes() + bytes(1000))
    again = Journal(tmp_path / "left")
    assert len(again.known) == 30
    assert all(again.find(key) == (REPLY, 1, 1.5) for key in again.known)
    again.close()


@pytest.mark.parametrize("cut", [None, 0, 20, 5000])
def test_a_log_that_is_gone_leaves_a_journal(journal, tmp_path, cut):
    """What was in it is asked again; the file is still one of ours, and refused by any other version."""
    killed(journal, tmp_path / "left")
    log = tmp_path / "left/journal.sqlite-wal"
    if cut is None:
        log.unlink()
    else:
        log.write_bytes(log.read_bytes()[:cut])
    with closing(
        sqlite3.connect(address(tmp_path / "left/journal.sqlite", "mode=ro&immutable=1"), uri=True)
    ) as db:
        assert db.execute("select value from meta where name = 'version'").fetchone() == ("1",)
    again = Journal(tmp_path / "left")
    assert len(again.known) < 30
    write(again)
    again.close()
    third = Journal(tmp_path / "left")
    assert third.find(KEY)[0] == REPLY
    third.close()


@pytest.mark.parametrize("name", ["a?b", "50%25", "a#b", "run 1"])
def test_a_folder_may_have_any_name(tmp_path, name):
    """SQLite's addresses have signs of their own."""
    (tmp_path / name).mkdir()
    Journal(tmp_path / name).close()
    assert (tmp_path / name / "journal.sqlite").stat().st_size


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    """A file in its place, for instance."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match=r"taken/one: cannot be made"):
        make_folder(tmp_path / "taken", "one")


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../up",
        "a/b",
        "/abs",
        ".hidden",
        "a\\b",
        "c:x",
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "a b",
        "a\u200bb",
    ],
)
def test_a_name_that_leads_elsewhere_makes_nothing(tmp_path, name):
    """Nor does one with signs that no name needs; nothing is written and no folder's mode is changed."""
    out = tmp_path / "runs"
    tmp_path.chmod(0o755)
    with pytest.raises(RunError, match=r"cannot name a folder; expected letters, digits, '\.', '-', '_'"):
        make_folder(out, name)
    assert not list(tmp_path.iterdir())
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["one", "20261129-213147-2", "v1.2_b", "夜間テスト", "one-by-0a1b2c3d"])
def test_letters_of_any_language_name_a_folder(tmp_path, name):
    """As do digits, and the signs of a version."""
    assert make_folder(tmp_path, name).name == name


def test_runs_of_one_second_get_names_of_their_own(tmp_path):
    """Two runs started at once do not meet in one folder."""
    names = {make_folder(tmp_path, "").name for _ in range(3)}
    assert len(names) == 3


def test_a_full_disk_is_one_message(journal):
    """The answer was not stored, so the run must not go on as if it were."""
    pages = journal.db.execute("pragma page_count").fetchone()[0]
    journal.db.execute(f"pragma max_page_count = {pages}")
    slots = [dataclasses.replace(SLOT, attempt=attempt) for attempt in range(200)]
    with pytest.raises(NotWritten, match="an answer could not be written"):
        deque((write(journal, key_of(FACTS, slot, ASKED, ""), slot) for slot in slots), maxlen=0)


def test_a_run_is_the_same_or_refused_with_what_differs(journal):
    """The first identity is kept."""
    check_identity(journal, {"model": ["a"], "seed": 0})
    check_identity(journal, {"model": ["a"], "seed": 0})
    with pytest.raises(RunError, match="with another model, another seed;"):
        check_identity(journal, {"model": ["b"], "seed": 1})


def test_the_journal_is_sqlite_for_everybody(journal, tmp_path):
    """Any tool can read it."""
    write(journal)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        assert db.execute("select role, request from answers").fetchall() == [("target", "問い abcd")]
    db.close()
