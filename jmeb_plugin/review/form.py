"""The sheet that people see, blind to the judges, and what they wrote in it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import Archive
from jmeb_plugin.errors import SheetError, closest, plain
from jmeb_plugin.judges import in_language, read_score
from jmeb_plugin.review.key import Key
from jmeb_plugin.review.picks import Pick
from jmeb_plugin.review.sheets import Filled, Sheet, filled
from jmeb_plugin.scores import HIGHEST, LOWEST
from jmeb_plugin.suite import Case

SHOWN = 20
"""How many bad cells one message lists."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the annotators wrote of one turn, in their order; ``None`` and empty where they wrote nothing."""

    pick: Pick
    scores: tuple[float | None, ...]
    comments: tuple[str, ...]


@functools.cache
def headings() -> Mapping[str, Mapping[str, str]]:
    """The words of the sheet, by language; the first one is for all languages that have none."""
    found: Mapping[str, Mapping[str, str]] = json.loads(
        Path(__file__).with_name("headings.json").read_text("utf-8")
    )
    return found


def words_for(language: str | None) -> Mapping[str, str]:
    """The words of a language, or the first there are."""
    return headings().get(language or "") or next(iter(headings().values()))


# -- the sheet that goes out ----------------------------------------------------------------------


def make_sheet(
    archive: Archive, key: Key, picks: Iterable[Pick], annotators: int, language: str | None
) -> Sheet:
    """The picks in the order of their row ids, which is no order at all.

    It holds the guideline, the conversation so far, the question and the answer; of judges, scores,
    model and strategy it says nothing. The second sheet is the rubric.
    """
    words = words_for(language)
    cases = {case.id: case for case in archive.cases}
    rows = sorted((key.row(pick), pick) for pick in picks)
    columns = [(words["row"], "narrow"), (words["guideline"], "narrow")]
    columns += [(words[name], "wide") for name in ("before", "question", "answer")]
    for number in range(1, annotators + 1):
        columns += [(words["score"].format(k=number), "score"), (words["comment"].format(k=number), "wide")]
    empty = ("",) * (2 * annotators)
    return Sheet(
        title=words["sheet"],
        columns=tuple(columns),
        rows=tuple((row, *shown(archive, cases[pick.case], pick.turn, words), *empty) for row, pick in rows),
        second=(words["rubric"], tuple(rubric_lines(archive, [cases[pick.case] for _, pick in rows], words))),
        cut=words["cut"],
    )


def shown(archive: Archive, case: Case, turn: int, words: Mapping[str, str]) -> tuple[str, ...]:
    """What is shown of a turn: guideline, conversation so far, question, answer."""
    guideline, language = case.suite.guidelines[case.conversation.guideline], case.conversation.language
    title, duty = in_language(guideline.titles, language), in_language(guideline.duty, language)
    turns = archive.records[case.id].transcript.turns
    before = "\n\n".join(
        f"[{words['user']}]\n{said.question}\n\n[{words['model']}]\n{said.answer}" for said in turns[:turn]
    )
    head = f"{guideline.id} {title}"
    return (
        f"{head}\n{duty}" if duty else head,
        before or words["first"],
        turns[turn].question,
        turns[turn].answer,
    )


def rubric_lines(archive: Archive, cases: Iterable[Case], words: Mapping[str, str]) -> Iterator[str]:
    """What to do, and each rubric that the judges of these conversations had."""
    yield words["lead"]
    for key in sorted({(case.suite.name, case.conversation.language) for case in cases}):
        yield ""
        yield from archive.rubrics[key].texts["system"].split("\n")


# -- what comes back ------------------------------------------------------------------------------


def read_opinions(sheets: Sequence[Filled], key: Key) -> list[Opinion]:
    """What was written, over all sheets. Raises `SheetError` with every cell that cannot be meant.

    A turn may stand in several sheets: each annotator's column counts where it is filled in.
    """
    scores: dict[tuple[str, int], tuple[float, str]] = {}
    comments: dict[tuple[str, int], str] = {}
    rows: dict[str, None] = {}
    wrong: list[str] = []
    for sheet in sheets:
        places = columns_of(sheet, key.annotators)
        seen: dict[str, int] = {}
        for number, cells in sheet.rows:
            row = str(cell(cells, places["row"]) or "").strip()
            where = f"{sheet.name}: row {number}"
            if row not in key.rows:
                wrong.append(
                    f"{where}, {sheet.headings[places['row']]}: {plain(row)!r} is no row of this run's sheets"
                )
                continue
            if row in seen:
                wrong.append(f"{where}: {row} is also row {seen[row]}; expected each row once")
            seen[row], rows[row] = number, None
            for annotator in range(key.annotators):
                wrong += take(sheet, number, cells, (row, annotator), places, scores)
                said = cell(cells, places.get(f"comment{annotator}"))
                if filled(said):
                    comments[row, annotator] = str(said).strip()
    if wrong:
        more = f"\n… and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise SheetError("\n".join(wrong[:SHOWN]) + more)
    if not scores:
        raise SheetError(
            f"{', '.join(sheet.name for sheet in sheets)}: no score in any row; nothing to import"
        )
    return [
        Opinion(
            key.rows[row],
            tuple(scores.get((row, k), (None,))[0] for k in range(key.annotators)),
            tuple(comments.get((row, k), "") for k in range(key.annotators)),
        )
        for row in sorted(rows)
    ]


def take(
    sheet: Filled, number: int, cells: Sequence[Any], who: tuple[str, int], places: Mapping[str, int],
    scores: dict[tuple[str, int], tuple[float, str]],
) -> Iterator[str]:  # fmt: skip
    """Take one annotator's score of a row into ``scores``; yields what is wrong with the cell."""
    place = places.get(f"score{who[1]}")
    given = cell(cells, place)
    if place is None or not filled(given):
        return
    where = f"{sheet.name}: row {number}, {sheet.headings[place]}"
    value = read_score(given.strip().replace(",", ".") if isinstance(given, str) else given)
    if value is None:
        said = plain(repr(given))
        yield f"{where}: {said} is no score; expected a number from {LOWEST:g} to {HIGHEST:g}, or nothing"
        return
    before, source = scores.setdefault(who, (value, where))
    if before != value:
        yield (
            f"{where}: {value:g} where {source} has {before:g}; expected one score, "
            f"each annotator's in their own column"
        )


def cell(cells: Sequence[Any], place: int | None) -> Any:
    """A cell; ``None`` where the row is shorter or has no such column."""
    return None if place is None or place >= len(cells) else cells[place]


def columns_of(sheet: Filled, annotators: int) -> dict[str, int]:
    """Where the row ids, scores and comments stand, by headings of any language.

    A sheet may lack the columns of some annotators. Raises `SheetError` without row ids or any scores.
    """
    known: dict[str, str] = {}
    for words in headings().values():
        known[folded(words["row"])] = "row"
        for number in range(annotators):
            for name in ("score", "comment"):
                known[folded(words[name].format(k=number + 1))] = f"{name}{number}"
    places: dict[str, int] = {}
    for place, heading in enumerate(sheet.headings):
        found = known.get(folded(heading))
        if found is not None and places.setdefault(found, place) != place:
            raise SheetError(f"{sheet.name}: two columns {plain(heading)!r}; expected one")
    for name, wanted in (("row", "row"), ("score", "score")):
        if not any(place.startswith(name) for place in places):
            shown = [words[wanted].format(k=1) for words in headings().values()]
            raise SheetError(
                f"{sheet.name}: row 1: no column {' or '.join(map(repr, shown))}"
                f"{closest(shown[0], filter(None, sheet.headings))}"
            )
    return places


def folded(heading: str) -> str:
    """A heading without what a spreadsheet or a hand may change in it."""
    return re.sub(r"[\s()（）~～-]", "", heading).lower()
