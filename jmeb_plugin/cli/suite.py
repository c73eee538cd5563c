"""``jmeb suite``: check, import and build suites."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jmeb_plugin.cli.parsing import Commands
from jmeb_plugin.dataset.build import build_suite, differing
from jmeb_plugin.dataset.check import check_suite, report_on
from jmeb_plugin.dataset.importing.catalogue import safe
from jmeb_plugin.dataset.importing.importing import Plan, import_rows
from jmeb_plugin.dataset.importing.mapping import read_mapping, typed_map
from jmeb_plugin.dataset.importing.sources import find_source, read_rows
from jmeb_plugin.errors import SettingsError, SuiteError
from jmeb_plugin.figures import counted
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.suite import KINDS, Suite, find_suite, load_suite
from jmeb_plugin.transcript import printable


def add(commands: Commands) -> None:
    """What can be typed."""
    suite = commands.add_parser("suite", help="check, import or build a suite").add_subparsers(
        required=True, metavar="ACTION"
    )
    check = suite.add_parser("check", help="validate a suite and report its coverage")
    check.add_argument("suite", metavar="NAME|PATH")
    check.set_defaults(run_command=run_check)
    build = suite.add_parser("build", help="assemble a suite from its sources")
    build.add_argument("suite", metavar="NAME|PATH")
    build.add_argument("--check", action="store_true", help="write nothing; fail if anything would change")
    build.set_defaults(run_command=run_build)
    add_import(suite)


def add_import(actions: Commands) -> None:
    """What can be typed after ``jmeb suite import``."""
    parser = actions.add_parser("import", help="make a suite of data in JSON, JSON Lines, CSV or Parquet")
    parser.add_argument("source", metavar="SOURCE", help="a file, a folder, or hf://org/name[/path]")
    parser.add_argument("--to", metavar="DIR", required=True, help="the new suite's folder; empty or absent")
    parser.add_argument(
        "--map", metavar="FIELD=PATH", action="append", default=[], help="turns=dialog[].text"
    )
    parser.add_argument("--set", metavar="FIELD=VALUE", action="append", default=[], help="language=fr")
    parser.add_argument("--mapping", metavar="FILE", help="TOML with the tables map, set, match, values")
    parser.add_argument("--like", metavar="NAME|PATH", help="take principles, guidelines, … of this suite")
    parser.add_argument("--name", help="the new suite's name (that of its folder)")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0])
    parser.add_argument("--licence", default="", help="the licence of the data")
    parser.add_argument("--note", default="", help="what every report says of the suite")
    parser.add_argument("--skip-bad", metavar="N", type=int, default=0, help="leave out up to N bad rows")
    parser.set_defaults(run_command=run_import)


def run_check(options: argparse.Namespace) -> int:
    """``jmeb suite check``: findings, then figures; 1 if anything is wrong."""
    report = check_suite(find_suite(options.suite, Path.cwd()))
    for line in report.lines():
        print(printable(line))
    return 1 if report.errors else 0


def run_build(options: argparse.Namespace) -> int:
    """``jmeb suite build``: write the files, or with ``--check`` say which would change."""
    folder = (
        Path(options.suite)
        if Path(options.suite, "sources").is_dir()
        else find_suite(options.suite, Path.cwd())
    )
    texts = build_suite(folder)
    stale = differing(texts)
    for path in stale:
        if not options.check:
            path.write_text(texts[path], encoding="utf-8")
        print(f"{'would change' if options.check else 'written'}: {path}")
    print(f"{counted(len(texts), 'file')}, {len(stale)} {'out of date' if options.check else 'written'}")
    return 1 if options.check and stale else 0


def run_import(options: argparse.Namespace) -> int:
    """``jmeb suite import``: write the suite, then check it; only broken structure is an error."""
    if options.skip_bad < 0:
        raise SettingsError(f"--skip-bad {options.skip_bad}: expected a whole number from 0")
    target = (Path.cwd() / options.to).resolve()
    typed = typed_map(options.map, options.set)
    maps = (
        [typed.over(one) for one in read_mapping(Path.cwd() / options.mapping)]
        if options.mapping
        else [typed]
    )
    like = load_suite(find_suite(options.like, Path.cwd())) if options.like else None
    source = find_source(options.source, Path.cwd())
    plan = Plan(
        name=options.name or safe(target.name, "suite"),
        kind=options.kind,
        licence=options.licence,
        note=options.note or f"imported from {source.label}",
        skip=options.skip_bad,
        like=like,
    )
    found = import_rows(read_rows(source.files), maps, target, plan, progress())
    for line in found.skipped:
        print(printable(f"left out: {line}"))
    for line in [*report_on(found.suite).lines(), *lacking(found.suite)]:
        print(printable(line))
    print(f"{counted(len(found.suite.conversations), 'conversation')} in {target}")
    return 0


def lacking(suite: Suite) -> Iterator[str]:
    """What the suite still needs before it can be run."""
    try:
        load_rubrics(suite)
    except SuiteError as problem:
        yield f"before a run: {problem}"


def progress() -> Callable[[int], None]:
    """Says on stderr every other second how many rows were read."""
    last = time.monotonic()

    def seen(rows: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > 2:
            print(f"{rows:,} rows", file=sys.stderr)
            last = now

    return seen
