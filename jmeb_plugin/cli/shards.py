"""``jmeb merge``: shards of one run become that run."""

from __future__ import annotations

import argparse
from pathlib import Path

from jmeb_plugin.archive import find_run, open_archive
from jmeb_plugin.cli.parsing import Commands, add_out, add_thresholds, out_folder, thresholds_of
from jmeb_plugin.cli.runs import GATES
from jmeb_plugin.errors import RunError
from jmeb_plugin.folder import check_name
from jmeb_plugin.shards import check_junit, join
from jmeb_plugin.transcript import printable


def add(commands: Commands) -> None:
    """What can be typed."""
    merge = commands.add_parser("merge", help="join runs that were shards of one")
    merge.add_argument("runs", nargs="+", metavar="RUN", help="a run's folder or its name")
    merge.add_argument("--to", required=True, metavar="ID", help="the name of the joined run")
    merge.add_argument("--gate", choices=GATES, help="what may fail the run; default: as the first was run")
    merge.add_argument(
        "--junit", nargs="+", action="extend", default=[], metavar="XML", help="JUnit of the shards"
    )
    merge.add_argument("--junitxml", metavar="XML", help="the joined JUnit file to write")
    add_out(merge)
    add_thresholds(merge)
    merge.set_defaults(run_command=run_merge)


def run_merge(options: argparse.Namespace) -> int:
    """``jmeb merge``: the summary of the joined run; ends as that run would have."""
    from jmeb_plugin.decide import decide_run, refuse_unfit
    from jmeb_plugin.report.as_terminal import summary_lines
    from jmeb_plugin.report.files import write_reports
    from jmeb_plugin.report.junit_files import join_junit

    if bool(options.junit) != bool(options.junitxml):
        raise RunError("--junit and --junitxml: expected both or neither")
    out, name = out_folder(options), check_name(options.to, "--to")
    shards = [open_archive(find_run(run, out)) for run in dict.fromkeys(options.runs)]
    thresholds = thresholds_of(options, shards[0].folder)
    for warning in refuse_unfit(shards, thresholds):
        print(printable(f"warning: {warning}"))
    files = [Path(path) for path in options.junit]
    if files:
        check_junit(files, shards)
    folder = join(shards, out, name)
    archive = open_archive(folder)
    gate = options.gate or archive.results["run"]["options"]["gate"]
    results, judged = decide_run(archive, thresholds, gate)
    write_reports(folder, results, judged)
    if options.junitxml:
        join_junit(files, Path(options.junitxml), results)
    for line in summary_lines(results, str(folder)):
        print(printable(line))
    return int(results["run"]["exit_status"])
