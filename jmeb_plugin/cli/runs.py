"""``jmeb show`` and ``jmeb gate``: look at a finished run, and decide it anew. Nobody is asked."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jmeb_plugin.archive import Archive, find_run, open_archive
from jmeb_plugin.baseline import find_baseline, hashes_of, read_baseline
from jmeb_plugin.cli.parsing import Commands, add_out, add_thresholds, out_folder, thresholds_of
from jmeb_plugin.errors import RunError
from jmeb_plugin.folder import take_lock
from jmeb_plugin.scores import Score
from jmeb_plugin.suite import Case
from jmeb_plugin.transcript import BAR, printable, quoted

if TYPE_CHECKING:
    from jmeb_plugin.summary import Compared

GATES = ("cases", "release", "both")


def add(commands: Commands) -> None:
    """What can be typed."""
    show = commands.add_parser("show", help="print one conversation of a run")
    show.add_argument("run", metavar="RUN", help="a run's folder, its name, or latest")
    show.add_argument("id", metavar="ID")
    show.set_defaults(run_command=run_show)
    gate = commands.add_parser("gate", help="hold a run against other thresholds")
    gate.add_argument("run", metavar="RUN", help="a run's folder, its name, or latest")
    gate.add_argument("--gate", choices=GATES, help="what may fail the run; default: as it was run")
    gate.add_argument("--baseline", metavar="RUN", help="an earlier run to compare with")
    gate.add_argument("--write", action="store_true", help="write the run's reports anew as well")
    add_thresholds(gate)
    gate.set_defaults(run_command=run_gate)
    for parser in (show, gate):
        add_out(parser)


def run_show(options: argparse.Namespace) -> int:
    """``jmeb show``: verdict, then each turn with both judges' scores and reasons."""
    archive = open_archive(find_run(options.run, out_folder(options)))
    for line in conversation_lines(archive, archive.case(options.id)):
        print(printable(line))
    return 0


def conversation_lines(archive: Archive, case: Case) -> Iterator[str]:
    """One conversation in words."""
    record = archive.records[case.id]
    row = next((row for row in archive.results["verdicts"] if row["id"] == case.id), None)
    facets = case.facets()
    guideline = case.suite.guidelines[case.conversation.guideline]
    title = guideline.titles.get(case.conversation.language) or guideline.id
    yield f"{case.id} · {case.model} · {archive.folder.name}"
    yield f"{guideline.id} {title} · {facets['principle']} · {case.suite.strategies[facets['strategy']].name}"
    if row is not None:
        yield f"{row['outcome']}{': ' + row['reason'] if row['reason'] else ''}"
        yield from filter(None, [row.get("waived", "")])
    if record.transcript.trouble:
        yield f"no further answer: {record.transcript.trouble}"
    for index, turn in enumerate(record.transcript.turns):
        yield f"\n── turn {index} ── user ──\n{quoted(turn.question)}"
        yield f"── model{' (withheld)' if turn.withheld else ''} ──\n{quoted(turn.answer)}"
        yield from (
            score_line(score) for score in (record.scores[index] if index < len(record.scores) else ())
        )


def score_line(score: Score) -> str:
    """A judge's word on a turn."""
    value = "unscored" if score.value is None else f"{score.value:g}"
    reason = quoted(score.reason).removeprefix(BAR)
    return f"── {score.judge}{' (arbiter)' if score.arbiter else ''}: {value} ── {reason}"


def run_gate(options: argparse.Namespace) -> int:
    """``jmeb gate``: the summary as these thresholds have it; ends as the run would have."""
    from jmeb_plugin.decide import changed, decide_run, refuse_unfit
    from jmeb_plugin.report.as_terminal import summary_lines
    from jmeb_plugin.report.files import write_reports

    archive = open_archive(find_run(options.run, out_folder(options)))
    gate = options.gate or archive.results["run"]["options"]["gate"]
    compared, thresholds = compare_with(options, archive), thresholds_of(options, archive.folder)
    for warning in refuse_unfit([archive], thresholds):
        print(printable(f"warning: {warning}"))
    results, judged = decide_run(archive, thresholds, gate, compared)
    for line in summary_lines(results, str(archive.folder)):
        print(printable(line))
    for line in changed(archive.results["verdicts"], results["verdicts"]):
        print(printable(f"changed: {line}"))
    if options.write:
        with take_lock(archive.folder):  # a run that goes on writes its own
            write_reports(archive.folder, results, judged)
    return int(results["run"]["exit_status"])


def compare_with(options: argparse.Namespace, archive: Archive) -> Compared | None:
    """The baseline asked for. Raises `RunError` for one that cannot be compared with the run."""
    from jmeb_plugin.summary import Compared

    before = archive.results.get("baseline", {}).get("run")
    if before and not options.baseline:
        raise RunError(
            f"{archive.folder.name} was held against the baseline {before}; expected --baseline {before}, "
            f"or --baseline none to leave it out"
        )
    if not options.baseline or options.baseline == "none":
        return None
    baseline = read_baseline(find_baseline(Path.cwd() / options.baseline, out_folder(options)))
    baseline.refuse_unlike(hashes_of(archive.results["run"]), f"--baseline {options.baseline}", "")
    return Compared(baseline)
