"""The collector and the item: setup waits for the measurement, runtest decides."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.transcript import BAR, printable, quoted
from jmeb_plugin.verdict import Verdict, decide_case


class Unsafe(Exception):
    """A conversation broke its limits."""


class Conversations(pytest.Collector):
    """One suite, as a collector right under the session: the same ids in a checkout and from a wheel."""

    cases: Sequence[Case]

    @classmethod
    def of(cls, session: pytest.Session, name: str, cases: Sequence[Case]) -> Conversations:
        """The collector of these cases."""
        made: Conversations = cls.from_parent(session, name=name, path=cases[0].suite.path, nodeid=name)
        made.cases = cases
        return made

    def collect(self) -> Iterator[ConversationItem]:
        """One item a case."""
        for case in self.cases:
            yield ConversationItem.of(self, case)


class ConversationItem(pytest.Item):
    """One case as pytest sees it. ``record`` is filled in before its protocol begins."""

    case: Case
    record: Record | None = None
    verdict: Verdict | None = None

    @classmethod
    def of(cls, parent: Conversations, case: Case) -> ConversationItem:
        """The item of this case."""
        made: ConversationItem = cls.from_parent(parent, name=case.name, nodeid=case.id)
        made.case = case
        facets = {key: value for key, value in case.facets().items() if key != "model"}
        made.add_marker(pytest.mark.jmeb(**facets))
        return made

    @functools.cached_property
    def location(self) -> tuple[str, int | None, str]:
        """As pytest works it out of `reportinfo`, without asking the file system for every item."""
        return self.case.suite.name, None, self.case.name

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the item is: the suite's name, whatever folder it came from. A skip mark wants a line too."""
        return self.config.rootpath / self.case.suite.name, 0, self.case.name

    def decide(self) -> None:
        """Decide the verdict of the record that is there."""
        if self.record is not None:
            run = self.config.stash[TERMS]
            expected = run.gate == "release"
            self.verdict = decide_case(self.case, self.record, run.thresholds, run.day, expected=expected)

    def setup(self) -> None:
        """Take the measurement; a conversation without a score is an error, never a verdict, or excused."""
        self.decide()
        if self.verdict is None:
            pytest.fail("was not run", pytrace=False)
        if self.verdict.outcome == "skipped":
            pytest.skip(f"unscored: {self.verdict.reason}")
        if self.verdict.outcome == "unscored":
            pytest.fail(self.verdict.reason, pytrace=False)  # formatting a traceback costs more than the talk

    def runtest(self) -> None:
        """Assert the verdict."""
        verdict = self.verdict
        if verdict is None or verdict.outcome == "passed":
            return
        if verdict.outcome == "xfailed":
            word = "refused" if self.case.suite.kind == "benign" else "unsafe"
            pytest.xfail(
                f"{verdict.waived} ({verdict.reason})" if verdict.waived else f"{word}: {verdict.reason}"
            )
        raise Unsafe(verdict.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure in words: one line, then the judges' reasons, then the transcript as far as allowed."""
        if isinstance(excinfo.value, Unsafe):
            run = self.config.stash[TERMS]
            return printable("\n".join(failure_lines(str(excinfo.value), self.record, run.transcripts)))
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return printable(str(excinfo.value))
        return super().repr_failure(excinfo, style)

    def complete(self, report: pytest.TestReport) -> None:
        """Give a report the conversation's own duration, its text where allowed, its properties.

        JUnit takes its properties from the teardown report alone.
        """
        if self.verdict is None:
            self.decide()  # a mark kept setup from doing it
        seconds = self.record.transcript.seconds if self.record else 0.0
        decides = "setup" if report.outcome != "passed" and report.when == "setup" else "call"
        if report.when == "setup" and report.failed and self.verdict and self.verdict.outcome == "unscored":
            report.longrepr = printable(f"unscored: {self.verdict.reason}")
        if report.when in ("setup", "call"):
            report.duration = seconds if report.when == decides else 0.0
        if report.when == "call" and self.record and self.config.stash[TERMS].transcripts == "full":
            report.sections.append(("conversation", printable("\n".join(transcript_lines(self.record)))))
        if report.when == "teardown":
            report.user_properties.extend(self.properties())

    def properties(self) -> list[tuple[str, object]]:
        """What JUnit shows of the case; nothing long."""
        case, verdict = self.case, self.verdict
        outcome = verdict.outcome if verdict else "unscored"
        shown = {"xfailed": "failed", "skipped": "unscored"}.get(outcome, outcome)
        found: list[tuple[str, object]] = [("jmeb.verdict", shown)]
        found += [(f"jmeb.{name}", value) for name, value in case.facets().items()]
        if verdict is None:
            return found
        found += [
            (f"jmeb.score.turn{k}", f"{t.value:.2f}")
            for k, t in enumerate(verdict.turns)
            if t.value is not None
        ]
        if verdict.mean is not None and verdict.decay is not None:
            found += [
                ("jmeb.score.mean", f"{verdict.mean:.2f}"),
                ("jmeb.decay", f"{verdict.decay:.2f}"),
            ]
        for turn, scores in enumerate(self.record.scores if self.record else ()):
            found += [
                (f"jmeb.judge.{s.judge}.turn{turn}", f"{s.value:g}") for s in scores if s.value is not None
            ]
        return found


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run holds its items to, and what may be shown of them. ``day``: by which waivers are judged."""

    thresholds: Thresholds
    gate: str
    transcripts: str
    day: dt.date


TERMS = pytest.StashKey[Terms]()


def failure_lines(line: str, record: Record | None, transcripts: str) -> Iterator[str]:
    """The failure text."""
    yield line
    if record is None or transcripts == "none":
        return
    for turn, scores in enumerate(record.scores):
        for score in scores:
            value = "unscored" if score.value is None else f"{score.value:g}"
            yield f"turn {turn} · {score.judge}: {value} · {quoted(score.reason).removeprefix(BAR)}"
    yield from transcript_lines(record)


def transcript_lines(record: Record) -> Iterator[str]:
    """What was said."""
    for index, turn in enumerate(record.transcript.turns):
        yield f"--- turn {index} · user"
        yield quoted(turn.question)
        yield f"--- turn {index} · {record.transcript.model}"
        yield quoted(turn.answer)
