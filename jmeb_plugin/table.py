"""Every option by name and kind, and the ``jmeb`` table that may hold it.

The table is ``[tool.jmeb]`` in pyproject.toml, or ``[jmeb]`` in a file of its own.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jmeb_plugin.errors import SettingsError, closest, plain
from jmeb_plugin.user_file import read_toml

Kind = Literal["texts", "text", "whole", "amount", "flag", "path"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option; ``default=None`` where there is none. ``stray``: not to be set in a file."""

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int = 1
    stray: bool = False


MOST = 2**53
"""The largest number that is taken anywhere."""

GATES = ("cases", "release", "both")
TEXTS = ("full", "failed", "none")
OPTIONS = (
    Option("model", "texts", "the endpoint under test; repeat it to test several", "NAME"),
    Option("judge", "texts", "a judge; give it at least twice", "NAME"),
    Option("attacker", "text", "your own model that plays the user; no run is like another then", "NAME"),
    Option("suite", "texts", "a suite; may be repeated; 'none': only your own tests", "NAME|PATH", ("jmeb",)),
    Option("id", "texts", "select conversations by id (fnmatch; * crosses /); may be repeated", "GLOB"),
    Option("sample", "whole", "at most N conversations per guideline, strategy and language", "N"),
    Option("total", "whole", "about N conversations, spread evenly, language pairs kept together", "N"),
    Option("seed", "whole", "seed of every draw", "N", 0, least=0),
    Option("repeats", "whole", "run each conversation K times", "K", 1),
    Option("concurrency", "whole", "requests in flight over the whole run", "N", 64),
    Option("thresholds", "path", "default: thresholds.yaml in the rootdir, else the bundled one", "PATH"),
    Option("gate", "text", "what may fail the run", "cases|release|both", "both", GATES),
    Option("baseline", "path", "an earlier run to compare with", "RUN"),
    Option("baseline-force", "flag", "compare although suite, rubric or judges differ", default=False),
    Option("out", "path", "where runs are kept", "DIR", ".jmeb"),
    Option("run", "text", "the run's name; an unfinished run is resumed", "ID", stray=True),
    Option(
        "transcripts", "text", "whose text may be shown (failed; none under CI)", "|".join(TEXTS), None, TEXTS
    ),
    Option("plan", "flag", "print what the run would ask and cost; ask nothing", default=False, stray=True),
    Option("budget", "amount", "stop asking before the price passes it", "USD"),
    Option("config", "path", "TOML file holding the jmeb table", "FILE", "pyproject.toml", stray=True),
)
PLURALS = {"judges": "judge", "models": "model", "suites": "suite", "ids": "id"}
TABLE_KEYS = frozenset({*(option.name for option in OPTIONS if not option.stray), *PLURALS, "endpoints"})


def load_table(path: Path, *, named: str) -> Mapping[str, Any]:
    """The table of the file; empty where there is no file and nobody ``named`` one.

    Raises `SettingsError` for a file that is missing though named, that is no TOML, or whose table
    holds a key that is no option (``-`` and ``_`` are one).
    """
    if not path.exists():
        if named:
            raise SettingsError(f"{named}: no file {path}")
        return {}
    data = read_toml(path, SettingsError)
    tool = data.get("tool", {})
    table = tool.get("jmeb", data.get("jmeb", {})) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: jmeb: expected a table")
    for key in table:
        if key.replace("_", "-") not in TABLE_KEYS:
            raise SettingsError(f"{path}: [tool.jmeb]: unknown key {plain(key)!r}{closest(key, TABLE_KEYS)}")
    return table


def find_root(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that has runs, thresholds, our table, or a repository.

    ``None`` where there is none. Nothing above a repository is looked at: it belongs to others. Raises
    `SettingsError` for a pyproject.toml on the way that is no TOML; pytest would not run there either.
    """
    with contextlib.suppress(PermissionError):  # what is above may be nobody's business
        for folder in (start, *start.parents):
            ours = (folder / ".jmeb").is_dir() or (folder / "thresholds.yaml").is_file()
            if ours or has_table(folder / "pyproject.toml") or (folder / ".git").exists():
                return folder
    return None


def has_table(path: Path) -> bool:
    """Whether a TOML file has ``[tool.jmeb]`` or ``[jmeb]``, right or wrong."""
    if not path.is_file():
        return False
    data = read_toml(path, SettingsError)
    tool = data.get("tool")
    return "jmeb" in data or (isinstance(tool, dict) and "jmeb" in tool)


def sendable(value: Any) -> bool:
    """Whether JSON can say it: TOML has dates, infinite numbers and some that are none besides."""
    if isinstance(value, Mapping):
        return all(map(sendable, value.values()))
    if isinstance(value, list):
        return all(map(sendable, value))
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def convert(option: Option, value: Any, where: str) -> Any:
    """The value as the option's kind; `SettingsError` says where it stands and what was expected."""
    if option.kind == "texts":
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
            raise SettingsError(f"{where}: expected a name or a list of names, found {plain(repr(value))}")
        return tuple(dict.fromkeys(v.strip() for v in values))
    if option.kind == "flag":
        return flag(value, where)
    if option.kind in ("whole", "amount"):
        return number(option, value, where)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{where}: expected a text, found {plain(repr(value))}")
    if option.choices and value not in option.choices:
        raise SettingsError(f"{where}: {plain(value)!r} is unknown{closest(value, option.choices)}")
    return value.strip()


def flag(value: Any, where: str) -> bool:
    """A switch: true or false, 1 or 0, yes or no, on or off."""
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    found = words.get(str(value).lower()) if isinstance(value, str | bool | int) else None
    if found is None:
        raise SettingsError(f"{where}: expected true or false, found {plain(repr(value))}")
    return found


def number(option: Option, value: Any, where: str) -> float | int:
    """A whole number from the option's least, or an amount above 0."""
    whole = option.kind == "whole"
    try:
        parsed = int(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        parsed = None
    if isinstance(value, bool) or (whole and isinstance(value, float)):
        parsed = None
    if parsed is None or not (option.least <= parsed <= MOST if whole else 0 < parsed < 1e9):
        least = f"a whole number from {option.least}" if whole else "an amount above 0"
        raise SettingsError(f"{where}: expected {least}, found {plain(repr(value))}")
    return parsed
