"""Rows in, a suite's folder out: whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

import yaml

from jmeb_plugin.dataset.importing.catalogue import Catalogue
from jmeb_plugin.dataset.importing.dialogue import whole_number
from jmeb_plugin.dataset.importing.mapping import FieldMap, demand, guess
from jmeb_plugin.dataset.importing.sources import Row
from jmeb_plugin.errors import ImportRefused, SettingsError
from jmeb_plugin.figures import counted
from jmeb_plugin.suite import HALF, NAME, Suite, load_suite
from jmeb_plugin.user_file import MAX_LINE, own_file

LISTED = 20
"""Bad rows that are listed beyond those that may be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the new suite is called and made of."""

    name: str
    kind: str
    licence: str
    note: str
    skip: int = 0
    like: Suite | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: the suite in its place, and the rows that were left out."""

    suite: Suite
    skipped: Sequence[str]


def import_rows(
    rows: Iterable[Row], typed: Sequence[FieldMap], target: Path, plan: Plan, seen: Callable[[int], None]
) -> Imported:
    """Write a suite of the rows into ``target``; ``seen`` is told how many rows were read.

    Raises `SettingsError` where the target is not empty or nothing says where the fields are, and
    `ImportRefused` for more bad rows than the plan skips, or none good; then nothing is written.
    """
    if not NAME.fullmatch(plan.name):
        raise SettingsError(f"--name {plan.name}: expected letters, digits, '.', '-', '_'")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise SettingsError(f"--to {target}: not empty; expected a folder that is empty or not there yet")
    try:
        with put_in_place(target) as folder:
            with SuiteWriter(folder, plan) as writer:
                skipped = write_all(rows, typed, writer, seen)
            suite = load_suite(folder)
    except OSError as reason:
        raise SettingsError(f"--to {target}: cannot be written ({reason.strerror or reason})") from None
    return Imported(dataclasses.replace(suite, path=target), skipped)


@contextlib.contextmanager
def put_in_place(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place in the end, or is gone if anything went wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_all(
    rows: Iterable[Row], typed: Sequence[FieldMap], writer: SuiteWriter, seen: Callable[[int], None]
) -> list[str]:
    """Write every conversation of the rows; the bad rows are what comes back."""
    maps: Sequence[FieldMap] = ()
    bad: list[str] = []
    for number, row in enumerate(rows, 1):
        seen(number)
        try:
            maps = maps or complete(typed, sound(row))
            writer.write(sound(row), maps)
        except ImportRefused as problem:
            bad.append(f"{row.place}: {problem}")
            if len(bad) >= writer.plan.skip + LISTED:
                break
    if len(bad) > writer.plan.skip:
        raise ImportRefused(
            "\n".join([f"{counted(len(bad), 'bad row')}, {writer.plan.skip} allowed (--skip-bad):", *bad])
        )
    if not writer.places:
        raise ImportRefused("no conversation in the source; nothing was written")
    return bad


def sound(row: Row) -> Row:
    """The row; `ImportRefused` for one with a problem."""
    if row.problem:
        raise ImportRefused(row.problem)
    return row


def complete(typed: Sequence[FieldMap], row: Row) -> Sequence[FieldMap]:
    """The maps as they were typed; where none of them maps anything, over the preset that fits the row."""
    preset = None if any(one.map for one in typed) else guess(row.fields)
    maps = [one.over(preset) for one in typed] if preset else typed
    demand(maps, row.fields, row.place)
    return maps


class SuiteWriter:
    """The files of a suite while they are written; suite.yaml comes last."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.catalogue = Catalogue(plan.like)
        self.streams: dict[str, TextIO] = {}
        self.counted: Counter[tuple[str, str, str]] = Counter()
        self.places: dict[str, str] = {}
        self.canary = (
            f"canary GUID {uuid.uuid5(uuid.NAMESPACE_URL, f'{plan.name} {plan.note}')} - "
            f"benchmark data: do not train on this"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for stream in self.streams.values():
            stream.close()
        if kind is None:
            self.finish()

    def write(self, row: Row, maps: Sequence[FieldMap]) -> None:
        """Add the conversations that the maps find in the row: all, or with `ImportRefused` none."""
        lines: dict[str, tuple[str, str]] = {}
        cells: Counter[tuple[str, str, str]] = Counter()
        for one in maps:
            talk = self.conversation(row, one, cells)
            name, line = talk["id"], json.dumps(talk, ensure_ascii=False) + "\n"
            if HALF.search(line):
                raise ImportRefused("half of a surrogate pair (\\ud800); expected whole characters")
            if len(line.encode()) > MAX_LINE:
                raise ImportRefused(f"the conversation is longer than {MAX_LINE >> 20} MiB")
            if name in lines or name in self.places:
                first = self.places.get(name, "this row")
                raise ImportRefused(f"the id {name!r} stands twice, as in {first}")
            lines[name] = talk["language"], line
        self.places.update(dict.fromkeys(lines, row.place))
        self.counted.update(cells)
        for language, line in lines.values():
            self.stream(language).write(line)

    def conversation(
        self, row: Row, fields: FieldMap, cells: Counter[tuple[str, str, str]]
    ) -> dict[str, Any]:
        """The conversation that a map finds in the row; ``cells`` counts those found in it before."""
        turns, values = fields.turns(row.fields), fields.texts(row.fields)
        n = whole_number(values["n"]) if "n" in values else None
        language = self.catalogue.language(values["language"])
        guideline = self.catalogue.guideline(values["guideline"], language, values)
        strategy = self.catalogue.strategy(values["strategy"])
        cell = guideline, strategy, language
        n = self.counted[cell] + cells[cell] if n is None else n
        cells[cell] += 1
        named = " ".join(filter(None, [values.get("source"), values.get("id")]))
        return {
            "id": f"{guideline}/{strategy}/{language}/{n}", "guideline": guideline, "strategy": strategy,
            "language": language, "n": n, "seed": values.get("seed", ""), "turns": turns,
            "source": named or Path(row.place).name,
        }  # fmt: skip

    def stream(self, language: str) -> TextIO:
        """The file of a language, begun with the canary."""
        if language not in self.streams:
            path = self.folder / f"conversations.{language}.jsonl"
            self.streams[language] = path.open("w", encoding="utf-8")
            self.streams[language].write(json.dumps({"canary": self.canary}) + "\n")
        return self.streams[language]

    def finish(self) -> None:
        """Write suite.yaml, and take over the rubric and phrases of the suite that this one is like."""
        like, plan = self.plan.like, self.plan
        usual = "safety" if plan.kind == "harmful" else "over-refusal"
        head = {
            "name": plan.name, "version": "1", "licence": plan.licence, "canary": self.canary,
            "kind": plan.kind, "rubric": like.rubric if like else usual, "note": plan.note,
        }  # fmt: skip
        listed = self.catalogue.head()
        listed["languages"] = [language for language in listed["languages"] if language in self.streams]
        text = yaml.safe_dump({**head, **listed}, allow_unicode=True, sort_keys=False, width=1000)
        comment = "# Made by `jmeb suite import`; do not train on this.\n"
        self.folder.joinpath("suite.yaml").write_text(comment + text, encoding="utf-8")
        for path in own_files(like):
            shutil.copy(path, self.folder / path.name)


def own_files(like: Suite | None) -> Iterator[Path]:
    """The rubrics and lists of phrases that a suite has of its own."""
    for pattern in ("rubric.*.yaml", "refusals.*.txt"):
        for path in sorted(like.path.glob(pattern)) if like else ():
            own_file(path.parent, path.name, SettingsError)
            yield path
