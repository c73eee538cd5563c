"""``jmeb baseline accept``: keep what a run scored as the measure of the next ones."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import find_run, read_results
from jmeb_plugin.baseline import Baseline, from_results, hashes_of, read_baseline, text_of
from jmeb_plugin.cli.parsing import Commands, add_out, out_folder, root
from jmeb_plugin.errors import RunError
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import write_whole
from jmeb_plugin.report.words import headline, number
from jmeb_plugin.transcript import printable

DECIDED = (0, 1, 10)


def add(commands: Commands) -> None:
    """What can be typed."""
    actions = commands.add_parser("baseline", help="accept a run as the baseline").add_subparsers(
        required=True, metavar="ACTION"
    )
    accept = actions.add_parser("accept", help="write a small file that later runs are compared with")
    accept.add_argument("run", metavar="RUN", help="a run's folder, its name, or latest")
    accept.add_argument("--to", metavar="FILE", help="default: jmeb-baseline.json beside the runs")
    add_out(accept)
    accept.set_defaults(run_command=run_accept)


def run_accept(options: argparse.Namespace) -> int:
    """``jmeb baseline accept``: write the file, and print the drop to what was accepted before."""
    results = read_results(find_run(options.run, out_folder(options)))
    refuse(results)
    new = from_results(results)
    path = Path.cwd() / options.to if options.to else root() / "jmeb-baseline.json"
    old = read_baseline(path) if path.exists() else None
    for line in compared(new, old):
        print(line)
    first = None if old is None else old.first or dataclasses.replace(old, first=None)
    if first is not None and first.differs(hashes_of(results["run"])):
        print(
            f"the first accepted run, {first.run}, was of another suite, rubric or panel: this one is first"
        )
        first = None
    write_whole(path, text_of(dataclasses.replace(new, first=first)))
    scored = sum(bool(found.turns) for rows in new.models.values() for found in rows.values())
    print(f"written: {path}: run {new.run}, {counted(scored, 'scored conversation')}")
    print(printable(f"that run ended {headline(results)}"))
    return 0


def refuse(results: Mapping[str, Any]) -> None:
    """Raise for a run that says too little to be the measure of others."""
    run, rows = results["run"], results["verdicts"]
    if run["exit_status"] not in DECIDED:
        raise RunError(
            f"run {run['id']} ended with {run['exit_status']} before it was through; resume it first"
        )
    missing = [row["reason"] for row in rows if row["outcome"] == "unscored"]
    if missing:
        raise RunError(
            f"run {run['id']}: {len(missing)} of {counted(len(rows), 'conversation')} not held to the end "
            f"(the first: {missing[0]}); resume it first (--jmeb-run={run['id']}), "
            f"or allow for what has no score (max_unscored_rate)"
        )
    if rows and all(row["mean"] is None for row in rows):
        raise RunError(f"run {run['id']}: no conversation has a score; expected something to measure by")
    if run["partial"]:
        raise RunError(
            f"run {run['id']} is partial ({run['partial']}); expected a run over the suite or a sample"
        )


def compared(new: Baseline, old: Baseline | None) -> Iterator[str]:
    """The mean drop of each model to the run accepted last and to the first one."""
    for label, earlier in (("last accepted", old), ("first accepted", old.first if old else None)):
        if earlier is None or earlier.differs(new.hashes):
            continue
        for model in new.models:
            try:
                _, rows = earlier.model(model, several=len(new.models) > 1)
            except RunError:
                continue
            drops = [
                rows[name].mean - found.mean
                for name, found in new.models[model].items()
                if found.turns and name in rows and rows[name].turns
            ]
            if drops:
                mean, over = number(sum(drops) / len(drops), 3), counted(len(drops), "conversation")
                yield f"{model}: mean drop to the {label} run {earlier.run}: {mean} ({over})"
