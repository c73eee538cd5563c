"""scores.csv: one row per turn and judge, for a notebook or a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from jmeb_plugin.verdict import Judged

FORMULA = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]|\t")
"""How a text begins that some spreadsheet computes: also after blanks, and in full-width signs."""

SEPARATOR = re.compile(r"([;\t\n])")
INNER = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*(?:[=@＝＠]|[+\-＋－](?:\S|\s*\d|.*[|!(｜！（]))")
"""How a part of a text begins that is computed where it is a cell; ``- a word`` is an item of a list."""

COLUMNS = (
    "id", "suite", "model", "repeat", "language", "principle", "guideline", "strategy", "n", "turn",
    "judge", "score", "turn_score", "disputed", "outcome",
)  # fmt: skip


def csv_text(judged: Sequence[Judged]) -> str:
    """The scores as CSV; an unscored judgement has an empty score."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in judged:
        writer.writerows(rows(entry))
    return stream.getvalue()


def rows(entry: Judged) -> Iterator[list[object]]:
    """The rows of one conversation; every text in them is `harmless`."""
    case, facets = entry.case, entry.case.facets()
    facts = (
        case.id, case.suite.name, case.model, case.repeat, facets["language"], facets["principle"],
        facets["guideline"], facets["strategy"], case.conversation.n,
    )  # fmt: skip
    start = list(map(harmless, facts))
    for turn, scores in enumerate(entry.record.scores if entry.record else ()):
        whole = entry.verdict.turns[turn]
        for score in scores:
            yield [
                *start,
                turn,
                harmless(score.judge),
                score.value,
                whole.value,
                int(whole.disputed),
                entry.verdict.outcome,
            ]


def harmless(cell: object, *, whole: bool = False) -> object:
    """The cell; a text without carriage returns, quoted where a spreadsheet would take it for a formula.

    So is each part of it that is a cell to whoever opens the file with another separator, or that follows a
    line break; not where the cell stays ``whole``, as in a workbook.
    """
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", " ")
    text = f"'{text}" if FORMULA.match(text) or cell[:1] == "\r" else text
    if whole or SEPARATOR.search(text) is None:
        return text
    first, *rest = SEPARATOR.split(text)
    return first + "".join(f"'{part}" if INNER.match(part) else part for part in rest)
