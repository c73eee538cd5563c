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

from jmeb_plugin.errors import RunError
from jmeb_plugin.review.picks import Pick

FILE = "review-key.json"


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
        data = json.loads(path.read_text("utf-8"))
        rows = {row: Pick(**pick) for row, pick in data["rows"].items()}
        return Key(bytes.fromhex(data["secret"]).hex(), int(data["annotators"]), rows)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); expected the file that "
            f"`jmeb review export` wrote"
        ) from None


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
