"""How a phrase table is written down, and which tables there are."""

from __future__ import annotations

from functools import cache
from importlib import import_module

Table = dict[str, tuple[str, ...]]


def parse(text: str, joint: str) -> Table:
    """The moves of a table: ``[name]`` heads a move, ``- `` a phrase, other lines continue one.

    ``joint`` goes between the lines of a phrase: a blank in English, nothing in Japanese.
    """
    table: dict[str, list[list[str]]] = {}
    phrases: list[list[str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            phrases = table.setdefault(line.strip("[]"), [])
        elif line.startswith("- "):
            phrases.append([line[2:]])
        else:
            phrases[-1].append(line)
    return {name: tuple(joint.join(lines) for lines in entries) for name, entries in table.items()}


@cache
def table(language: str) -> Table:
    """The moves of ``ja`` or ``en``, read when first needed."""
    module = import_module(f"jmeb_plugin.demo.phrases_{language}")
    return parse(module.TEXT, "" if language == "ja" else " ")
