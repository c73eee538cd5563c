"""pytest's side of a run: one object in every process, with or without the controller behind it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from jmeb_plugin.arguments import refuse_unfit, take_ids, thresholds_path, wish_of
from jmeb_plugin.clients.base import Message, Reply
from jmeb_plugin.ending import Told
from jmeb_plugin.errors import Inconclusive, JmebError, PanelUnfit, UserMistake, closest
from jmeb_plugin.gatecases import emit_gates
from jmeb_plugin.housekeeping import Housekeeping
from jmeb_plugin.items import TERMS, ConversationItem, Conversations, Terms
from jmeb_plugin.junit import FailureText, find_junit, name_case, summarise, unwritten
from jmeb_plugin.manifest import note
from jmeb_plugin.options import Settings
from jmeb_plugin.relay import RelayClient
from jmeb_plugin.report.as_junit import RELEASE
from jmeb_plugin.report.as_terminal import summary_lines
from jmeb_plugin.scores import Record
from jmeb_plugin.selection import Selection, load_suites, load_thresholds, marked, select
from jmeb_plugin.signals import Termination, held_back
from jmeb_plugin.suite import Case
from jmeb_plugin.terminal import StatusLine
from jmeb_plugin.transcript import printable
from jmeb_plugin.verdict import today

if TYPE_CHECKING:
    from jmeb_plugin.controller import Controller

STATE = pytest.StashKey["JmebSession"]()
BUSY_START = 1.0
"""Seconds in which a run makes its connections, and has no time to load what the end needs."""


def worker_input(config: pytest.Config) -> Mapping[str, Any] | None:
    """What the controller told this xdist worker; ``None`` where this is no worker."""
    given = getattr(config, "workerinput", None)
    return None if given is None else given["jmeb"]


def open_session(config: pytest.Config, settings: Settings) -> JmebSession:
    """Everything a process needs, found and checked before anything is asked."""
    refuse_unfit(config)
    if settings.plan and config.getoption("dist", "no") != "no":
        config.option.dist, config.option.tx = "no", []  # a plan asks nothing, so nobody has to wait
    told = worker_input(config)
    wish = wish_of(settings)
    suites = load_suites(wish)
    typed = take_ids(config, [suite.name for suite in suites]) if told is None else told["typed"]
    if told is not None:
        config.args = list(told["args"])
    thresholds = load_thresholds(thresholds_path(config, settings))
    selection = select(dataclasses.replace(wish, typed=typed), suites, thresholds)
    marked(config.getoption("markexpr", ""), selection.cases)
    return JmebSession(config, settings, selection, typed)


def make_controller(settings: Settings, selection: Selection, day: dt.date) -> Controller:
    """The controller; loaded only where there is one, since a worker only waits."""
    from jmeb_plugin.controller import Controller

    return Controller(settings, selection, day)


class JmebSession:
    """Collects the cases, waits for their records, and lets the controller decide the end."""

    def __init__(
        self, config: pytest.Config, settings: Settings, selection: Selection, typed: Sequence[str]
    ) -> None:
        self.config = config
        self.settings = settings
        self.selection = selection
        self.typed = list(typed)
        told = worker_input(config)
        self.day = today() if told is None else dt.date.fromisoformat(told["day"])
        self.controller = None if told is not None else make_controller(settings, selection, self.day)
        self.address = told["relay"] if told is not None else None
        self.connection: RelayClient | None = None
        self.session: pytest.Session | None = None
        self.status: StatusLine | None = None
        self.own = {case.id: case for case in selection.cases}
        self.junit: Any = None
        self.errors = 0
        self.own_failed: set[str] = set()
        self.ending = 0
        self.plan_shown: list[str] = []
        self.rerun: set[str] = set()
        self.house = Housekeeping()
        self.termination = Termination()
        config.stash[TERMS] = Terms(selection.thresholds, settings.gate, settings.transcripts, self.day)

    # -- collection ----------------------------------------------------------------------------

    def collectors(self, session: pytest.Session) -> Iterator[pytest.Collector]:
        """One collector for each suite that has cases."""
        for suite in self.selection.suites:
            cases = [case for case in self.selection.cases if case.suite is suite]
            if cases:
                yield Conversations.of(session, suite.name, cases)

    def collected(self, ids: Iterable[str]) -> None:
        """Begin with what pytest selected."""
        if self.controller and not self.settings.plan and not self.config.getoption("collectonly"):
            self.house.begin()
            self.controller.begin([i for i in ids if i in self.own], self.config.getoption("markexpr", ""))
            self.show_progress()

    def tell_worker(self, told: dict[str, Any]) -> None:
        """What a new worker has to know."""
        assert self.controller is not None
        relay = self.controller.relay_address()
        told["jmeb"] = {
            "args": [str(a) for a in self.config.args],
            "typed": self.typed,
            "relay": relay,
            "day": self.day.isoformat(),
        }

    def open(self, session: pytest.Session) -> None:
        """Keep the session; on the controller, show warnings and make the status line ready."""
        self.session = session
        if self.controller is None:
            return
        self.junit = find_junit(self.config)
        for warning in (*self.settings.warnings, *self.selection.warnings):
            self.warn(pytest.PytestWarning(f"jmeb: {warning}"))
        self.house.open()
        self.termination.take()
        if not self.config.getoption("collectonly") and not self.settings.plan:
            self.status = StatusLine(self.config, self.progress, self.config.get_verbosity() <= 0)

    def warn(self, warning: pytest.PytestWarning) -> None:
        """Show a warning; a mistake where the user made errors of warnings."""
        try:
            self.config.issue_config_time_warning(warning, 2)
        except pytest.PytestWarning:
            raise pytest.UsageError(str(warning)) from None

    def progress(self) -> Any:
        """How far the run is; ``None`` before it began."""
        return self.controller.runner.progress() if self.controller and self.controller.runner else None

    def plan(self, session: pytest.Session) -> bool | None:
        """Instead of running anything, keep the forecast of what was collected."""
        if not self.settings.plan or self.controller is None:
            return None
        from jmeb_plugin.forecast import forecast, plan_lines

        ids = {item.nodeid for item in session.items}
        cases = [case for case in self.selection.cases if case.id in ids]
        targets, judges = self.settings.targets, self.settings.judges
        if cases:
            rubrics, anchors = self.controller.rubrics, self.controller.anchors
            most, attacker = self.settings.concurrency, self.settings.attacker
            found = forecast(cases, targets, judges, rubrics, most, attacker, anchors)
            self.plan_shown = list(plan_lines(found))
        return True

    # -- running -------------------------------------------------------------------------------

    def wait(self, case_id: str, timeout: float | None = None) -> Record | None:
        """The record of a case, from the runner here or from the controller's."""
        if self.controller is not None:
            return self.controller.wait(case_id, timeout)
        return Record.from_json(self.ask({"wait": case_id}))

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Ask the controller; from a worker over its one connection."""
        if self.controller is not None:
            return self.controller.answer(question)
        if self.connection is None:
            assert self.address is not None
            self.connection = RelayClient(self.address)
        return self.connection.ask(question)

    def fetch(self, item: ConversationItem) -> bool | None:
        """Give the item its record before its protocol; ``True`` ends the run without a report."""
        try:
            while (record := self.wait(item.case.id, 0.1)) is None:
                if self.status is not None:
                    self.status.draw()
                if (sight := self.progress()) is not None and sight.seconds > BUSY_START:
                    self.house.prepare(compared=self.settings.baseline is not None)
        except JmebError as error:
            item.session.shouldstop = printable(str(error))
            return True
        item.record = record
        return None

    def chat(self, messages: Sequence[Mapping[str, str]], model: str) -> Reply:
        """One answer of a target, for the fixture. Opens a connection of its own on a worker."""
        plain = [{"role": m["role"], "content": m["content"]} for m in messages]
        question = {"chat": plain, "model": model or self.settings.targets[0].name}
        if self.controller is not None:
            return self.controller.engine().chat(question["model"], [Message(**m) for m in plain])  # type: ignore[arg-type]
        connection = RelayClient(self.address or {})
        try:
            return Reply.from_json(connection.ask(question))
        finally:
            connection.close()

    def case(self, case_id: str) -> Case:
        """A case of the run's suites by its id."""
        found = self.own.get(case_id) or self.selection.find(case_id)
        if found is None:
            raise UserMistake(f"no conversation {case_id!r} in this run's suites{closest(case_id, self.own)}")
        return found

    # -- reports -------------------------------------------------------------------------------

    def see(self, report: pytest.TestReport) -> None:
        """Watch a report on the controller: count errors, name it for JUnit, stop the runner on -x."""
        case = self.own.get(report.nodeid)
        theirs = case is None and not report.nodeid.startswith(f"{RELEASE}::")
        if report.failed and (theirs or (case and report.when == "teardown")):
            self.own_failed.add(report.nodeid)
        if case is None:
            return
        if isinstance(report.longrepr, str):
            report.longrepr = FailureText(report.longrepr)
        if self.junit is not None:
            name_case(self.junit, report, case)
        self.errors += report.when == "setup" and report.failed

    def crashed(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """A worker died: its conversation is still being held here, so let another report it, once."""
        if crashitem in self.own and crashitem not in self.rerun:
            self.rerun.add(crashitem)
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"  # type: ignore[assignment]

    def header(self) -> list[str]:
        """What the run is about."""
        names = ", ".join(endpoint.name for endpoint in self.settings.targets)
        judges = ", ".join(endpoint.name for endpoint in self.settings.judges)
        suites = [
            f"jmeb: suite {s.name} {s.version}: {note(self.settings, s)}" for s in self.selection.suites
        ]
        first = f"jmeb: {len(self.selection.cases)} test cases with {names}; judges {judges}"
        return [printable(line) for line in (first, *suites)]

    def summarise(self, reporter: Any) -> None:
        """Print the summary."""
        lines: Iterable[str] = [*self.plan_shown, *(self.controller.losses if self.controller else ())]
        if self.controller is not None and self.controller.results is not None:
            lines = summary_lines(
                self.controller.results, str(self.controller.folder), self.controller.losses
            )
        elif self.controller is not None and isinstance(self.controller.trouble, Inconclusive):
            lines = [*lines, f"INCONCLUSIVE: {self.controller.explained}"]
        elif self.controller is not None and self.controller.trouble and not self.controller.chosen:
            lines = [*lines, f"MISTAKE: {self.controller.explained}"]  # of a chat; others pytest shows itself
        for index, line in enumerate(lines):
            if index == 0:
                reporter.section("jmeb", sep="=")
            reporter.write_line(printable(line))

    def show_progress(self) -> None:
        """Under xdist, keep the live line going; plain runs draw while they wait.

        It begins once xdist has said how many workers there are, and not with the first test that one of
        them starts: before that, every worker waits for a conversation to be done.
        """
        if self.status is not None and self.config.getoption("dist", "no") != "no":
            workers = self.config.pluginmanager.get_plugin("dsession")
            self.status.start_thread(lambda: bool(workers and workers.sched and workers.sched.has_pending))

    def shorten(self, report: pytest.TestReport, status: Any) -> Any:
        """While the live line is shown, our own dots are not."""
        live = self.status is not None and self.status.live and not self.status.over.is_set()
        return (status[0], "", "") if live and report.nodeid in self.own else status

    def stop_on_failure(self) -> None:
        """Close the runner when pytest is about to stop after failures."""
        if self.session and self.session.shouldfail and self.controller:
            self.controller.close(str(self.session.shouldfail))

    def ended(self, session: pytest.Session) -> None:
        """The loop went through: decide the gates and report them as cases."""
        if self.status is not None:
            self.status.end()
        if self.controller and self.controller.chosen and not self.config.getoption("collectonly"):
            gates = self.controller.hold_gates()
            if self.settings.gate != "cases":
                self.errors += emit_gates(session, gates, len(self.settings.targets) > 1)

    def stopped(self, session: pytest.Session, stop: BaseException) -> None:
        """The loop was ended early. Raises what pytest shall make of it; returns for an outage."""
        if self.status is not None:
            self.status.end()
        if type(stop) is KeyboardInterrupt or self.controller is None:
            raise stop
        if session.shouldfail:
            raise session.Failed(session.shouldfail) from None
        trouble = self.controller.trouble
        if isinstance(trouble, UserMistake) and session.testsfailed <= self.errors:
            self.controller.stop()  # an earlier session may have found something unsafe: that wins
            if not any(entry.verdict.outcome == "failed" for entry in self.controller.judged):
                raise pytest.UsageError(printable(str(trouble))) from None
        if trouble is None:
            raise stop
        if isinstance(trouble, PanelUnfit) and self.settings.gate != "cases":
            void = [g for g in self.controller.hold_gates() if g.name.startswith("min_anchor_agreement")]
            self.errors += emit_gates(session, void, len(self.settings.targets) > 1)

    def finish(self, session: pytest.Session, status: int) -> None:
        """Decide the exit status, and leave the run's files behind."""
        if self.connection is not None:
            self.connection.close()
        if self.controller is None:
            return
        self.controller.stop()
        with held_back():  # who presses Ctrl-C now has what he wants: the run is over
            self.controller.settle()
            told = Told(int(status), session.testsfailed, self.errors, len(self.own_failed))
            code, reason = self.controller.status(told)
            if self.settings.plan and code == 0:
                code = 5
            session.exitstatus, _ = self.controller.finish(code, reason)
            self.ending = int(session.exitstatus)
        self.house.end(look=any(item.nodeid not in self.own for item in getattr(session, "items", ())))
        if self.junit is not None and self.controller.results:
            summarise(self.junit, self.controller.results)

    def insist(self, session: pytest.Session) -> None:
        """No plugin that has the last word makes a run safe that is not."""
        if self.controller is not None and session.exitstatus == 0 and self.ending:
            session.exitstatus = self.ending

    def lost(self, session: pytest.Session, error: OSError) -> None:
        """A file that a plugin writes at the very end could not be: say so, and let nothing hold."""
        assert self.controller is not None
        run = self.controller.folder.name if self.controller.folder else ""
        loss = unwritten(self.junit, error, run)
        session.exitstatus = self.ending = self.controller.amend(loss, int(session.exitstatus))
