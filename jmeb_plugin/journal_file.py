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


def check_journal(path: Path) -> None:
    """Raise `RunError` for what is no journal of this version, or a damaged one; nothing of it is touched.

    An empty file is a journal in which nothing was written yet, unless its run was finished.
    """
    if not path.exists():
        return
    check_file(path, RunError)
    size = path.stat().st_size
    if not size and not path.with_name("results.json").exists():
        return
    if size < SHORTEST:  # SQLite takes it for an empty database
        raise unusable(path, ValueError("it is cut short"))
    try:
        facts = look_into(path, size)
    except DAMAGE as error:
        raise unusable(path, error) from None
    if facts is not None and (version := facts.get("version")) != VERSION:
        raise RunError(
            f"{path}: written by another version ({version}; expected {VERSION}); give another --jmeb-run"
        )
    if problem := "" if facts is None else misfit(facts, FACTS):
        raise unusable(path, ValueError(problem))


def look_into(path: Path, size: int) -> dict[str, Any] | None:
    """What the journal notes for whoever opens it; ``None`` where it has no table yet.

    Raises one of `DAMAGE`.
    """
    with contextlib.closing(sqlite3.connect(address(path, "mode=ro"), uri=True)) as database:
        problem = database.execute("pragma quick_check(1)").fetchone()[0]
        if size % database.execute("pragma page_size").fetchone()[0]:
            problem = "it is cut short"  # SQLite would read zeros in place of what is gone
        if problem != "ok":
            raise ValueError(problem)
        if not database.execute("select count(*) from sqlite_master").fetchone()[0]:
            return None
        for table in ("answers", "records"):
            database.execute(f"select id from {table} limit 1").fetchone()  # noqa: S608 - two names
        rows = database.execute("select name, value from meta where name in ('version', 'session', 'secret')")
        return {name: json.loads(value) for name, value in rows}


def unusable(path: Path, error: Exception) -> RunError:
    """The error for a journal that is none, or is damaged."""
    why = plain(" ".join(str(error).split()))
    return RunError(f"{path}: cannot be used as a journal ({why}); give another --jmeb-run, or a copy of it")


def address(path: Path, query: str = "") -> str:
    """A database's file as SQLite's URI, whatever signs are in its name."""
    return f"{path.absolute().as_uri()}?{query}"
