"""A YAML file whose every value knows its line, so that a message can name the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jmeb_plugin.errors import UserMistake, closest

Path_ = tuple[str | int, ...]
MAX_BYTES = 16 * 1024 * 1024
MAX_DIGITS = 100
TOO_DEEP = "nested too deeply; expected a settings file"
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What PyYAML lets through, beside its own errors, for a text like `!!int ""` or 2027-02-30.
MISFITS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)


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
        dotted = ".".join(str(part) for part in at)
        return self.error(f"{self.path}:{line}: {dotted + ': ' if dotted else ''}{problem}")

    def check_keys(self, at: Path_, value: Any, known: Mapping[str, Any] | set[str]) -> None:
        """Raise unless ``value`` is a mapping with known keys only."""
        if not isinstance(value, Mapping):
            raise self.fail(at, f"expected a mapping, found {describe(value)}")
        for key in value:
            if key not in known:
                raise self.fail((*at, key), f"unknown key {key!r}{closest(str(key), known)}")


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
    (a few lines of them can unfold to gigabytes), that names a key twice, and for a whole number of
    more than 100 digits.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise error(f"{path}: larger than {MAX_BYTES >> 20} MiB; expected a settings file")
        text = raw.decode("utf-8")
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None
    except UnicodeDecodeError as reason:
        raise error(f"{path}: not UTF-8 at byte {reason.start}") from None
    return parse_yaml(text, path, error)


def parse_yaml(text: str, path: Path, error: type[UserMistake]) -> YamlFile:
    """`read_yaml` for a text that is at hand; ``path`` is for messages."""
    try:
        refuse_aliases(text, path, error)
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
    """The document's data; ``error`` names the line of a value that cannot be what it looks like."""
    for scalar in scalars(node):
        try:
            number = scalar.tag.endswith(":int") and len(scalar.value) > MAX_DIGITS
            problem = f"a number of more than {MAX_DIGITS} digits" if number else ""
            if not problem:
                LOADER("").construct_document(scalar)
        except MISFITS as reason:
            why = f" ({reason})" if isinstance(reason, ValueError) else ""
            problem = f"{scalar.value!r} is no {scalar.tag.rpartition(':')[2]}{why}"
        if problem:
            raise error(f"{path}:{scalar.start_mark.line + 1}: {problem}")
    return None if node is None else LOADER("").construct_document(node)


def scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Every value of the document that is not plain text, keys included."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, yaml.ScalarNode):
            if not found.tag.endswith((":str", ":null", ":merge", ":value")):
                yield found
        elif isinstance(found, yaml.MappingNode):
            waiting += [part for pair in reversed(found.value) for part in reversed(pair)]
        elif isinstance(found, yaml.SequenceNode):
            waiting += reversed(found.value)


def refuse_aliases(text: str, path: Path, error: type[UserMistake]) -> None:
    """Raise for the first alias (``*name``)."""
    for token in yaml.scan(text, Loader=LOADER):
        if isinstance(token, yaml.AliasToken):
            raise error(
                f"{path}:{token.start_mark.line + 1}: aliases (*{token.value}) are not allowed; "
                f"write the value out"
            )


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
                raise file.error(f"{file.path}:{key.start_mark.line + 1}: key {key.value!r} stands twice")
            seen.add(key.value)
            refuse_twins(value, (*at, key.value), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            refuse_twins(value, (*at, index), file)
