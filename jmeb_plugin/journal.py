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
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.base import Reply, Request, Usage
from jmeb_plugin.clients.encoding import as_json
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import NotWritten, RunError
from jmeb_plugin.folder import take_lock
from jmeb_plugin.journal_file import DAMAGE, VERSION, address, check_journal, unusable
from jmeb_plugin.shape import FINITE, Each, misfit
from jmeb_plugin.written import ANSWER, RECORD
from jmeb_plugin.yaml_file import describe

SCHEMA = """
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists answers (
    id integer primary key, key blob not null,
    endpoint text not null, address text not null, model text not null,
    target text not null, role text not null, conversation text not null,
    turn integer not null, repeat integer not null, attempt integer not null, session integer not null,
    request text not null, reply text not null, seconds real not null, at text not null
);
create table if not exists records (id text primary key, record text not null);
"""
LOGS = ("", "-wal", "-shm")
"""What a journal's file and those that SQLite keeps beside it end in."""

in_key = json.JSONEncoder(ensure_ascii=False).encode
"""JSON as keys and nonces are made of it: a run that another version began finds its answers."""

MARK = f"insert or ignore into meta values ('version', '{VERSION}');"  # noqa: S608 - a constant
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


def key_of(facts: str, slot: Slot, request: Request, nonce: str) -> bytes:
    """SHA-256 over everything that could change the answer, the nonce left out of the messages.

    ``facts``: the endpoint's, see `endpoint_facts`.
    """
    schema = request.schema and in_order(as_json(request.schema))
    place = slot.target, slot.role, slot.conversation, slot.turn, slot.repeat, slot.attempt
    parts = f"[{facts}, {in_key([*place, schema, request.max_tokens])[1:]}"
    found = hashlib.sha256(parts.encode("utf-8", "replace"))
    for message in request.messages:
        found.update(f"\0{message.role}\0".encode())
        if message.role == "system":
            found.update(digest_of(message.content))
        else:
            text = message.content.replace(nonce, "") if nonce else message.content
            found.update(text.encode("utf-8", "replace"))
    return found.digest()


@functools.lru_cache(maxsize=64)
def in_order(data: bytes) -> str:
    """JSON with its keys in order; of the few schemas that all requests bear."""
    return json.dumps(json.loads(data), sort_keys=True)


@functools.lru_cache(maxsize=64)
def digest_of(text: str) -> bytes:
    """The hash of a text that many requests begin with: a rubric, a system prompt."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def endpoint_facts(endpoint: Endpoint) -> str:
    """What of an endpoint could change an answer, as JSON."""
    parameters = json.dumps(endpoint.parameters(), sort_keys=True)
    return in_key([endpoint.name, endpoint.address, endpoint.model, parameters])


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
            fresh = not check_journal(self.path)
        except RunError:
            self.lock.close()
            raise
        self.db = sqlite3.connect(address(self.path), uri=True, isolation_level=None, check_same_thread=False)
        try:
            self.db.execute("pragma journal_mode=wal")
            self.db.execute("pragma synchronous=normal")
            self.db.executescript(f"begin; {SCHEMA} {MARK} commit;")
            if fresh:  # so that the file is a journal of ours even without its log
                self.db.execute("pragma wal_checkpoint(truncate)")
            self.known: dict[bytes, int] = dict(self.db.execute("select key, id from answers"))
            self.session: int = (self.recall("session") or 0) + 1
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
        try:
            row = self.db.execute("select value from meta where name = ?", (name,)).fetchone()
            return json.loads(row[0]) if row else None
        except DAMAGE as error:
            raise unusable(self.path, error) from None

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
        try:
            row = self.db.execute(query, (self.known[key],)).fetchone()
            data = json.loads(row[0])
            problem = misfit(data, ANSWER) or misfit(list(row[1:]), Each(FINITE))
            reply = None if problem else Reply.from_json(data)
        except DAMAGE as error:
            raise unusable(self.path, error) from None
        if reply is None:
            raise unusable(self.path, ValueError(problem))
        return reply, row[1], row[2]

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
            question, as_json(reply.to_json()).decode(), seconds, at,
        )  # fmt: skip
        with self.writing("an answer"):
            self.known[key] = self.db.execute(INSERT, values).lastrowid or 0

    def keep(self, case_id: str, record: Mapping[str, Any]) -> None:
        """Store what was measured of a case, in the place of an earlier session's."""
        values = case_id, as_json(record).decode()
        with self.writing("a conversation's record"):
            self.db.execute("insert or replace into records values (?, ?)", values)

    def kept(self, case_ids: Iterable[str]) -> dict[str, Any]:
        """What was measured of these cases, as far as it was kept; `RunError` where it is damaged."""
        query = "select record from records where id = ?"
        try:
            rows = {name: self.db.execute(query, (name,)).fetchone() for name in case_ids}
            found = {name: json.loads(row[0]) for name, row in rows.items() if row}
        except DAMAGE as error:
            raise unusable(self.path, error) from None
        for data in found.values():
            if problem := misfit(data, RECORD):
                raise unusable(self.path, ValueError(problem))
        return {name: data["record"] for name, data in found.items()}

    def take(self, other: Path) -> None:
        """Copy every answer and record of another journal; what is here stays."""
        check_journal(other)
        columns = ", ".join(row[1] for row in self.db.execute("pragma table_info(answers)") if row[1] != "id")
        with self.writing(f"what {other} holds"):
            self.db.execute("attach ? as shard", (address(other, "mode=ro"),))
            self.db.execute(
                f"insert into answers ({columns}) select {columns} from shard.answers"  # noqa: S608
                " where key not in (select key from main.answers) order by id"
            )
            self.known = dict(self.db.execute("select key, id from answers"))
            self.db.execute("insert or ignore into records select id, record from shard.records")
            self.db.execute("detach shard")

    def usage(self, *, chats: bool = False) -> list[tuple[str, str, int, Usage]]:
        """For each target and endpoint, the number of answers and their tokens; `RunError` if unreadable.

        ``chats``: with those that the user's own tests were given.
        """
        query = (
            "select target, endpoint, count(*), sum(json_extract(reply, '$.usage.input')),"
            " sum(json_extract(reply, '$.usage.cached')), sum(json_extract(reply, '$.usage.output'))"
            " from answers where role != 'chat' or ? group by target, endpoint order by target, endpoint"
        )
        try:
            rows = self.db.execute(query, (chats,)).fetchall()
            return [(target, endpoint, count, Usage(*tokens)) for target, endpoint, count, *tokens in rows]
        except DAMAGE as error:
            raise unusable(self.path, error) from None

    def close(self) -> None:
        """Leave one file, which can be read where nothing can be written, and give the folder back."""
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("pragma journal_mode=delete")
        self.db.close()
        self.lock.close()


def nonce(secret: bytes, *parts: object) -> str:
    """A fence's mark: an HMAC of what it is for, so that a resumed run asks the same thing."""
    text = in_key([str(part) for part in parts])
    return hmac.digest(secret, text.encode(), "sha256").hex()[:16]


def check_identity(journal: Journal, identity: Mapping[str, Any]) -> None:
    """Remember what the run is, or raise `RunError` naming what differs from what it was."""
    kept = journal.recall("identity")
    if kept is None:
        journal.note("identity", identity)
        return
    now = json.loads(json.dumps(identity, ensure_ascii=False))
    if not isinstance(kept, dict):
        raise unusable(journal.path, ValueError(f"identity: expected a mapping, found {describe(kept)}"))
    different = [name for name in sorted({*kept, *now}) if kept.get(name) != now.get(name)]
    if different:
        raise RunError(
            f"{journal.folder}: this run was started with another {', another '.join(different)}; "
            f"expected the same, or another --jmeb-run"
        )
