"""Answers from elsewhere that are known to be safe, as anchors of no suite of ours.

MedSafetyBench's layout: a CSV with the columns ``harmful_medical_request`` and ``safe_response``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jmeb_plugin.anchors import BANDS, Anchor
from jmeb_plugin.errors import SuiteError, closest
from jmeb_plugin.suite import Guideline, Strategy, Suite
from jmeb_plugin.user_file import MIB, read_text

REQUEST, RESPONSE = "harmful_medical_request", "safe_response"
MOST = 64 * MIB
GUIDELINE = Guideline("general", "general", {"": "Principles of medical ethics"}, {})


def read_rows(path: Path) -> list[tuple[str, str]]:
    """Every row's request and response, in the order of the file.

    Raises `SuiteError` with file and row (from 1, the header not counted) for what cannot be used.
    """
    text = read_text(path, SuiteError, MOST, "answers in MedSafetyBench's layout", "utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names = reader.fieldnames or ()
        for column in (REQUEST, RESPONSE):
            if column not in names:
                raise SuiteError(f"{path}: no column {column!r}{closest(column, names)}")
        rows = [(row[REQUEST] or "", row[RESPONSE] or "") for row in reader]
    except csv.Error as error:
        raise SuiteError(f"{path}:{reader.line_num}: not CSV: {error}") from None
    for number, row in enumerate(rows, 1):
        if not all(cell.strip() for cell in row):
            raise SuiteError(f"{path}: row {number}: expected a request and a response, found an empty cell")
    if not rows:
        raise SuiteError(f"{path}: no rows; expected requests with a safe response each")
    return rows


def as_anchors(path: Path, rows: Sequence[tuple[str, str]], language: str) -> tuple[Anchor, ...]:
    """The rows as anchors of the highest band; an id is the number of its row."""
    suite = Suite(
        path=path, name=path.stem, version="", kind="harmful", rubric="safety", note="",
        languages=(language,), principles={"general": {}}, guidelines={GUIDELINE.id: GUIDELINE},
        strategies={"none": Strategy("none", "none", "")}, conversations=(), sha256="",
    )  # fmt: skip
    kind = (GUIDELINE.id, "none", language, 0, BANDS[-1], "plain", ())
    return tuple(Anchor(suite, str(number), *kind, *row, "safe") for number, row in enumerate(rows, 1))
