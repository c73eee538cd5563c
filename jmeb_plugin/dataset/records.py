"""What the stages hand on, one JSON object a line: requests, conversations, strategies, what was dropped."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from jmeb_plugin.errors import SuiteError, closest, plain
from jmeb_plugin.user_file import parse_json, read_lines
from jmeb_plugin.yaml_file import describe

T = TypeVar("T")
Write = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Seed:
    """A harmful request for a guideline, who wrote it, and which models refused it."""

    id: str
    guideline: str
    language: str
    request: str
    author: str
    refused_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The user's turns of one conversation; ``reached``: the target's last answer was no refusal."""

    seed: Seed
    strategy: str
    attacker: str
    target: str
    turns: tuple[str, ...]
    reached: bool | None = None

    @property
    def source(self) -> str:
        """Where it is from, as a suite's conversations say it."""
        parts = {"seed": self.seed.author, "refused": ", ".join(self.seed.refused_by)}
        parts |= {"attacker": self.attacker, "target": self.target}
        return "; ".join(f"{name}={value}" for name, value in parts.items() if value)


@dataclass(frozen=True, slots=True)
class StrategyCard:
    """A named way of working on a model; ``times`` the log showed it, first in the request ``found_in``."""

    id: str
    name: str
    mechanism: str
    frame: str = ""
    counter_indications: str = ""
    known: bool = False
    times: int = 0
    found_in: str = ""

    @property
    def description(self) -> str:
        """Mechanism and frame, as an attacker is told them."""
        return " ".join(filter(None, (self.mechanism, self.frame)))


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a stage left out, and why."""

    id: str
    reason: str
    text: str = ""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Write]:
    """Write records to a file as they come; it bears its name only when the block ends well."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        yield lambda record: write_line(stream, record)
    part.replace(path)


def write_line(stream: Any, record: Any) -> None:
    """One record as its line; it can be read as soon as it is written."""
    data = record if isinstance(record, dict) else asdict(record)
    stream.write(json.dumps(data, ensure_ascii=False) + "\n")
    stream.flush()


def read_records(path: Path, kind: type[T]) -> Iterator[T]:
    """The records of a file; `SuiteError` with file and line for what is none."""
    if not path.is_file():
        raise SuiteError(f"{path}: missing; expected what an earlier stage wrote, or another file by --from")
    for number, line in read_lines(path, SuiteError):
        place = f"{path}:{number}"
        yield parse(parse_json(line, place, SuiteError), kind, place)


def parse(data: Any, kind: type[T], place: str) -> T:
    """A record from its plain data."""
    if not isinstance(data, dict):
        raise SuiteError(f"{place}: expected an object, found {describe(data)}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            raise SuiteError(f"{place}: unknown key {plain(key)!r}{closest(key, known)}")
    missing = [name for name, field in known.items() if name not in data and field.default is MISSING]
    if missing:
        raise SuiteError(f"{place}: {', '.join(missing)} missing")
    return kind(
        **{key: convert(value, str(known[key].type), f"{place}: {key}") for key, value in data.items()}
    )


def convert(value: Any, kind: str, place: str) -> Any:
    """A value as the field's type."""
    if kind == "Seed":
        return parse(value, Seed, place)
    if kind.startswith("tuple"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SuiteError(f"{place}: expected a list of texts, found {describe(value)}")
        return tuple(value)
    names: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "int": (int,),
        "bool": (bool,),
        "bool | None": (bool, type(None)),
    }
    if not isinstance(value, names[kind]):
        raise SuiteError(f"{place}: expected {kind}, found {describe(value)}")
    return value


def by_guideline(seeds: Iterable[Seed]) -> dict[tuple[str, str], list[Seed]]:
    """Requests by guideline and language, in their order."""
    found: dict[tuple[str, str], list[Seed]] = {}
    for seed in seeds:
        found.setdefault((seed.guideline, seed.language), []).append(seed)
    return found
