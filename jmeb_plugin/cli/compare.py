"""``jmeb compare``: many models side by side, from finished runs. Nobody is asked."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import find_run, read_results
from jmeb_plugin.cli.parsing import Commands, add_out, out_folder, setting
from jmeb_plugin.errors import RunError
from jmeb_plugin.folder import write_whole
from jmeb_plugin.helpfulness import read_figures
from jmeb_plugin.subjects import GROUPINGS, refuse_unlike, remarks, subjects_of, told_apart
from jmeb_plugin.transcript import printable


def add(commands: Commands) -> None:
    """What can be typed."""
    parser = commands.add_parser("compare", help="many models side by side, from one run or several")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run's folder, its name, or latest")
    parser.add_argument("--to", metavar="DIR", help="where to write the comparison's files")
    parser.add_argument("--group", choices=GROUPINGS, default="category", help="what models are grouped by")
    parser.add_argument(
        "--paper", action="store_true", help="lay the paper's figures (of another suite) beside"
    )
    parser.add_argument("--force", action="store_true", help="although suite, rubric or judges differ")
    parser.add_argument("--seed", metavar="N", help="seed of the intervals (0)")
    add_out(parser)
    parser.set_defaults(run_command=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """``jmeb compare``: the tables; with ``--to`` also as Markdown, CSV, JSON and one page."""
    from jmeb_plugin.report.compare_text import terminal_lines

    folders = list(dict.fromkeys(find_run(name, out_folder(options)).resolve() for name in options.runs))
    found = compared(folders, options)
    for line in terminal_lines(found, paper=options.paper):
        print(printable(line))
    if options.to:
        folder = Path.cwd() / options.to
        names = write(folder, found, paper=options.paper)
        print(f"files: {folder} ({', '.join(names)})")
    return 0


def compared(folders: list[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Everything that is shown, as plain data."""
    from jmeb_plugin.comparison import compare

    runs = [read_results(folder) for folder in folders]
    forced = refuse_unlike(runs, force=options.force)
    subjects = told_apart(
        [
            subject
            for folder, results in zip(folders, runs, strict=True)
            for subject in subjects_of(results, read_figures(folder))
        ]
    )
    return {
        "runs": [
            {"id": r["run"]["id"], "finished": r["run"]["finished"], "models": list(r["models"])}
            for r in runs
        ],
        "forced": forced,
        "remarks": list(remarks(runs, subjects)),
        **compare(subjects, options.group, setting(options, "seed")),
    }


def write(folder: Path, found: Mapping[str, Any], *, paper: bool) -> list[str]:
    """The comparison's files; their names."""
    from jmeb_plugin.report.compare_csv import csv_text
    from jmeb_plugin.report.compare_html import html_text
    from jmeb_plugin.report.compare_text import markdown_text

    texts = {
        "compare.json": json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "compare.csv": csv_text(found, paper=paper),
        "compare.md": markdown_text(found, paper=paper),
        "compare.html": html_text(found, paper=paper),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        raise RunError(f"--to {folder}: cannot be written ({error.strerror})") from None
    return list(texts)
