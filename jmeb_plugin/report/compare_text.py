"""A comparison in the terminal and as Markdown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.figures import counted
from jmeb_plugin.report.as_markdown import plain
from jmeb_plugin.report.compare_tables import Table, tables

Found = Mapping[str, Any]


def headline(found: Found) -> str:
    """What is compared."""
    return f"{counted(len(found['models']), 'model')} of {counted(len(found['runs']), 'run')}"


def warnings(found: Found) -> list[str]:
    """That comparing was forced, and what differs."""
    return [f"FORCED: {what}; these figures do not compare like with like" for what in found["forced"]]


def terminal_lines(found: Found, *, paper: bool) -> Iterator[str]:
    """The tables for a terminal."""
    yield headline(found)
    yield from warnings(found)
    for table in tables(found, paper=paper):
        yield ""
        yield table.title
        yield from aligned(table)
        yield from (f"  {note}" for note in table.notes)
    yield ""
    yield from found["remarks"]
    if paper:
        yield published.SOURCE


def aligned(table: Table) -> Iterator[str]:
    """A table's lines, names to the left and figures to the right."""
    widths = [
        max(map(width, column)) for column in zip(table.head, *table.rows, *table.reference, strict=True)
    ]
    for row in (table.head, *table.rows):
        yield f"  {spaced(row, widths, table.names)}".rstrip()
    if table.reference:
        yield f"  ({published.LABEL})"
        yield from (f"  {spaced(row, widths, table.names)}".rstrip() for row in table.reference)


def spaced(row: Sequence[str], widths: Sequence[int], names: int) -> str:
    """The cells of a row, each as wide as its column."""
    cells = []
    for place, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        gap = " " * (wide - width(cell))
        cells.append(f"{cell}{gap}" if place < names else f"{gap}{cell}")
    return "   ".join(cells)


def width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def markdown_text(found: Found, *, paper: bool) -> str:
    """The tables as Markdown."""
    return "\n".join(markdown_lines(found, paper=paper)) + "\n"


def markdown_lines(found: Found, *, paper: bool) -> Iterator[str]:
    """The lines of `markdown_text`."""
    yield f"# {plain(headline(found))}"
    yield from (f"\n**{plain(warning)}**" for warning in warnings(found))
    for table in tables(found, paper=paper):
        yield f"\n## {plain(table.title)}\n"
        yield bar(table.head)
        yield bar(["---" if place < table.names else "--:" for place in range(len(table.head))])
        yield from map(bar, table.rows)
        if table.reference:
            yield bar([f"*{published.LABEL}*", *[""] * (len(table.head) - 1)], escaped=False)
            yield from map(bar, table.reference)
        yield from (f"\n{plain(note)}" for note in table.notes)
    yield ""
    yield from (f"- {plain(remark)}" for remark in found["remarks"])
    if paper:
        yield f"- {published.SOURCE}"


def bar(cells: Sequence[str], *, escaped: bool = True) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(plain(cell) if escaped else cell for cell in cells)} |"
