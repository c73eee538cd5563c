"""Which files a source is, and their rows one by one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from jmeb_plugin.dataset.importing.hub import SCHEME, fetch
from jmeb_plugin.dataset.importing.json_text import read_json
from jmeb_plugin.errors import ImportRefused, SettingsError, plain
from jmeb_plugin.user_file import own_file
from jmeb_plugin.yaml_file import describe

MOST_BYTES = 16 << 20
"""Bytes that one line may have."""

BATCH = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands and its fields, or the ``problem`` that leaves it without any.

    Beside its own fields a row has ``@file``, its file's name without the ending, and ``@part``, the
    name of the array it stands in.
    """

    place: str
    fields: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Files of rows, and what they are called: of a hub's data set with the revision it has."""

    label: str
    files: tuple[Path, ...]


def find_source(source: str, base: Path) -> Source:
    """A file, the files of a folder whose ending is known, or a data set of a hub.

    Raises `SettingsError` where there is none, and for a link that leads out of the folder: one from
    elsewhere must not have our files read into a suite. (A hub's client keeps what it fetches as links.)
    """
    path, label = fetch(source) if source.startswith(SCHEME) else (base / source, source)
    if path.is_file():
        if path.suffix.lower() not in READERS:
            raise SettingsError(f"{source}: unknown ending {path.suffix!r}; expected {', '.join(READERS)}")
        return Source(label, (path,))
    if not path.is_dir():
        raise SettingsError(f"{source}: no such file or folder; expected data, or {SCHEME}org/name")
    inside = (found for found in path.rglob("*") if not hidden(found.relative_to(path)))
    files = sorted(found for found in inside if found.suffix.lower() in READERS and found.is_file())
    if not files:
        raise SettingsError(f"{source}: no data in this folder; expected files in {', '.join(READERS)}")
    if not source.startswith(SCHEME):
        for found in files:
            own_file(path, str(found.relative_to(path)), SettingsError)
    return Source(label, tuple(files))


def hidden(path: Path) -> bool:
    """Whether any part of the path begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


def read_rows(files: Iterable[Path]) -> Iterator[Row]:
    """Every row of the files.

    Raises `ImportRefused` where a file cannot be read on; a row that alone is wrong has a problem.
    """
    for path in files:
        try:
            for number, part, value in READERS[path.suffix.lower()](path):
                if not (isinstance(value, dict) and set(value) == {"canary"}):
                    yield row(path, number, part, value)
        except OSError as reason:
            raise ImportRefused(f"{path}: cannot be read ({reason.strerror or reason})") from None


def row(path: Path, number: int, part: str, value: Any) -> Row:
    """One value of a file as a row."""
    place = f"{path}:{number}"
    if isinstance(value, Problem):
        return Row(place, {}, str(value))
    if not isinstance(value, dict):
        return Row(place, {}, f"expected an object, found {describe(value)}")
    return Row(place, {**value, "@file": path.stem, "@part": part})


class Problem(str):
    """What is wrong with a row, in its place."""

    __slots__ = ()


Rows = Iterator[tuple[int, str, Any]]
"""Number (of the line where the format has lines, else of the row, from 1), part and value."""


def lines_of(path: Path) -> Iterator[tuple[int, str | Problem]]:
    """The lines of a text file; of one that is too long or no UTF-8, the problem."""
    with path.open("rb") as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(MOST_BYTES + 1), b""), 1):
            if len(raw) > MOST_BYTES:
                pass_over(raw, stream)
                yield number, Problem(f"the line is longer than {MOST_BYTES >> 20} MiB")
                continue
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as reason:
                yield number, Problem(f"not UTF-8 at byte {reason.start}; expected UTF-8")


def pass_over(begun: bytes, stream: BinaryIO) -> None:
    """Read to the end of a line that has begun."""
    while begun and not begun.endswith(b"\n"):
        begun = stream.readline(MOST_BYTES)


def json_rows(path: Path) -> Rows:
    """The items of a JSON file."""
    for number, (part, value) in enumerate(read_json(path), 1):
        yield number, part, value


def json_lines(path: Path) -> Rows:
    """One object a line."""
    for number, line in lines_of(path):
        if isinstance(line, Problem):
            yield number, "", line
        elif line.strip():
            try:
                yield number, "", json.loads(line)
            except (ValueError, RecursionError) as reason:
                yield number, "", Problem(f"not JSON: {reason}; expected one object a line")


def separated(path: Path) -> Rows:
    """The records of a file with a head of names: commas, semicolons or tabs between the fields."""
    number, head, problems = 1, list[str](), list[Problem]()
    records = csv.reader(kept(path, problems), delimiter=delimiter(path))
    try:
        for record in records:
            value: Any = dict(zip(head, record, strict=False))
            if problems:
                yield records.line_num, "", problems.pop()
            elif not head:
                head = record
                if twins := {name for name in head if head.count(name) > 1}:
                    raise ImportRefused(f"{path}:1: the column {plain(min(twins))!r} stands twice")
            elif record:
                fits = len(record) == len(head)
                problem = Problem(f"{len(record)} fields; expected {len(head)}, as in the first line")
                yield number, "", value if fits else problem
            number = records.line_num + 1
    except csv.Error as reason:
        raise ImportRefused(f"{path}:{number}: not CSV: {reason}") from None


def kept(path: Path, problems: list[Problem]) -> Iterator[str]:
    """The lines of the file; a line with a problem is empty, and the problem added to the list."""
    for _, line in lines_of(path):
        if isinstance(line, Problem):
            problems.append(line)
        yield "\n" if isinstance(line, Problem) else line


def delimiter(path: Path) -> str:
    """What stands between the fields, by the ending and the first line."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    first = str(next(lines_of(path), (1, ""))[1])
    return ";" if ";" in first and "," not in first else ","


def parquet(path: Path) -> Rows:
    """The rows of a Parquet file, a batch at a time."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise SettingsError(f"{path}: Parquet needs pyarrow: pip install 'pytest-jmeb[parquet]'") from None
    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for value in batch.to_pylist():
                    number += 1
                    yield number, "", value
    except (ArrowException, ValueError, LookupError, TypeError, ArithmeticError) as reason:
        why = (str(reason).splitlines() or [type(reason).__name__])[0]
        raise ImportRefused(f"{path}: not Parquet: {why}") from None


READERS: dict[str, Callable[[Path], Rows]] = {
    ".json": json_rows,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".csv": separated,
    ".tsv": separated,
    ".parquet": parquet,
}
"""How to read a file, by its ending."""
