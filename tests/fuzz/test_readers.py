"""The law of every reader: what it is for, or an error of ours in one message, whatever the input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.fuzz.mutations import FUZZ, as_json, as_lines, bytes_near, changed
from tests.fuzz.targets import TARGETS, hold

EACH = pytest.mark.parametrize("name", TARGETS)


@EACH
def test_the_valid_document_is_taken(name: str, tmp_path: Path) -> None:
    """What the others begin from is right, so that they test more than the first check."""
    TARGETS[name].beside(tmp_path)
    assert hold(TARGETS[name], tmp_path, TARGETS[name].seed) == ""


@EACH
def test_a_nearly_valid_document_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    """One to three things dropped, doubled, nested, renamed, or swapped for something of another kind."""
    target = TARGETS[name]
    target.beside(tmp_path)

    @FUZZ
    @given(changed(target.valid))
    def holds(data: Any) -> None:
        hold(target, tmp_path, target.write(data))

    holds()


@pytest.mark.parametrize(
    "name", [name for name, target in TARGETS.items() if target.write in (as_json, as_lines)]
)
def test_what_is_nested_as_deep_as_can_be_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    """In a value's place, around the depth at which Python's own readers and writers give up."""
    target = TARGETS[name]
    target.beside(tmp_path)
    text = target.seed.decode()
    values = [found.span(1) for found in re.finditer(r': ("[^"]*"|[0-9.]+|true|null)', text)]
    for place, depth in enumerate((70, 300, *range(930, 1000, 6), 5000)):
        start, end = values[place % len(values)]
        hold(target, tmp_path, f"{text[:start]}{'[' * depth}{']' * depth}{text[end:]}".encode())


@EACH
def test_bytes_are_taken_or_refused(name: str, tmp_path: Path) -> None:
    """The valid file cut, changed or doubled anywhere, and any bytes at all."""
    target = TARGETS[name]
    target.beside(tmp_path)

    @FUZZ
    @given(bytes_near(target.seed))
    def holds(raw: bytes) -> None:
        hold(target, tmp_path, raw)

    holds()
