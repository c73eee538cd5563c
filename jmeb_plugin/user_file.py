"""A file that somebody hands us: read within bounds, or refused by its name.

Whatever is no file (a pipe, a device) is refused before it is opened, so that nothing here waits for
one or reads without end.
"""

from __future__ import annotations

import functools
import json
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from jmeb_plugin.errors import JmebError, plain

MIB = 1 << 20
MAX_LINE = MIB
MOST_BYTES = 1024 * MIB
MOST_TOML = MIB
DEEPEST = 64
"""So many tables and lists a TOML file may have inside each other."""

MOST_BITS = 332
"""A whole number above it has more than 100 digits."""

BOM = b"\xef\xbb\xbf"
CANARY = b'{"canary"'
KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}  # fmt: skip
Failure = type[JmebError]


def check_file(path: Path, error: Failure) -> None:
    """Raise ``error`` where there is nothing, or anything but a file."""
    try:
        mode = path.stat().st_mode
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None
    except ValueError as reason:  # a NUL in the name
        raise error(f"{plain(str(path), 1000)}: cannot be read ({reason})") from None
    if not stat.S_ISREG(mode):
        kind = KINDS.get(stat.S_IFMT(mode), "something else")
        raise error(f"{path}: cannot be read ({kind}); expected a file")


def read_bytes(path: Path, error: Failure, most: int = MOST_BYTES, what: str = "a file of text") -> bytes:
    """The whole file; ``error`` where it cannot be read or is larger than ``most``."""
    check_file(path, error)
    try:
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None
    if len(raw) > most:
        raise error(f"{path}: larger than {most // MIB} MiB; expected {what}")
    return raw


def read_text(
    path: Path, error: Failure, most: int = MOST_BYTES, what: str = "a file of text", encoding: str = "utf-8"
) -> str:
    """The whole file as UTF-8 (``utf-8-sig``: a byte order mark is no text)."""
    try:
        return read_bytes(path, error, most, what).decode(encoding)
    except UnicodeDecodeError as reason:
        raise error(f"{path}: not UTF-8 at byte {reason.start}") from None


def read_lines(
    path: Path, error: Failure, seen: Callable[[bytes], object] = lambda _: None
) -> Iterator[tuple[int, bytes]]:
    """The lines of a JSON Lines file with their numbers, without blank ones and the canary's.

    ``seen`` is given every line, as it is in the file. Raises ``error`` for one of more than 1 MiB.
    """
    check_file(path, error)
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), 1):
                seen(raw)
                if len(raw) > MAX_LINE:
                    raise error(f"{path}:{number}: the line is longer than {MAX_LINE // MIB} MiB")
                line = raw.removeprefix(BOM) if number == 1 else raw
                if line.strip() and not line.startswith(CANARY):
                    yield number, line
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None


def parse_json(raw: bytes | str, place: str, error: Failure) -> Any:
    """The JSON of a line or a file, in UTF-8 and no other encoding."""
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        return decoder().decode(text)
    except UnicodeDecodeError as reason:
        raise error(f"{place}: not UTF-8 at byte {reason.start}") from None
    except (ValueError, RecursionError) as reason:
        raise error(f"{place}: not JSON: {reason}") from None


@functools.cache
def decoder() -> json.JSONDecoder:
    """One for all lines: `json.loads` would make one of each."""
    return json.JSONDecoder(parse_constant=no_number)


def no_number(name: str) -> NoReturn:
    """``ValueError`` for NaN and Infinity, which Python's reader takes and JSON has no words for."""
    raise ValueError(f"{name} is no JSON")


def read_toml(path: Path, error: Failure) -> dict[str, Any]:
    """A TOML file.

    Raises ``error`` for one that cannot be read, is no TOML or larger than 1 MiB, that is nested more
    than 64 deep, and for a whole number of more than 100 digits.
    """
    text = read_text(path, error, MOST_TOML, "a settings file")
    try:
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as reason:
        raise error(f"{path}: not TOML: {reason}") from None
    except RecursionError:
        raise error(f"{path}: nested too deeply; expected a settings file") from None
    check_values(data, path, error)
    return data


def check_values(data: Any, path: Path, error: Failure) -> None:
    """Raise for what is nested too deeply, and for a number too long to be written out."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise error(f"{path}: nested too deeply; expected a settings file")
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise error(f"{path}: a number of more than 100 digits; expected a smaller one")
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting += [(part, depth + 1) for part in inner]


def own_file(folder: Path, name: str, error: Failure) -> Path | None:
    """The file of that name in the folder; ``None`` where there is none.

    Raises ``error`` for what is no file, and for a link that leads out of the folder: a suite from
    elsewhere must not have our files read and sent to a model.
    """
    path = folder / name
    try:
        if not path.exists() and not path.is_symlink():
            return None
        real = path.resolve()
    except (OSError, RuntimeError, ValueError) as reason:  # a link to itself, a NUL in the name
        raise error(f"{plain(str(path), 1000)}: cannot be read ({plain(str(reason))})") from None
    if not real.is_relative_to(folder.resolve()):
        raise error(f"{path}: a link out of the folder; expected the file itself")
    check_file(path, error)
    return path
