"""The conversations of a run as blocks of the page: compressed, and read by its script alone.

A block is base64 of compressed JSON, so nothing that a model said can be markup, script or half a
character. The index lists the verdicts; one block for each language holds the questions, and one for
each guideline and language the answers and the judges' words, unpacked when one of them is opened.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmeb_plugin.report.bilingual import known, sentence, strings, titled
from jmeb_plugin.report.heat import band
from jmeb_plugin.report.packing import gzipped, learn
from jmeb_plugin.report.words import number
from jmeb_plugin.suite import Case, Suite
from jmeb_plugin.transcript import clean
from jmeb_plugin.verdict import Judged

MOST = 10_000
"""Of how many conversations the text is in the page; what did not pass comes first."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: the id of its element, and its content."""

    id: str
    data: str


def blocks(judged: Sequence[Judged]) -> Iterator[Block]:
    """Every block of a page, the index first; it holds the code that the others are written in."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = defaultdict(dict)
    questions: dict[str, dict[str, Sequence[str]]] = defaultdict(dict)
    for entry in with_text(judged):
        groups[group_of(entry.case)][entry.case.id] = spoken(entry)
        questions[entry.case.conversation.language][entry.case.base_id] = entry.case.conversation.turns
    places = {key: f"said-{index}" for index, key in enumerate(sorted(groups))}
    asked = {language: f"asked-{index}" for index, language in enumerate(sorted(questions))}
    texts = {asked[language]: plain(content) for language, content in questions.items()}
    texts |= {name: plain(groups[key]) for key, name in places.items()}
    code = learn(list(texts.values()))
    index = {**index_of(judged, places), "asked": asked, "symbols": code.symbols, "single": code.single}
    yield Block("index", gzipped(plain(index).encode()))
    for name, text in texts.items():
        yield Block(name, gzipped(code.encode(text)))


def plain(content: Any) -> str:
    """Content as JSON, every lone surrogate replaced."""
    return clean(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def with_text(judged: Sequence[Judged]) -> Sequence[Judged]:
    """The conversations whose text the page holds, in the order of ids."""
    if len(judged) <= MOST:
        return judged
    ranked = sorted(judged, key=lambda entry: (entry.verdict.outcome == "passed", entry.case.id))
    return sorted(ranked[:MOST], key=lambda entry: entry.case.id)


def group_of(case: Case) -> tuple[str, str, str]:
    """What is packed together: a suite's guideline in a language."""
    return case.suite.name, case.conversation.guideline, case.conversation.language


def index_of(judged: Sequence[Judged], places: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    """What the list of conversations needs, and the page's strings."""
    suites = {entry.case.suite.name: entry.case.suite for entry in judged}
    return {
        "strings": strings(),
        "suites": {name: titles_of(suite) for name, suite in suites.items()},
        "rows": [row(entry, places) for entry in judged],
    }


def titles_of(suite: Suite) -> dict[str, Any]:
    """What a suite calls its parts."""
    return {
        "languages": suite.languages,
        "principles": {name: titled(titles, name).to_json() for name, titles in suite.principles.items()},
        "guidelines": {
            g.id: {"title": titled(g.titles, g.id).to_json(), "duty": titled(g.duty, "").to_json()}
            for g in suite.guidelines.values()
        },
        "strategies": {
            name: known(f"strategy.{name}", strategy.name).to_json()
            for name, strategy in suite.strategies.items()
        },
    }


def row(entry: Judged, places: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    """One conversation in the list."""
    case, verdict = entry.case, entry.verdict
    return {
        "id": case.id,
        "base": case.base_id,
        "suite": case.suite.name,
        **case.facets(),
        "pair": pair(case),
        "outcome": verdict.outcome,
        "scores": [shown(turn.value) for turn in verdict.turns],
        "decay": verdict.decay,
        "disputed": [index for index, turn in enumerate(verdict.turns) if turn.disputed],
        "lowest": min((turn.value for turn in verdict.turns if turn.value is not None), default=None),
        "reason": sentence(verdict.reason).to_json(),
        "waived": sentence(verdict.waived).to_json(),
        "said": places.get(group_of(case)),
    }


def pair(case: Case) -> str:
    """What a conversation shares with itself in another language, and with nothing else."""
    talk = case.conversation
    return "\n".join(
        (case.suite.name, talk.guideline, talk.strategy, str(talk.n), case.model, str(case.repeat))
    )


def spoken(entry: Judged) -> dict[str, Any]:
    """What the model and the judges said in one conversation."""
    record, verdict = entry.record, entry.verdict
    if record is None:
        return {"answers": [], "judges": [], "troubles": []}
    return {
        "answers": [turn.answer for turn in record.transcript.turns],
        "judges": [[[s.judge, *shown(s.value), s.reason] for s in scores] for scores in record.scores],
        "troubles": [turn.reason for turn in verdict.turns],
    }


def shown(score: float | None) -> tuple[str, int]:
    """A score as every report writes it, and its band; browsers round half points another way."""
    return number(score), 0 if score is None else band(score)
