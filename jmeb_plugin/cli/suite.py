"""``jmeb suite``: check and build suites."""

from __future__ import annotations

import argparse
from pathlib import Path

from jmeb_plugin.cli.parsing import Commands
from jmeb_plugin.dataset.build import build_suite, differing
from jmeb_plugin.dataset.check import check_suite
from jmeb_plugin.suite import find_suite


def add(commands: Commands) -> None:
    """What can be typed."""
    suite = commands.add_parser("suite", help="check or build a suite").add_subparsers(
        required=True, metavar="ACTION"
    )
    check = suite.add_parser("check", help="validate a suite and report its coverage")
    check.add_argument("suite", metavar="NAME|PATH")
    check.set_defaults(run_command=run_check)
    build = suite.add_parser("build", help="assemble a suite from its sources")
    build.add_argument("suite", metavar="NAME|PATH")
    build.add_argument("--check", action="store_true", help="write nothing; fail if anything would change")
    build.set_defaults(run_command=run_build)


def run_check(options: argparse.Namespace) -> int:
    """``jmeb suite check``: findings, then figures; 1 if anything is wrong."""
    report = check_suite(find_suite(options.suite, Path.cwd()))
    for line in report.lines():
        print(line)
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
    print(f"{len(texts)} files, {len(stale)} {'out of date' if options.check else 'written'}")
    return 1 if options.check and stale else 0
