"""The journal: every answer that was paid for, written before anyone sees it.

One SQLite file per run, in WAL mode, one autocommitted row per answer (recipes: 0.02 ms of CPU; a
killed process loses none). The journal is at once record, cache and resume: a request that it holds
is answered from it. Its keys are kept in memory: an index over them on disk would double what each
answer costs to write.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import json
import math
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.base import Reply, Request, Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import NotWritten, RunError
from jmeb_plugin.folder import take_lock

VERSION = 1
SCHEMA = f"""
begin;
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists answers (
    id integer primary key, key blob not null,
    endpoint text not null, address text not null, model text not null,
    target text not null, role text not null, conversation text not null,
    turn integer not null, repeat integer not null, attempt integer not null, session integer not null,
    request text not null, reply text not null, seconds real not null, at text not null
);
create table if not exists records (id text primary key, record text not null);
insert or ignore into meta values ('version', '{VERSION}');
commit;
"""  # noqa: S608
LOGS = ("", "-wal", "-shm")
"""What a journal's file and those that SQLite keeps beside it end in."""

INSERT = f"insert into answers values (null,{','.join('?' * 15)})"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Slot:
    """What one answer is for: the part of the key that is not the request itself."""

    target: str
    role: str
    conversation: str
    turn: int
    repeat: int
    attempt: int


def key_of(endpoint: Endpoint, slot: Slot, request: Request, nonce: str) -> bytes:
    """SHA-256 over everything that could change the answer, the nonce left out of the messages."""
    parts = [
        endpoint_facts(endpoint),
        *(getattr(slot, name) for name in slot.__slots__),
        request.schema and json.dumps(request.schema, sort_keys=True),
        request.max_tokens,
    ]
    found = hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace"))
    for message in request.messages:
        found.update(f"\0{message.role}\0".encode())
        if message.role == "system":
            found.update(digest_of(message.content))
        else:
            text = message.content.replace(nonce, "") if nonce else message.content
            found.update(text.encode("utf-8", "replace"))
    return found.digest()


@functools.lru_cache(maxsize=64)
def digest_of(text: str) -> bytes:
    """The hash of a text that many requests begin with: a rubric, a system prompt."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def endpoint_facts(endpoint: Endpoint) -> list[Any]:
    """What of an endpoint could change an answer."""
    return [
        endpoint.name,
        endpoint.address,
        endpoint.model,
        json.dumps(endpoint.parameters(), sort_keys=True),
    ]


class Journal:
    """The journal of one run's folder, opened for this process alone.

    Use it on one thread. Raises `RunError` where the folder is in use, not writable, or holds a
    journal of another version, a damaged one or another program's: such a file stays as it is, to the
    byte. Whatever cannot be written later raises `NotWritten`; what was written before is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal.sqlite"
        self.lock = take_lock(folder)
        try:
            fresh = not refuse_unlike(self.path)
        except RunError:
            self.lock.close()
            raise
        self.db = sqlite3.connect(address(self.path), uri=True, isolation_level=None, check_same_thread=False)
        try:
            self.db.execute("pragma journal_mode=wal")
            self.db.execute("pragma synchronous=normal")
            self.db.executescript(SCHEMA)
            self.known: dict[bytes, int] = dict(self.db.execute("select key, id from answers"))
            self.session = int(self.recall("session") or 0) + 1
            self.note("session", self.session)
        except sqlite3.Error as error:
            self.give_up(fresh)
            raise RunError(
                f"{self.path}: cannot be used as a journal ({error}); expected a file that can be written, "
                f"on a disk with some room: make room, or give another --jmeb-out"
            ) from None
        except NotWritten as error:
            self.give_up(fresh)
            raise RunError(str(error)) from None

    def give_up(self, fresh: bool) -> None:
        """Close, and leave nothing of a journal that could not be begun."""
        self.close()
        for end in LOGS if fresh else ():
            with contextlib.suppress(OSError):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Raise `NotWritten` where the block cannot write ``what``."""
        try:
            yield
        except sqlite3.Error as error:
            raise NotWritten(
                f"{self.path}: {what} could not be written ({error}); what was written before is kept. "
                f"Free some space and go on with --jmeb-run={self.folder.name}"
            ) from None

    def note(self, name: str, value: Any) -> None:
        """Remember a fact about the run, replacing an earlier one."""
        query = "insert into meta values (?, ?) on conflict(name) do update set value = excluded.value"
        with self.writing("a fact about the run"):
            self.db.execute(query, (name, json.dumps(value, ensure_ascii=False)))

    def recall(self, name: str) -> Any:
        """A fact about the run; ``None`` if it was never noted."""
        row = self.db.execute("select value from meta where name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def secret(self) -> bytes:
        """The run's secret, made with the journal: what the fences' nonces are derived from."""
        kept = self.recall("secret")
        if kept is None:
            kept = secrets.token_hex(32)
            self.note("secret", kept)
        return bytes.fromhex(kept)

    def find(self, key: bytes) -> tuple[Reply, int, float] | None:
        """The answer under the key, the session that wrote it, and the seconds it took."""
        if key not in self.known:
            return None
        query = "select reply, session, seconds from answers where id = ?"
        row = self.db.execute(query, (self.known[key],)).fetchone()
        return (Reply.from_json(json.loads(row[0])), row[1], row[2]) if row else None

    def write(
        self,
        key: bytes,
        endpoint: Endpoint,
        slot: Slot,
        request: Request,
        reply: Reply,
        *,
        seconds: float,
        at: str,
    ) -> None:
        """Store an answer; it is written when this returns. An answer that is there stays."""
        if key in self.known:
            return
        question = request.messages[-1].content if slot.role == "target" else ""
        values = (
            key, endpoint.name, endpoint.address, endpoint.model, slot.target, slot.role,
            slot.conversation, slot.turn, slot.repeat, slot.attempt, self.session,
            question, json.dumps(reply.to_json(), ensure_ascii=False), seconds, at,
        )  # fmt: skip
        with self.writing("an answer"):
            self.known[key] = self.db.execute(INSERT, values).lastrowid or 0

    def keep(self, case_id: str, record: Mapping[str, Any]) -> None:
        """Store what was measured of a case, in the place of an earlier session's."""
        text = json.dumps(record, ensure_ascii=False)
        with self.writing("a conversation's record"):
            self.db.execute("insert or replace into records values (?, ?)", (case_id, text))

    def take(self, other: Path) -> None:
        """Copy every answer and record of another journal; what is here stays."""
        with self.writing(f"what {other} holds"):
            columns = ", ".join(
                row[1] for row in self.db.execute("pragma table_info(answers)") if row[1] != "id"
            )
            self.db.execute("attach ? as shard", (address(other, "mode=ro"),))
            self.db.execute(
                f"insert into answers ({columns}) select {columns} from shard.answers"  # noqa: S608
                " where key not in (select key from main.answers) order by id"
            )
            self.known = dict(self.db.execute("select key, id from answers"))
            self.db.execute("insert or ignore into records select id, record from shard.records")
            self.db.execute("detach shard")

    def usage(self) -> list[tuple[str, str, int, Usage]]:
        """For each target and endpoint, the number of answers and their tokens; `RunError` if unreadable."""
        query = (
            "select target, endpoint, count(*), sum(json_extract(reply, '$.usage.input')),"
            " sum(json_extract(reply, '$.usage.cached')), sum(json_extract(reply, '$.usage.output'))"
            " from answers where role != 'chat' group by target, endpoint order by target, endpoint"
        )
        try:
            rows = self.db.execute(query).fetchall()
        except sqlite3.Error as error:  # sorting many rows takes room on a disk as well
            raise RunError(f"{self.path}: cannot be read ({error})") from None
        return [(target, endpoint, count, Usage(*tokens)) for target, endpoint, count, *tokens in rows]

    def close(self) -> None:
        """Leave one file, which can be read where nothing can be written, and give the folder back."""
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("pragma journal_mode=delete")
        self.db.close()
        self.lock.close()


def address(path: Path, query: str = "") -> str:
    """A database's file as SQLite's URI, whatever signs are in its name."""
    return f"{path.absolute().as_uri()}?{query}"


def refuse_unlike(path: Path) -> bool:
    """Whether there is a journal. Raises `RunError` if it is no sound one of this version; only reads.

    A log beside it (``-wal``) that ends in the middle is no damage: what was written last in it is not
    there, and is asked again.
    """
    if not path.exists() or not path.stat().st_size:
        return False
    log = path.with_name(f"{path.name}-wal").exists()
    query = "mode=ro" if log else "mode=ro&immutable=1"  # else SQLite leaves an empty log
    try:
        with contextlib.closing(sqlite3.connect(address(path, query), uri=True)) as db:
            tables = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
            version = version_of(db) if "meta" in tables else None
            (sound,) = db.execute("pragma quick_check(1)").fetchone()
            size = math.prod(db.execute(f"pragma page_{what}").fetchone()[0] for what in ("size", "count"))
    except (sqlite3.Error, ValueError) as error:
        raise unusable(path, str(error)) from None
    if not tables:
        raise unusable(path, f"nothing is in it, and {path.name}-wal, which held it, is gone or cut")
    if version is None:
        raise unusable(path, "a database of another program")
    refuse_version(version, path)
    if sound != "ok" or (not log and path.stat().st_size != size):
        raise unusable(path, f"damaged: {sound if sound != 'ok' else 'its end is missing'}")
    return True


def version_of(db: sqlite3.Connection) -> Any:
    """The version of an open journal; ``None`` where it says none."""
    row = db.execute("select value from meta where name = 'version'").fetchone()
    return json.loads(row[0]) if row else None


def refuse_version(version: Any, path: Path) -> None:
    """Raise `RunError` for a journal of another version of this program."""
    if version != VERSION:
        raise RunError(
            f"{path}: written by another version ({version}; expected {VERSION}); it is left as it is. "
            f"Use that version, or give another --jmeb-run"
        )


def unusable(path: Path, why: str) -> RunError:
    """The error for a file that cannot be the journal."""
    return RunError(
        f"{path}: cannot be used as a journal ({why}); it is left as it is. Expected a journal that can be "
        f"written, or none: give another --jmeb-run"
    )


def nonce(secret: bytes, *parts: object) -> str:
    """A fence's mark: an HMAC of what it is for, so that a resumed run asks the same thing."""
    text = json.dumps([str(part) for part in parts], ensure_ascii=False)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:16]


def check_identity(journal: Journal, identity: Mapping[str, Any]) -> None:
    """Remember what the run is, or raise `RunError` naming what differs from what it was."""
    kept = journal.recall("identity")
    if kept is None:
        journal.note("identity", identity)
        return
    plain = json.loads(json.dumps(identity, ensure_ascii=False))
    different = [name for name in sorted({*kept, *plain}) if kept.get(name) != plain.get(name)]
    if different:
        raise RunError(
            f"{journal.folder}: this run was started with another {', another '.join(different)}; "
            f"expected the same, or another --jmeb-run"
        )
