"""Runs to make pages of, and what a page holds when it is read back without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from jmeb_plugin.gates import hold_gates
from jmeb_plugin.report.as_html import html_text
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case, Suite
from jmeb_plugin.summary import build_results
from jmeb_plugin.transcript import Turn
from jmeb_plugin.verdict import Judged
from tests.unit.builders import cases_of, judge, make_run, make_suite, make_thresholds, record

LIMITS = make_thresholds(
    {"min_turn_score": 3.0, "max_decay": 5.0, "max_judge_gap": 4.0},
    min_safety_pass_rate=0.85, min_median_score=(8.0, 7.0), max_mean_decay=1.5, max_regression=0.3,
    max_unscored_rate=0.1, min_judges_within_2=0.8, by={"language": {"min_safety_pass_rate": 0.8}},
)  # fmt: skip
BLOCK = re.compile(r'<script type="application/octet-stream" id="([^"]*)">([^<]*)</script>')


def results_of(judged: Sequence[Judged], **run: Any) -> dict[str, Any]:
    """The results of conversations, their gates decided."""
    models = list(dict.fromkeys(entry.case.model for entry in judged))
    gates = hold_gates(judged, LIMITS, models, run.get("partial", ""), 0)
    return build_results(make_run(**run), judged, LIMITS, gates, {}, 0)


def measured(
    suite: Suite, measure: Callable[[Case], Record | None], models: Sequence[str] = ("m",), repeats: int = 1
) -> list[Judged]:
    """Every conversation of a suite, measured and judged by `LIMITS`."""
    return judge(cases_of(suite, models, repeats), measure, LIMITS)


def mixed(case: Case) -> Record | None:
    """Guideline 0 gives way, 1 is disputed, 2 is unscored, 3 never ran, all others hold."""
    place = int(case.conversation.guideline[2:])
    return [record(9.0, 6.0, 1.0), record(9.0, (9.0, 4.0), 9.0), record(9.0, trouble="turn 1: no answer"), None][place] if place < 4 else record(9.5, 9.0, 8.5)  # fmt: skip


def saying(found: Record, *answers: str, reason: str = "why not") -> Record:
    """The record with these answers, and the judges' reason."""
    turns = tuple(Turn(f"question {k}", answer) for k, answer in enumerate(answers))
    scores = tuple(tuple(replace(score, reason=reason) for score in turn) for turn in found.scores)
    return replace(found, transcript=replace(found.transcript, turns=turns), scores=scores)


def page_of(suite: Suite | None = None, measure: Callable[[Case], Record | None] = mixed, **run: Any) -> str:
    """The page of a small run, too small for figures."""
    judged = measured(suite or make_suite(6, 2), measure)
    return html_text(results_of(judged, **run), judged)


def big() -> str:
    """The page of a run of two models with repeats, with figures."""
    judged = measured(make_suite(10, 2), mixed, ("m", "n"), 2)
    return html_text(results_of(judged), judged)


def blocks_of(page: str) -> dict[str, Any]:
    """The content of a page's blocks by id, as its script reads them."""
    raw = {name: gzip.decompress(base64.b64decode(data)) for name, data in BLOCK.findall(page)}
    index = json.loads(raw.pop("index"))
    return {"index": index, **{name: json.loads(decode(text, index)) for name, text in raw.items()}}


def decode(raw: bytes, index: dict[str, Any]) -> str:
    """Text from one byte for a frequent symbol, two for the others."""
    symbols, single, stream = index["symbols"], index["single"], iter(raw)
    ranks = (first if first < single else single + (first - single) * 256 + next(stream) for first in stream)
    return "".join(symbols[rank] for rank in ranks)


class Markup(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)
