"""A YAML file whose every value knows its line, so that a message can name the place."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jmeb_plugin.errors import UserMistake, closest, plain
from jmeb_plugin.user_file import read_text

Path_ = tuple[str | int, ...]
MAX_BYTES = 16 * 1024 * 1024
MAX_DIGITS = 100
MAX_VALUES = 250_000
"""So many values a file may have, keys included: a short file of `[1,1,1,…` fills gigabytes else."""

MAX_DEPTH = 64
TOO_DEEP = "nested too deeply; expected a settings file"
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What PyYAML lets through, beside its own errors, for a text like `!!int ""` or 2027-02-30.
MISFITS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 but tab and line break, and what turns the direction of what follows."""

OPENING = (
    yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken, yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
)  # fmt: skip
CLOSING = (yaml.BlockEndToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
VALUES = (*OPENING, yaml.ScalarToken)


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: its ``data``, and the line (from 1) of every value by its path."""

    path: Path
    data: Any
    lines: Mapping[Path_, int]
    error: type[UserMistake]

    def fail(self, at: Path_, problem: str) -> UserMistake:
        """The error for the value at ``at``: file, line, key and what is wrong with it."""
        line = next((self.lines[at[:k]] for k in range(len(at), -1, -1) if at[:k] in self.lines), 1)
        dotted = ".".join(plain(str(part)) for part in at)
        return self.error(f"{self.path}:{line}: {dotted + ': ' if dotted else ''}{problem}")

    def check_keys(self, at: Path_, value: Any, known: Mapping[str, Any] | set[str]) -> None:
        """Raise unless ``value`` is a mapping with known keys only."""
        if not isinstance(value, Mapping):
            raise self.fail(at, f"expected a mapping, found {describe(value)}")
        for key in value:
            if key not in known:
                shown = plain(str(key))
                raise self.fail((*at, key), f"unknown key {shown!r}{closest(shown, known)}")

    def check_signs(self, at: Path_ = (), value: Any = None) -> None:
        """Raise for a text, there or anywhere in the file, that would drive a terminal or turn a line."""
        value = value if at else self.data
        if isinstance(value, str) and (found := CONTROLS.search(value)):
            sign = f"U+{ord(found[0]):04X}"
            raise self.fail(at, f"holds the control sign {sign}; expected signs that can be seen")
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self.check_signs((*at, key), key)
                self.check_signs((*at, key), inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self.check_signs((*at, index), inner)

    def check_places(self, at: Path_, text: str, known: Collection[str]) -> None:
        """Raise for a place of the text that nothing is put into, such as ``{name}``, or a lone brace."""
        try:
            fields = places_in(text)
        except ValueError as reason:
            raise self.fail(at, f"{reason}; expected {{{{ and }}}} for braces") from None
        for field in fields:
            if field not in known:
                listed = ", ".join(f"{{{place}}}" for place in known)
                raise self.fail(at, f"{{{plain(field)}}} stands for nothing; expected {listed or 'no place'}")


def places_in(text: str) -> list[str]:
    """What stands between braces in a text for `str.format`; ``ValueError`` where a brace stands alone."""
    parts = list(string.Formatter().parse(text))
    return [
        f"{name}{'!' + kind if kind else ''}{':' + how if how else ''}"
        for _, name, how, kind in parts if name is not None
    ]  # fmt: skip


def describe(value: Any) -> str:
    """A value in a message: its YAML type, and itself where it is short."""
    names = {dict: "a mapping", list: "a list", type(None): "nothing", str: "a text"}
    try:
        shown = repr(value)
    except RecursionError:
        shown = " " * 80
    name = names.get(type(value), type(value).__name__)
    return name if len(shown) > 40 or value is None else f"{name} {shown}"


def read_yaml(path: Path, error: type[UserMistake]) -> YamlFile:
    """Read one YAML document.

    Raises ``error`` for a file that is missing, not UTF-8, not YAML, over 16 MiB, that uses aliases
    (a few lines of them can unfold to gigabytes), has more than 250,000 values or nests them more than
    64 deep, that names a key twice, and for a whole number of more than 100 digits.
    """
    return parse_yaml(read_text(path, error, MAX_BYTES, "a settings file"), path, error)


def parse_yaml(text: str, path: Path, error: type[UserMistake]) -> YamlFile:
    """`read_yaml` for a text that is at hand; ``path`` is for messages."""
    try:
        refuse_bombs(text, path, error)
        node = LOADER(text).get_single_node()
        file = YamlFile(path, construct(node, path, error), dict(walk(node, ())), error)
        refuse_twins(node, (), file)
    except yaml.MarkedYAMLError as reason:
        if "nesting depth" in str(reason.problem):  # PyYAML from 6.0.4 counts; before, Python did
            raise error(f"{path}: {TOO_DEEP}") from None
        line = reason.problem_mark.line + 1 if reason.problem_mark else 1
        raise error(f"{path}:{line}: not YAML: {reason.problem}") from None
    except yaml.YAMLError as reason:
        raise error(f"{path}: not YAML: {str(reason).splitlines()[0]}") from None
    except RecursionError:
        raise error(f"{path}: {TOO_DEEP}") from None
    return file


def construct(node: yaml.Node | None, path: Path, error: type[UserMistake]) -> Any:
    """The document's data; ``error`` names the line of a value that cannot be what it looks like.

    So it does of a key that is a list or a mapping, which ``? !!str {=: a}`` makes pass for a text.
    """
    for key in keys(node):
        if not isinstance(key, yaml.ScalarNode):
            kind = "a list" if isinstance(key, yaml.SequenceNode) else "a mapping"
            raise error(f"{path}:{key.start_mark.line + 1}: {kind} as a key; expected a text")
    for scalar in scalars(node):
        try:
            number = scalar.tag.endswith(":int") and len(scalar.value) > MAX_DIGITS
            problem = f"a number of more than {MAX_DIGITS} digits" if number else ""
            if not problem:
                LOADER("").construct_document(scalar)
        except MISFITS as reason:
            why = f" ({plain(str(reason))})" if isinstance(reason, ValueError) else ""
            problem = f"{plain(scalar.value)!r} is no {scalar.tag.rpartition(':')[2]}{why}"
        if problem:
            raise error(f"{path}:{scalar.start_mark.line + 1}: {problem}")
    return None if node is None else LOADER("").construct_document(node)


def scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Every value of the document that is not plain text, keys included."""
    for found in nodes(node):
        if isinstance(found, yaml.ScalarNode) and not found.tag.endswith(
            (":str", ":null", ":merge", ":value")
        ):
            yield found


def keys(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Every key of the document."""
    return (key for found in nodes(node) if isinstance(found, yaml.MappingNode) for key, _ in found.value)


def nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Every value of the document in its order, keys included."""
    waiting = [] if node is None else [node]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, yaml.MappingNode):
            waiting += [part for pair in reversed(found.value) for part in reversed(pair)]
        elif isinstance(found, yaml.SequenceNode):
            waiting += reversed(found.value)


def refuse_bombs(text: str, path: Path, error: type[UserMistake]) -> None:
    """Raise for the first alias (``*name``), for too many values, and where they are nested too deeply."""
    values = entries = depth = 0
    for token in yaml.scan(text, Loader=LOADER):
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        values += isinstance(token, VALUES)
        entries += isinstance(token, yaml.BlockEntryToken)  # `-` alone is a value, too
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken):
            name = plain(token.value)
            raise error(f"{path}:{line}: aliases (*{name}) are not allowed; write the value out")
        if depth > MAX_DEPTH:
            raise error(f"{path}:{line}: {TOO_DEEP}")
        if max(values, entries) > MAX_VALUES:
            raise error(f"{path}:{line}: more than {MAX_VALUES:,} values; expected a settings file")


def walk(node: yaml.Node | None, at: Path_) -> Iterator[tuple[Path_, int]]:
    """Every path of the document with its line."""
    if node is None:
        return
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, key.value), key.start_mark.line + 1
            yield from (pair for pair in walk(value, (*at, key.value)) if pair[0] != (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from walk(value, (*at, index))


def refuse_twins(node: yaml.Node | None, at: Path_, file: YamlFile) -> None:
    """Raise for a key that stands twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise file.error(
                    f"{file.path}:{key.start_mark.line + 1}: key {plain(str(key.value))!r} stands twice"
                )
            seen.add(key.value)
            refuse_twins(value, (*at, key.value), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            refuse_twins(value, (*at, index), file)
