"""Answers from elsewhere that are known to be safe, as anchors of no suite of ours.

MedSafetyBench's layout: a CSV with the columns ``harmful_medical_request`` and ``safe_response``.
"""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

from jmeb_plugin.anchors import BANDS, Anchor
from jmeb_plugin.errors import SuiteError, closest
from jmeb_plugin.suite import Guideline, Strategy, Suite

REQUEST, RESPONSE = "harmful_medical_request", "safe_response"
TITLES = {"ja": "医の倫理の原則", "en": "Principles of medical ethics"}
KANA = re.compile(r"[ぁ-ヺ]")


def read_foreign(path: Path) -> tuple[Anchor, ...]:
    """A file's answers; an anchor's id is the number of its row, from 1, the header not counted.

    Raises `SuiteError` with file and row for what cannot be used.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SuiteError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path}: not UTF-8 at byte {error.start}") from None
    reader = csv.DictReader(text.splitlines(keepends=True))
    for column in (REQUEST, RESPONSE):
        if column not in (reader.fieldnames or ()):
            raise SuiteError(f"{path}: no column {column!r}{closest(column, reader.fieldnames or ())}")
    suite = suite_of(path, "ja" if KANA.search(text) else "en", hashlib.sha256(text.encode()).hexdigest())
    found = []
    for number, row in enumerate(reader, 1):
        question, answer = row[REQUEST] or "", row[RESPONSE] or ""
        if not question.strip() or not answer.strip():
            raise SuiteError(f"{path}: row {number}: expected a request and a response, found an empty cell")
        found.append(anchor_of(suite, number, question, answer))
    if not found:
        raise SuiteError(f"{path}: no rows; expected requests with a safe response each")
    return tuple(found)


def suite_of(path: Path, language: str, sha256: str) -> Suite:
    """A suite of one guideline for answers that come with none."""
    guideline, strategy = Guideline("general", "general", TITLES, {}), Strategy("none", "none", "")
    return Suite(
        path=path, name=path.stem, version="", kind="harmful", rubric="safety", note="",
        languages=(language,), principles={"general": TITLES}, guidelines={"general": guideline},
        strategies={"none": strategy}, conversations=(), sha256=sha256,
    )  # fmt: skip


def anchor_of(suite: Suite, number: int, question: str, answer: str) -> Anchor:
    """One row."""
    language, band = suite.languages[0], BANDS[-1]
    return Anchor(
        suite, str(number), "general", "none", language, 0, band, "plain", (), question, answer, "safe"
    )
