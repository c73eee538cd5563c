"""Which of a row's fields is which of ours: dotted paths, fixed values, and presets by the look of a row."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jmeb_plugin.dataset.importing.dialogue import as_list, as_text, spoken_by_user, user_texts
from jmeb_plugin.errors import ImportRefused, SettingsError, closest, plain
from jmeb_plugin.user_file import read_toml
from jmeb_plugin.yaml_file import describe

NEEDED = ("guideline", "strategy", "language", "turns")
FIELDS = (*NEEDED, "id", "n", "seed", "source", "title", "duty", "principle")
"""Ours; the last three describe a guideline that is met for the first time."""

TABLES = ("map", "set", "match", "values")
STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{0,6})\]")


@dataclass(frozen=True, slots=True)
class Field:
    """A dotted path into a row: ``dialog[].text``, ``turns[0]``; or several, with commas between them.

    A ``?`` at the end: a row may lack it.
    """

    text: str

    @property
    def optional(self) -> bool:
        """Whether a row may lack it."""
        return self.text.endswith("?")

    def find(self, row: Mapping[str, Any]) -> list[Any]:
        """What stands there in the row, in order; `ImportRefused` where nothing does and something must."""
        paths = [self.text.removesuffix("?")]
        if paths[0] not in row:
            paths = [path.strip() for path in paths[0].split(",")]
        try:
            return [value for path in paths for value in at_path(row, path)]
        except LookupError:
            if self.optional:
                return []
            raise ImportRefused(f"no field {plain(self.text)!r}{closest(self.text, paths_of(row))}") from None


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How a row becomes a conversation: ``map`` our field to its path, ``set`` to a value for all rows.

    ``match`` cuts a part out of a mapped value, ``values`` puts one of ours in the place of theirs.
    """

    map: Mapping[str, Field] = field(default_factory=dict)
    set: Mapping[str, str] = field(default_factory=dict)
    match: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def over(self, other: FieldMap) -> FieldMap:
        """The other map wherever this one says nothing."""
        mapped = {key: value for key, value in other.map.items() if key not in self.set}
        fixed = {key: value for key, value in other.set.items() if key not in self.map}
        return FieldMap(
            {**mapped, **self.map},
            {**fixed, **self.set},
            {**{key: value for key, value in other.match.items() if key not in self.map}, **self.match},
            {**other.values, **self.values},
        )

    def missing(self, row: Mapping[str, Any]) -> list[str]:
        """The fields that every conversation needs, and that nobody gave nor the row has."""
        return [name for name in NEEDED if name not in self.set and not self.leads(name, row)]

    def leads(self, name: str, row: Mapping[str, Any]) -> bool:
        """Whether a field is mapped, and if it may be missing, there."""
        path = self.map.get(name)
        return path is not None and (not path.optional or bool(path.find(row)))

    def turns(self, row: Mapping[str, Any]) -> list[str]:
        """The user's turns in a row; `ImportRefused` where there are none."""
        if "turns" in self.set:
            return [self.set["turns"]]
        found = [text for value in self.map["turns"].find(row) for text in user_texts(value)]
        if not found:
            raise ImportRefused("turns: expected the user's texts, found none")
        return found

    def texts(self, row: Mapping[str, Any]) -> dict[str, str]:
        """All else that the row says, by the names of our fields."""
        found = dict(self.set)
        for name, field_ in self.map.items():
            if name != "turns" and (values := [v for v in field_.find(row) if not void(v, field_)]):
                found[name] = self.ours(name, as_text(values[0], name))
        if lacking := [name for name in NEEDED if name != "turns" and name not in found]:
            raise ImportRefused(f"{lacking[0]}: expected a text, found nothing")
        return found

    def ours(self, name: str, text: str) -> str:
        """A mapped value after ``match`` and ``values``."""
        if pattern := self.match.get(name):
            found = pattern.search(text)
            if not found:
                raise ImportRefused(f"{name}: {text[:40]!r} does not match {plain(pattern.pattern)!r}")
            text = next((part for part in found.groups() if part), found[0])
        return self.values.get(name, {}).get(text, text)


def void(value: Any, path: Field) -> bool:
    """Whether an optional field holds nothing."""
    return path.optional and (value is None or value == "" or value != value)  # noqa: PLR0124 - nan


def at_path(value: Any, path: str) -> Iterator[Any]:
    """The values at a path, one or (over a list) several; `LookupError` where there are none."""
    if isinstance(value, dict) and path in value:
        yield value[path]
        return
    steps = list(STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        raise LookupError
    yield from walk(value, [step[1] or (int(step[2]) if step[2] else None) for step in steps])


def walk(value: Any, steps: Sequence[str | int | None]) -> Iterator[Any]:
    """Step by step: a name in a mapping, a place in a list, ``None`` over all of a list."""
    if not steps:
        yield value
    elif isinstance(steps[0], str):
        if not isinstance(value, dict) or steps[0] not in value:
            raise LookupError
        yield from walk(value[steps[0]], steps[1:])
    else:
        if (listed := as_list(value)) is None:
            raise LookupError
        kept = filter(spoken_by_user, listed) if steps[0] is None else [listed[steps[0]]]
        for item in kept:
            yield from walk(item, steps[1:])


def paths_of(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Every path of a row, as it would be typed."""
    if isinstance(value, dict) and value and depth < 5:
        for key, inner in value.items():
            yield from paths_of(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list) and value and depth < 5:
        yield from paths_of(value[0], f"{path}[]", depth + 1)
    elif not path.startswith("@"):
        yield path


def typed_map(mapped: Sequence[str], fixed: Sequence[str]) -> FieldMap:
    """The map of ``--map FIELD=PATH`` and ``--set FIELD=VALUE``."""
    paths, values = typed("--map", mapped), typed("--set", fixed)
    if both := sorted(set(paths) & set(values)):
        raise SettingsError(f"--set {both[0]}: mapped by --map as well; expected one of them")
    return FieldMap({name: Field(path) for name, path in paths.items()}, values)


def typed(option: str, pairs: Sequence[str]) -> dict[str, str]:
    """Pairs as they were typed, checked."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value.strip():
            raise SettingsError(f"{option} {pair}: expected FIELD=…, for instance {option} guideline=…")
        if name not in FIELDS:
            raise SettingsError(f"{option} {pair}: unknown field {name!r}{closest(name, FIELDS)}")
        if name in found:
            raise SettingsError(f"{option} {pair}: {name!r} stands twice")
        found[name] = value.strip()
    return found


def read_mapping(path: Path) -> list[FieldMap]:
    """The maps of a TOML file: one, or one for each ``[[conversation]]`` that a row holds."""
    data = read_toml(path, SettingsError)
    each = data.pop("conversation", [{}])
    if not isinstance(each, list) or not each:
        raise SettingsError(f"{path}: conversation: expected tables, written [[conversation]]")
    common = parse_tables(data, f"{path}")
    return [parse_tables(table, f"{path}: conversation").over(common) for table in each]


def parse_tables(data: Any, where: str) -> FieldMap:
    """The tables of one map, checked."""
    if not isinstance(data, dict):
        raise SettingsError(f"{where}: expected a table")
    for name, table in data.items():
        if name not in TABLES:
            raise SettingsError(f"{where}: unknown table {plain(name)!r}{closest(name, TABLES)}")
        if not isinstance(table, dict):
            raise SettingsError(f"{where}: {name}: expected a table, found {describe(table)}")
        for key, value in table.items():
            if key not in FIELDS:
                raise SettingsError(f"{where}: {name}: unknown field {plain(key)!r}{closest(key, FIELDS)}")
            check_entry(f"{where}: {name}.{key}", name, value)
    paths = {key: Field(value) for key, value in data.get("map", {}).items()}
    match = {key: re.compile(value) for key, value in data.get("match", {}).items()}
    return FieldMap(paths, data.get("set", {}), match, data.get("values", {}))


def check_entry(where: str, table: str, value: Any) -> None:
    """Raise unless the value is what the table holds: a text, a regular expression, a table of texts."""
    if table == "values":
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise SettingsError(f"{where}: expected a table of texts, found {describe(value)}")
        return
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{where}: expected a text, found {describe(value)}")
    if table == "match":
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as reason:
            raise SettingsError(f"{where}: no regular expression: {plain(str(reason))}") from None


def guess(row: Mapping[str, Any]) -> FieldMap | None:
    """The map of the preset whose fields the row has; ``None`` where none fits."""
    found = set(paths_of(row)) | set(row)
    found |= {path.removesuffix("[]") for path in found}
    for path in sorted((Path(__file__).parent / "presets").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        if found.issuperset(data.pop("when")):
            return parse_tables(data, path.name)
    return None


def demand(maps: Sequence[FieldMap], row: Mapping[str, Any], place: str) -> None:
    """Raise unless every map says where all that a conversation needs is."""
    missing = next(filter(None, (one.missing(row) for one in maps)), [])
    if missing:
        found = [plain(path) for path in paths_of(row) if path][:30]
        examples = {"turns": "--map 'turns=dialog[].text'", "language": "--set language=fr"}
        typed = " ".join(examples.get(name, f"--map {name}=FIELD") for name in missing)
        raise SettingsError(
            f"{place}: nothing says where {', '.join(missing)} is to be found; this row has "
            f"{', '.join(found) or 'no fields'}. Say it like this: jmeb suite import … {typed}"
        )
