"""The one stateful object of a run. It lives in the process that the user started.

It owns the runner, the relay for xdist's workers, the demo server and the run's folder, and at the
end turns records into verdicts, gates, files and the exit status.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jmeb_plugin.archive import suite_to_json
from jmeb_plugin.attackers import find_attacker
from jmeb_plugin.baseline import Baseline, find_baseline, hashes_of, read_baseline
from jmeb_plugin.clients.base import Message
from jmeb_plugin.ending import INCONCLUSIVE, MISTAKE, NOTHING, SAFE, UNSAFE, Told, ending, status_of
from jmeb_plugin.errors import (
    BudgetSpent,
    JmebError,
    NotWritten,
    RunError,
    SettingsError,
    Stopped,
)
from jmeb_plugin.folder import make_folder
from jmeb_plugin.hosting import Hosting
from jmeb_plugin.journal import Journal, check_identity
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.manifest import about, identity, whole_price
from jmeb_plugin.measure import Plan
from jmeb_plugin.options import Settings
from jmeb_plugin.provenance import usage
from jmeb_plugin.relay import Relay
from jmeb_plugin.runner import Runner
from jmeb_plugin.scores import Record
from jmeb_plugin.selection import Selection, check_arbiter, find_anchors, marked
from jmeb_plugin.suite import Case
from jmeb_plugin.verdict import Judged, judge_all

if TYPE_CHECKING:
    from jmeb_plugin.gates import Gate
    from jmeb_plugin.preflight import Preflight


class Controller:
    """Runs the selected cases, and says at the end what became of them. Waivers are judged by the ``day``."""

    def __init__(self, settings: Settings, selection: Selection, day: dt.date) -> None:
        self.settings = settings
        self.selection = selection
        self.day = day
        self.cases = {case.id: case for case in selection.cases}
        self.rubrics = {
            (suite.name, language): rubric
            for suite in selection.suites
            for language, rubric in load_rubrics(suite).items()
        }
        self.attacker = find_attacker(settings.attacker, selection.suites)
        self.chosen: tuple[Case, ...] = ()
        self.partial = selection.partial
        self.started = dt.datetime.now(dt.UTC)
        self.runner: Runner | None = None
        self.making = threading.Lock()
        self.stopping: Stopped | None = None
        self.relay: Relay | None = None
        self.hosting = Hosting()
        self.folder: Path | None = None
        self.results: dict[str, Any] | None = None
        self.losses: list[str] = []
        self.gates: list[Gate] = []
        self.own_failed = 0
        self.anchors = find_anchors(selection, [target.name for target in settings.targets], settings.seed)
        self.preflight: Preflight | None = None
        self.differs: list[str] = []
        self.baseline = self.find_baseline()
        check_arbiter(selection, len(settings.judges))
        self.check_earlier_run()

    # -- before anything is asked --------------------------------------------------------------

    def find_baseline(self) -> Baseline | None:
        """The run to compare with. Raises `RunError` unless it can be compared, or comparing is forced."""
        if self.settings.baseline is None:
            return None
        path = find_baseline(self.settings.baseline, self.settings.out)
        baseline = read_baseline(path)
        hashes = hashes_of(about(self.settings, self.selection, self.rubrics.values()))
        if self.settings.baseline_force:
            self.differs = baseline.differs(hashes)
        else:
            baseline.refuse_unlike(hashes, f"--jmeb-baseline {path}", ", or --jmeb-baseline-force")
        for endpoint in self.settings.targets:
            baseline.model(endpoint.name, several=len(self.settings.targets) > 1)
        return baseline

    def check_earlier_run(self) -> None:
        """Raise when the run that ``--jmeb-run`` names was another one."""
        folder = self.settings.out / self.settings.run
        if self.settings.run and (folder / "journal.sqlite").exists():
            with contextlib.closing(Journal(folder)) as journal:
                kept = journal.recall("identity") or {}
                check_identity(journal, {**self.identity(), "selection": kept.get("selection")})

    def identity(self) -> dict[str, Any]:
        """What makes this run the run it is, but for the conversations that pytest selected."""
        attacker = self.attacker and self.attacker.identity()
        same = identity(self.settings, self.selection, self.rubrics.values())
        return {**same, "attacker": attacker}

    # -- while the run goes on -----------------------------------------------------------------

    def begin(self, ids: Sequence[str], mark_expression: str = "") -> None:
        """Start the cases that pytest selected. Only the first call counts: every worker says the same."""
        if self.runner is not None and self.chosen:
            return
        wanted = set(ids)
        self.chosen = tuple(case for case in self.selection.cases if case.id in wanted)
        if wanted and {case.id for case in self.chosen} != marked(mark_expression, self.selection.cases):
            share = f"{len(self.chosen)} of {len(self.selection.cases)} conversations were selected"
            self.partial = self.partial or share
        if self.chosen:
            self.engine().start([self.cases[case_id] for case_id in ids if case_id in self.cases])

    def engine(self) -> Runner:
        """The runner, made when it is first needed, by whichever thread needs it first."""
        with self.making:
            return self.runner or self.make_runner()

    def make_runner(self) -> Runner:
        """A runner for the settings and the selection."""
        targets, settings = self.settings.targets, self.settings
        judges = [self.hosting.reachable(endpoint) for endpoint in settings.judges]
        if self.anchors:
            from jmeb_plugin.preflight import make_preflight

            limits = [self.selection.thresholds.for_model(endpoint.name) for endpoint in targets]
            self.preflight = make_preflight(self.anchors, judges, self.rubrics, limits, settings.out)
        plan = Plan(
            targets={endpoint.name: self.hosting.reachable(endpoint) for endpoint in targets},
            judges=judges,
            rubrics=self.rubrics,
            limits=self.selection.thresholds.for_case,
            concurrency=settings.concurrency,
            budget=settings.budget,
            attacker=self.attacker
            and replace(self.attacker, endpoint=self.hosting.reachable(self.attacker.endpoint)),
            allowance={endpoint.name: self.allowance(endpoint.name) for endpoint in targets},
            check=self.preflight,
        )
        self.runner = Runner(plan, self.open_journal)
        return self.runner

    def allowance(self, model: str) -> int:
        """How many unscored conversations of a model are excused."""
        selected = sum(case.model == model for case in self.chosen)
        return math.floor(self.selection.thresholds.for_model(model).max_unscored_rate * selected)

    def open_journal(self) -> Journal:
        """The run's folder and journal; called on the runner's thread.

        ``folder`` stays ``None`` where they are another run's: what that one left is not written over.
        """
        folder = make_folder(self.settings.out, self.settings.run)
        journal = Journal(folder)
        ids = "\n".join(case.id for case in self.chosen)
        chosen = [len(self.chosen), hashlib.sha256(ids.encode()).hexdigest()]
        try:
            check_identity(journal, {**self.identity(), "selection": chosen})
        except RunError:
            journal.close()
            raise
        self.folder = folder
        journal.note("suites", [suite_to_json(suite) for suite in self.selection.suites])
        journal.note("rubrics", [[*key, asdict(rubric)] for key, rubric in self.rubrics.items()])
        if journal.recall("started") is None:
            journal.note("started", self.started.isoformat(timespec="seconds"))
        self.started = dt.datetime.fromisoformat(journal.recall("started"))
        return journal

    def wait(self, case_id: str, timeout: float | None = None) -> Record | None:
        """The record of a case; see `Runner.wait`."""
        return self.engine().wait(case_id, timeout)

    def relay_address(self) -> dict[str, Any]:
        """Where xdist's workers ask."""
        if self.relay is None:
            self.relay = Relay(self.answer)
        return self.relay.address

    def answer(self, question: Mapping[str, Any]) -> Any:
        """Serve one question of a worker: the record of a case, or a chat."""
        if "chat" in question:
            messages = [Message(m["role"], m["content"]) for m in question["chat"]]
            return self.engine().chat(question["model"], messages).to_json()
        case_id = question["wait"]
        if question.get("start"):
            self.start_case(case_id)
        elif self.stopping:
            raise self.stopping
        record = self.wait(case_id)
        return record.to_json() if record else None

    def start_case(self, case_id: str) -> None:
        """Start one case that a fixture asks for; unless pytest selected it, no part of the run's results."""
        case = self.cases.get(case_id) or self.selection.find(case_id)
        if case is None:
            raise SettingsError(f"no conversation {case_id!r} in this run's suites")
        self.engine().start([case], apart=True)

    def close(self, reason: str) -> None:
        """Stop asking, wake whoever waits, and give no worker another record to report."""
        self.stopping = Stopped(reason)
        if self.runner is not None:
            self.runner.close(self.stopping)

    # -- at the end ----------------------------------------------------------------------------

    @property
    def trouble(self) -> JmebError | None:
        """What ended the run early, other than its user."""
        closed = self.runner.closed if self.runner else None
        return None if isinstance(closed, Stopped) else closed

    @property
    def explained(self) -> str:
        """Why the run ended early; of a spent budget also what the whole would have taken."""
        if not isinstance(self.trouble, BudgetSpent) or not self.chosen:
            return str(self.trouble)
        done = sum(entry.record is not None for entry in self.judged)
        name = self.folder.name if self.folder else ""
        whole = whole_price(self.settings, self.chosen, self.rubrics, self.anchors)
        return f"{self.trouble}. {done} of {whole}. Go on with --jmeb-run={name} and a larger budget"

    @functools.cached_property
    def judged(self) -> list[Judged]:
        """Every chosen case with its verdict, in the order of ids; to be asked for when the run is over."""
        records = {**self.runner.kept, **self.runner.records} if self.runner else {}
        release = self.settings.gate == "release"
        return judge_all(self.chosen, records, self.selection.thresholds, self.day, expected=release)

    def stop(self) -> None:
        """Ask nobody any more; waits until everything is given back, unless it is interrupted."""
        if self.runner is not None:
            self.runner.close()

    def settle(self) -> None:
        """Hold the gates where pytest did not come to it: a run cut short, or one shown again in part."""
        if self.runner is None or not self.chosen:
            return
        if self.trouble or (not self.gates and all(entry.record for entry in self.judged)):
            self.hold_gates()

    def hold_gates(self) -> list[Gate]:
        """Every gate's state, decided once all conversations are done; the runner clears up meanwhile."""
        from jmeb_plugin.gates import hold_gates

        if self.runner is not None:
            (self.runner.close if self.trouble else self.runner.end)()
        models = [endpoint.name for endpoint in self.settings.targets]
        self.gates = hold_gates(
            self.judged, self.selection.thresholds, models, self.partial, self.settings.seed,
            self.baseline, self.fitness,
        )  # fmt: skip
        return self.gates

    @property
    def fitness(self) -> dict[str, Any] | None:
        """What the panel made of the anchors, empty if it did not come to that; ``None`` without any."""
        return (self.preflight.found or {}) if self.preflight else None

    def status(self, told: Told) -> tuple[int, str]:
        """The exit status and why, from what pytest says; see `status_of`."""
        decided = None
        if self.chosen and told.status in (SAFE, UNSAFE, MISTAKE):
            gates = [] if self.trouble else self.gates  # those of a run that was cut short decide nothing
            thresholds = self.selection.thresholds
            decided = ending(self.judged, gates, self.settings.gate, thresholds, told.own)
        self.own_failed = told.own
        resume = f"go on with --jmeb-run={self.folder.name}" if self.folder else "nothing was asked"
        explained = self.explained if self.trouble else ""
        return status_of(told, decided, self.trouble, explained, resume)

    def finish(self, status: int, reason: str) -> tuple[int, str]:
        """End the runner and write what the run leaves; the status and why, others where that failed."""
        if self.runner is not None:
            self.runner.close()
        if self.relay is not None:
            self.relay.close()
        self.hosting.close()
        if self.folder is not None and self.chosen:
            try:
                self.write_files(self.folder, status, reason)
            except NotWritten as error:
                return self.lose(str(error), status, reason)
        return status, reason

    def lose(self, loss: str, status: int, reason: str) -> tuple[int, str]:
        """The status of a run that could not write everything it should: it holds nothing any more."""
        self.losses.append(loss)
        if status in (SAFE, NOTHING):
            status, reason = INCONCLUSIVE, loss
            if self.results is not None:
                self.results["run"].update(exit_status=status, exit_reason=reason)
        return status, reason

    def amend(self, loss: str, status: int) -> int:
        """The status once another plugin's file could not be written; our reports say so as well."""
        from jmeb_plugin.report.files import write_reports

        status, _ = self.lose(loss, status, "")
        try:
            if self.results is not None and self.folder is not None:
                write_reports(self.folder, self.results, self.judged)
        except NotWritten as error:
            self.losses += [] if str(error) in self.losses else [str(error)]
        return status

    def write_files(self, folder: Path, status: int, reason: str) -> None:
        """What the run leaves beside its journal."""
        from jmeb_plugin.report.files import write_reports
        from jmeb_plugin.summary import Compared, build_results

        judged, seed = self.judged, self.settings.seed
        asked = self.settings.asked()
        taken = usage(self.runner.usage if self.runner else (), asked)
        run = {
            "id": folder.name,
            "started": self.started.isoformat(timespec="seconds"),
            "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "exit_status": status,
            "exit_reason": reason,
            **about(self.settings, self.selection, self.rubrics.values()),
            "partial": self.partial,
            "own_tests_failed": self.own_failed,
            **({"anchors": {**self.fitness, "usage": taken.get("", {})}} if self.fitness else {}),
        }
        compared = Compared(self.baseline, self.differs) if self.baseline else None
        limits = self.selection.thresholds
        self.results = build_results(run, judged, limits, self.gates, taken, seed, compared)
        write_reports(folder, self.results, judged)
