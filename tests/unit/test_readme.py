"""The laws of what users read: README.md, its Japanese twin and docs/ agree with each other and with the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jmeb_plugin.cli import parser
from jmeb_plugin.table import OPTIONS

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "README.md"
JAPANESE = ROOT / "docs" / "README.ja.md"
REFERENCE = ROOT / "docs" / "reference.md"
PAGES = (ENGLISH, *sorted((ROOT / "docs").glob("*.md")))

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
COMMENT = re.compile(r"(?:^|[ \t]+)#[ \n].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """What a section holds in any language."""

    level: int
    blocks: tuple[tuple[str, str], ...]
    tables: tuple[tuple[int, ...], ...]
    links: frozenset[str]
    inline: frozenset[str]


def prose(page: Path) -> str:
    """The page's text without its fenced blocks."""
    return FENCED.sub("", page.read_text("utf-8"))


def titles(page: Path) -> list[str]:
    """The page's headings in their order."""
    return [title for _, title in HEADING.findall(prose(page))]


def sections(page: Path) -> list[Section]:
    """The page cut at its headings; the two pages' links to each other are left out."""
    masked = FENCED.sub(lambda block: "\x00" * len(block[0]), page.read_text("utf-8"))
    starts = [heading.start() for heading in HEADING.finditer(masked)]
    ends = [*starts[1:], len(masked)]
    return [
        section(page, page.read_text("utf-8")[start:end]) for start, end in zip(starts, ends, strict=True)
    ]


def section(page: Path, text: str) -> Section:
    """What the text of one section holds: commands without their comments, links from the root."""
    plain = FENCED.sub("", text)
    targets = {str((page.parent / link).resolve()) for link in LINK.findall(plain) if "://" not in link}
    return Section(
        level=len(text) - len(text.lstrip("#")),
        blocks=tuple((kind, code(kind, body)) for kind, body in FENCED.findall(text)),
        tables=tuple(shape(table) for table in TABLE.findall(plain)),
        links=frozenset(targets - {str(ENGLISH), str(JAPANESE)})
        | {u for u in LINK.findall(plain) if "://" in u},
        inline=frozenset(INLINE.findall(re.sub(r"\[[^\]]*\]\([^)]*\)", "", plain))),
    )


def code(kind: str, body: str) -> str:
    """What of a block must be the same in every language: nothing of sample output, no comments."""
    return re.sub(r"\n+", "\n", COMMENT.sub("", body)) if kind else ""


def shape(table: str) -> tuple[int, ...]:
    """How many cells each row of a table has."""
    return tuple(row.replace("\\|", "").count("|") - 1 for row in table.splitlines())


def test_the_japanese_readme_says_what_the_english_one_says() -> None:
    """Section by section: level, commands, tables' sizes, links, and what is set as code."""
    english, japanese = titles(ENGLISH), titles(JAPANESE)
    assert len(english) == len(japanese)
    for title, ours, theirs in zip(english, sections(ENGLISH), sections(JAPANESE), strict=True):
        assert ours == theirs, f"{title}: the other README differs"


def test_the_readmes_link_to_each_other() -> None:
    """The other language is one click away, above the fold."""
    assert "[docs/README.ja.md](docs/README.ja.md)" in ENGLISH.read_text("utf-8").splitlines()[2]
    assert "[README.md](../README.md)" in JAPANESE.read_text("utf-8").splitlines()[2]


def slug(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_every_relative_link_leads_somewhere() -> None:
    """A file of the repository, and a heading of it where the link names one."""
    astray = []
    for page in PAGES:
        for link in LINK.findall(prose(page)):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if "://" in link:
                continue
            if not target.exists() or (anchor and anchor not in map(slug, titles(target))):
                astray.append(f"{page.name}: {link}")
    assert not astray


def commands(page: Path) -> Iterator[str]:
    """Every ``jmeb …`` of the page's shell blocks and inline code, as it could be typed.

    Of what is written as a form, options in brackets are given, and of alternatives the first; what may be
    repeated stands there once.
    """
    shell = "\n".join(body for kind, body in FENCED.findall(page.read_text("utf-8")) if kind == "sh")
    lines = [COMMENT.sub("", line) for line in shell.replace("\\\n", " ").splitlines()]
    for written in (*lines, *INLINE.findall(prose(page).replace("\n", " "))):
        if written.startswith("jmeb "):
            given = re.sub(r"\[(--[^\]]+)\]", r"\1", written)
            yield re.sub(r"(\w)(?:\\?\|[\w.]+)+", r"\1", given).replace("…", "")


def refused(command: str) -> bool:
    """Whether the parser does not take the command; one that is only named must exist."""
    words = shlex.split(command)[1:]
    named = all(re.fullmatch(r"[a-z]+", word) for word in words)
    try:
        parser().parse_args([*words, "--help"] if named else words)
    except SystemExit as end:
        return bool(end.code)
    return False


def test_every_command_of_the_pages_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """`jmeb` takes every command that a page shows, placeholders and all."""
    shown = {page: list(commands(page)) for page in PAGES}
    assert len(shown[ENGLISH]) > 12
    assert len(shown[REFERENCE]) > 8
    bad = [f"{page.name}: {command}" for page in PAGES for command in shown[page] if refused(command)]
    assert not bad, capsys.readouterr().err


def test_every_option_named_exists() -> None:
    """No page names a ``--jmeb-…`` that pytest does not know."""
    known = {option.name for option in OPTIONS}
    for page in PAGES:
        assert set(re.findall(r"--jmeb-([a-z-]+)", page.read_text("utf-8"))) <= known, page.name


def test_every_option_stands_in_the_reference() -> None:
    """The reference has one row for each option."""
    rows = re.findall(r"^\| `--jmeb-([a-z-]+)", REFERENCE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(option.name for option in OPTIONS)
