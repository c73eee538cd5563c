"""A JSON file read value by value, so that its size does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from jmeb_plugin.errors import ImportRefused

CHUNK = 1 << 20
MOST = 16 << 20
"""Characters that one value may have."""


class JsonText:
    """The text of a file from a position on; more of it is read as values need it."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self.path = path
        self.stream = stream
        self.text = ""
        self.at = 0
        self.ended = False
        self.rows = 0

    @property
    def place(self) -> str:
        """The file, and the row that is being read."""
        return f"{self.path}:{self.rows + 1}"

    def more(self) -> None:
        """Read on: as much again as is waiting, so that a long value is not tried too often."""
        try:
            added = self.stream.read(max(CHUNK, len(self.text) - self.at))
        except UnicodeDecodeError:
            raise ImportRefused(f"{self.path}: not UTF-8; expected JSON in UTF-8") from None
        self.text, self.at, self.ended = self.text[self.at :] + added, 0, not added

    def peek(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            while self.at < len(self.text):
                if not self.text[self.at].isspace():
                    return self.text[self.at]
                self.at += 1
            if self.ended:
                return ""
            self.more()

    def take(self, *signs: str) -> str:
        """The next sign, which must be one of these."""
        found = self.peek()
        if found not in signs:
            expected = " or ".join(repr(sign) for sign in signs)
            raise ImportRefused(f"{self.place}: not JSON: expected {expected}, found {found or 'the end'!r}")
        self.at += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:
                    self.at = end
                    return value
            except RecursionError:
                raise ImportRefused(f"{self.place}: nested too deeply; expected rows") from None
            except ValueError as reason:
                if self.ended:
                    raise ImportRefused(f"{self.place}: not JSON: {reason}") from None
            if len(self.text) - self.at > MOST:
                raise ImportRefused(f"{self.place}: no JSON value within {MOST >> 20} MiB; expected rows")
            self.more()

    def items(self) -> Iterator[Any]:
        """The values of the array that comes next."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            self.rows += 1
            if self.take(",", "]") == "]":
                return


def read_json(path: Path) -> Iterator[tuple[str, Any]]:
    """Every item of the file's array; of an object, those of each array in it, with the array's name.

    Raises `ImportRefused` for what is no JSON and for another value at the top.
    """
    with path.open(encoding="utf-8-sig") as stream:
        text = JsonText(path, stream)
        first = text.peek()
        if first == "[":
            yield from (("", item) for item in text.items())
        elif first == "{":
            yield from members(text)
        else:
            raise ImportRefused(f"{path}: expected an array of rows, or an object of arrays")
        if text.peek():
            raise ImportRefused(f"{path}: more text after the JSON value; is it JSON Lines (.jsonl)?")


def members(text: JsonText) -> Iterator[tuple[str, Any]]:
    """The items of every array in the object that comes next; what else it holds is passed over."""
    text.take("{")
    arrays = 0
    while text.take("}", '"') == '"':
        text.at -= 1
        name = text.value()
        text.take(":")
        if text.peek() == "[":
            arrays += 1
            yield from ((name, item) for item in text.items())
        else:
            text.value()
        if text.peek() == ",":
            text.take(",")
    if not arrays:
        raise ImportRefused(f"{text.path}: no array in the object; expected an array of rows")
