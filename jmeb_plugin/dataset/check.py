"""Check a suite's text: what is wrong in it, and how alike its conversations are.

Structure is `jmeb_plugin.suite.load_suite`'s business, and its error the only finding. Script of
the language and leftovers are errors with file and line; lengths, missing pairs and what stands
there too often are warnings; coverage and likeness are figures, always given.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jmeb_plugin.dataset.likeness import likeness
from jmeb_plugin.dataset.repetition import repeated_openings, repeated_sentences, repeated_titles
from jmeb_plugin.dataset.scripts import Writing, writing_of
from jmeb_plugin.errors import SuiteError, counted
from jmeb_plugin.suite import Conversation, Suite, load_suite
from jmeb_plugin.user_file import read_lines
from jmeb_plugin.yaml_file import describe, read_yaml

SHOWN = 50
"""Findings of one kind that are shown; the rest is counted."""

Talks = Mapping[str, Sequence[Conversation]]


@dataclass(frozen=True)
class CheckReport:
    """What a check found: ``errors`` to mend, ``warnings`` to look at, ``figures`` to know."""

    errors: Sequence[str]
    warnings: Sequence[str]
    figures: Sequence[str]

    def lines(self) -> Iterator[str]:
        """The report, worst first."""
        yield from (f"error: {line}" for line in self.errors)
        yield from (f"warning: {line}" for line in self.warnings)
        yield from self.figures
        yield f"{counted(len(self.errors), 'error')}, {counted(len(self.warnings), 'warning')}"


def check_suite(folder: Path) -> CheckReport:
    """Check the suite in this folder."""
    try:
        return report_on(load_suite(folder))
    except SuiteError as error:
        return CheckReport([str(error)], [], [])


def report_on(suite: Suite) -> CheckReport:
    """Check a suite that loads; `SuiteError` for lengths that suite.yaml cannot mean."""
    lengths = read_lengths(suite.path)
    talks = {
        language: [talk for talk in suite.conversations if talk.language == language]
        for language in suite.languages
    }
    writings = {
        language: writing_of(language, [turn for talk in own for turn in talk.turns], lengths.get(language))
        for language, own in talks.items()
    }
    lines = numbered(suite)
    alike = [likeness(talks[language], writing) for language, writing in writings.items()]
    errors = [
        f"{lines[talk.id]}: turn {index}: {problem}"
        for talk, index, turn in turns_of(suite)
        for problem in writings[talk.language].text_problems(turn)
    ]
    unusual = [
        f"{lines[talk.id]}: turn {index}: {problem}"
        for talk, index, turn in turns_of(suite)
        for problem in writings[talk.language].length_problems(turn)
    ]
    warnings = [
        *some(unusual, "turns of an unusual length"),
        *missing_pairs(suite),
        *(warning for one in alike for warning in one.warnings()),
        *repetitions(suite, talks, writings),
    ]
    facts = [*figures(suite, talks, writings), *(one.figure for one in alike)]
    return CheckReport(list(some(errors, "turns with an error")), warnings, facts)


def read_lengths(folder: Path) -> dict[str, tuple[int, int]]:
    """The least and most words or characters of a turn that suite.yaml sets for a language."""
    file = read_yaml(folder / "suite.yaml", SuiteError)
    given = file.data.get("lengths") or {}
    file.check_keys(("lengths",), given, set(file.data["languages"]))
    for language, pair in given.items():
        whole = isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)
        if not whole or not 0 < pair[0] <= pair[1]:
            raise file.fail(("lengths", language), f"expected [least, most], found {describe(pair)}")
    return {language: (least, most) for language, (least, most) in given.items()}


def numbered(suite: Suite) -> dict[str, str]:
    """The file and line of each conversation."""
    found = {}
    for language in suite.languages:
        path = suite.path / f"conversations.{language}.jsonl"
        for number, line in read_lines(path, SuiteError):
            found[json.loads(line)["id"]] = f"{path}:{number}"
    return found


def turns_of(suite: Suite) -> Iterator[tuple[Conversation, int, str]]:
    """Every turn with its conversation and place."""
    return ((talk, index, turn) for talk in suite.conversations for index, turn in enumerate(talk.turns))


def some(problems: Iterable[str], what: str) -> Iterator[str]:
    """The first of the problems, and how many more there are."""
    waiting = iter(problems)
    yield from itertools.islice(waiting, SHOWN)
    if more := sum(1 for _ in waiting):
        yield f"and {more} more {what}"


def missing_pairs(suite: Suite) -> Iterator[str]:
    """Conversations that are not there in every language."""
    languages: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for talk in suite.conversations:
        languages[talk.guideline, talk.strategy, talk.n].add(talk.language)
    lonely = [key for key, found in languages.items() if found != set(suite.languages)]
    if lonely:
        guideline, strategy, n = lonely[0]
        count = counted(len(lonely), "conversation")
        yield f"{count} not in every language, the first {guideline}/{strategy}/{n}"


def repetitions(suite: Suite, talks: Talks, writings: Mapping[str, Writing]) -> Iterator[str]:
    """What stands too often: openings, sentences, and the titles of what a harmful suite asks for."""
    for language, writing in writings.items():
        yield from some(repeated_openings(talks[language], writing), "openings")
    for language, writing in writings.items():
        yield from some(repeated_sentences(talks[language], writing), "sentences that stand too often")
    if suite.kind == "harmful":
        for language in writings:
            yield from some(repeated_titles(talks[language]), "titles that stand twice")


def figures(suite: Suite, talks: Talks, writings: Mapping[str, Writing]) -> Iterator[str]:
    """Coverage and sizes."""
    covered = {(talk.guideline, talk.strategy, talk.language) for talk in suite.conversations}
    possible = len(suite.guidelines) * len(suite.strategies) * len(suite.languages)
    yield f"suite {suite.name} {suite.version} ({suite.kind}), sha256 {suite.sha256}"
    cells = f"{len(covered)} of {counted(possible, 'cell')} (guideline x strategy x language)"
    yield f"{counted(len(suite.conversations), 'conversation')} in {cells}"
    for language, writing in writings.items():
        sizes = sorted(writing.size(turn) for talk in talks[language] for turn in talk.turns)
        if sizes:
            spread = f"turns of {sizes[0]} to {sizes[-1]} {writing.unit}, median {sizes[len(sizes) // 2]}"
            yield f"{language}: {counted(len(talks[language]), 'conversation')}, {spread}"
