"""Row ids that say nothing, and the key that maps them back. The key stays in the run's folder."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from jmeb_plugin.errors import RunError, plain
from jmeb_plugin.review.picks import KINDS, Pick
from jmeb_plugin.user_file import read_text

FILE = "review-key.json"
MOST_ANNOTATORS = 1000


@dataclass(frozen=True)
class Key:
    """The picks by row id, and how many annotators a sheet has columns for. One turn has one id for good."""

    secret: str
    annotators: int
    rows: Mapping[str, Pick]

    def row(self, pick: Pick) -> str:
        """The id of a turn: the same in every sheet of the run, and without the key nobody's."""
        mark = hmac.new(bytes.fromhex(self.secret), f"{pick.case}\n{pick.turn}".encode(), hashlib.sha256)
        text = base64.b32encode(mark.digest())[:10].decode()
        return f"R-{text[:5]}-{text[5:]}"

    def with_picks(self, picks: Iterable[Pick], annotators: int) -> Key:
        """The key with these rows as well."""
        rows = {**self.rows, **{self.row(pick): pick for pick in picks}}
        return Key(self.secret, max(self.annotators, annotators), dict(sorted(rows.items())))


def read_key(folder: Path) -> Key | None:
    """The key of a run; ``None`` where nothing was exported. Raises `RunError` where it is damaged."""
    path = folder / FILE
    try:
        if not path.exists():
            return None
        data = json.loads(read_text(path, RunError))
        rows = {row: Pick(**pick) for row, pick in data["rows"].items()}
        found = Key(bytes.fromhex(data["secret"]).hex(), int(data["annotators"]), rows)
        check_key(found)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RunError(
            f"{path}: cannot be read ({type(error).__name__}: {plain(str(error))}); expected the file that "
            f"`jmeb review export` wrote"
        ) from None
    return found


def check_key(key: Key) -> None:
    """``ValueError`` for a key that no export writes."""
    whole = all(type(pick.turn) is int and isinstance(pick.case, str) for pick in key.rows.values())
    if not whole or any(pick.kind not in KINDS for pick in key.rows.values()):
        raise ValueError("a row that is no pick")
    if not 0 <= key.annotators <= MOST_ANNOTATORS:
        raise ValueError(f"annotators: {key.annotators}")


def new_key() -> Key:
    """A key without rows."""
    return Key(secrets.token_hex(32), 0, {})


def write_key(folder: Path, key: Key) -> None:
    """Keep the key, readable by its owner alone."""
    path = folder / FILE
    data = {
        "secret": key.secret,
        "annotators": key.annotators,
        "rows": {row: asdict(pick) for row, pick in key.rows.items()},
    }
    whole = folder / f".{FILE}.new"
    whole.touch(mode=0o600)
    whole.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    whole.replace(path)
