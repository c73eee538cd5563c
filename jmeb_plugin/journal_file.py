"""A journal's file, looked at before anything of it is changed: whole, and of this version, or refused."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import RunError, plain
from jmeb_plugin.shape import misfit
from jmeb_plugin.user_file import check_file
from jmeb_plugin.written import FACTS

VERSION = 1
SHORTEST = 512
"""Bytes of SQLite's smallest page."""

DAMAGE = (
    sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What reading a journal raises in which something was changed."""


def check_journal(path: Path) -> bool:
    """Whether there is a journal in which something was written.

    Raises `RunError` for what is no journal of this version, or a damaged one; nothing of it is touched.
    An empty file is a journal in which nothing was written yet, unless its run was finished. A log beside
    it (``-wal``) that ends in the middle is no damage: what was written last in it is not there, and is
    asked again.
    """
    if not path.exists():
        return False
    check_file(path, RunError)
    size = path.stat().st_size
    if not size and not path.with_name("results.json").exists():
        return False
    if size < SHORTEST:  # SQLite takes it for an empty database
        raise unusable(path, ValueError("it is cut short"))
    try:
        facts = look_into(path, size)
    except DAMAGE as error:
        raise unusable(path, error) from None
    if facts is None:
        return False
    refuse_version(facts.get("version"), path)
    if problem := misfit(facts, FACTS):
        raise unusable(path, ValueError(problem))
    return True


def refuse_version(version: Any, path: Path) -> None:
    """Raise `RunError` for a journal of another version of this program."""
    if version != VERSION:
        raise RunError(
            f"{path}: written by another version ({version}; expected {VERSION}); it is left as it is. "
            f"Use that version, or give another --jmeb-run"
        )


def look_into(path: Path, size: int) -> dict[str, Any] | None:
    """What the journal notes for whoever opens it; ``None`` where it has no table yet.

    Raises one of `DAMAGE`.
    """
    log = path.with_name(f"{path.name}-wal").exists()
    query = "mode=ro" if log else "mode=ro&immutable=1"  # else SQLite leaves an empty log
    with contextlib.closing(sqlite3.connect(address(path, query), uri=True)) as database:
        problem = database.execute("pragma quick_check(1)").fetchone()[0]
        page, count = (database.execute(f"pragma page_{what}").fetchone()[0] for what in ("size", "count"))
        if not log and size != page * count:  # a log may hold what is missing, and was looked through
            problem = "it is cut short"  # SQLite would read zeros in place of what is gone
        if problem != "ok":
            raise ValueError(problem)
        tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
        if not tables:
            return None
        if not tables >= {"meta", "answers", "records"}:
            raise ValueError("a database of another program")
        for table in ("answers", "records"):
            database.execute(f"select id from {table} limit 1").fetchone()  # noqa: S608 - two names
        rows = database.execute("select name, value from meta where name in ('version', 'session', 'secret')")
        found = {name: json.loads(value) for name, value in rows}
    if "version" not in found:
        raise ValueError("a database of another program")
    return found


def unusable(path: Path, error: Exception) -> RunError:
    """The error for a journal that is none, or is damaged."""
    why = plain(" ".join(str(error).split()))
    return RunError(
        f"{path}: cannot be used as a journal ({why}); it is left as it is. Give another --jmeb-run, "
        f"or a copy of it"
    )


def address(path: Path, query: str = "") -> str:
    """A database's file as SQLite's URI, whatever signs are in its name."""
    return f"{path.absolute().as_uri()}?{query}"
