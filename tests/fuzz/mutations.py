"""Nearly valid input: a valid document with a few things dropped, doubled, nested, retyped or swapped.

Everything is drawn from one list of decisions, so that Hypothesis can make a failing one smaller and
atheris can be guided by what the decisions reach.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import math
import os
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import HealthCheck, settings, strategies as st

FUZZ = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    suppress_health_check=list(HealthCheck),
)
"""The same examples on every machine, no deadline, nothing left on disk; said of every law, since a profile
would be that of the other rooms as well."""


def nest(depth: int) -> Any:
    """A list in a list in a list …"""
    inner: Any = 1
    for _ in range(depth):
        inner = [inner]
    return inner


ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 10**9, 10**18, 10**30, 10**400, -(10**400), 0.5, 1e308, math.nan, math.inf,
    -math.inf, "", " ", "x", "1", "nan", "\ud800", "\udfff x", "a\nb", "\x1b[31mred", "\x00", "x" * 3000, "{", "{x}",
    "{0.__class__}", "%s", "../../etc/passwd", "/dev/zero", "../x", ".", "*", "(" * 200, "a{99999999999}", "日本語",
    "\u2028", "\ufeff", "1e999", "９", [], {}, [[]], [None], [{}], {"": ""}, {"id": []}, {"x": {"y": []}}, [1, "1", None],
    nest(70), nest(250),
)  # fmt: skip
"""What stands in a value's place: of every type, and at the edges of each."""


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside."""
    if at:
        yield at
    if isinstance(data, dict):
        for key in data:
            yield from places(data[key], (*at, key))
    elif isinstance(data, list):
        for index in range(len(data)):
            yield from places(data[index], (*at, index))


def change(data: Any, where: int, how: int, what: int) -> Any:
    """The document with one thing changed; the three numbers are taken modulo what there is."""
    paths = list(places(data))
    if not paths:
        return copy.deepcopy(ODD[what % len(ODD)])
    *road, last = paths[where % len(paths)]
    whole = copy.deepcopy(data)
    holder = whole
    for step in road:
        holder = holder[step]
    odd = copy.deepcopy(ODD[what % len(ODD)])
    match how % 7:
        case 0:
            del holder[last]
        case 1:
            holder[last] = [holder[last], holder[last]]
        case 2:
            holder[last] = {"x": holder[last]}
        case 3 if isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        case 4 if isinstance(holder, dict):
            holder[odd if isinstance(odd, str) else str(odd)[:50]] = holder.pop(last)
        case 5 if isinstance(holder, dict):
            holder["surplus"] = odd
        case _:
            holder[last] = odd
    return whole


def changed(data: Any) -> st.SearchStrategy[Any]:
    """The document with one to three things changed."""
    step = st.tuples(st.integers(0, 2**16), st.integers(0, 6), st.integers(0, len(ODD) - 1))

    def apply(steps: list[tuple[int, int, int]]) -> Any:
        found = data
        with contextlib.suppress(RecursionError):  # it is as deep as a copy can go
            for where, how, what in steps:
                found = change(found, where, how, what)
        return found

    return st.lists(step, min_size=1, max_size=3).map(apply)


# -- as bytes -------------------------------------------------------------------------------------


def as_json(data: Any) -> bytes:
    """JSON, with escapes for half surrogates, ``NaN`` and all."""
    try:
        return json.dumps(data, default=str).encode()
    except RecursionError:
        return b"[" * 2000


def as_lines(data: Any) -> bytes:
    """JSON Lines of a list; of anything else one line."""
    rows = data if isinstance(data, list) else [data]
    return b"\n".join(map(as_json, rows)) + b"\n"


def as_yaml(data: Any) -> bytes:
    """YAML."""
    try:
        return yaml.dump(data, Dumper=Plain, allow_unicode=False, sort_keys=False).encode()
    except (RecursionError, yaml.YAMLError):
        return b"[" * 2000


class Plain(yaml.SafeDumper):
    """A dumper that writes every value out."""

    def ignore_aliases(self, data: object) -> bool:
        """Never refer back."""
        return True


def as_toml(data: Any) -> bytes:
    """TOML: tables on top, everything else inline; ``null`` has no word there and is left out."""
    if not isinstance(data, dict):
        return f"x = {toml_value(data)}".encode("utf-8", "surrogatepass")
    loose = [f"{quoted(k)} = {toml_value(v)}" for k, v in data.items() if not isinstance(v, dict)]
    tables = [(name, value) for name, value in data.items() if isinstance(value, dict)]
    text = "\n".join(loose)
    for name, value in tables:
        rows = [f"{quoted(key)} = {toml_value(inner)}" for key, inner in value.items()]
        text += f"\n[{quoted(name)}]\n" + "\n".join(rows)
    return text.encode("utf-8", "surrogatepass")


def quoted(text: Any) -> str:
    """A text between quotation marks."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any) -> str:
    """A value inline."""
    if isinstance(value, bool) or value is None:
        return str(bool(value)).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dt.date | int | float):
        return (
            value.isoformat() if isinstance(value, dt.date) else hex(value) if is_huge(value) else repr(value)
        )
    return quoted(value)


def is_huge(value: Any) -> bool:
    """Whether a number is too long to be written out; TOML takes any in hexadecimal."""
    return isinstance(value, int) and value > 10**300


def bytes_near(valid: bytes) -> st.SearchStrategy[bytes]:
    """The file cut, with bytes changed, put in, taken out or doubled; or any bytes at all."""
    edit = st.tuples(st.integers(0, max(len(valid), 1)), st.integers(0, 4), st.binary(max_size=4))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        found = valid
        for place, how, added in edits:
            at = place % (len(found) + 1)
            match how:
                case 0:
                    found = found[:at]
                case 1:
                    found = found[:at] + added + found[at:]
                case 2:
                    found = found[:at] + added + found[at + len(added) :]
                case 3:
                    found = found[:at] + found[at + 1 + len(added) * 7 :]
                case _:
                    found = found[:at] + found[at : at + 40] * 2 + found[at + 40 :]
        return found

    return st.lists(edit, min_size=1, max_size=4).map(apply) | st.binary(max_size=200)
