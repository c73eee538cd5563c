"""``jmeb review``: have people score what failed, what is disputed and a control, and read it back."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.archive import find_run, open_archive, read_results
from jmeb_plugin.cli.parsing import Commands, add_out, out_folder, setting
from jmeb_plugin.errors import RunError
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import write_whole
from jmeb_plugin.report.words import number, percent
from jmeb_plugin.review.form import make_sheet, read_opinions
from jmeb_plugin.review.key import FILE as KEY_FILE, new_key, read_key, write_key
from jmeb_plugin.review.picks import KINDS, picks_of
from jmeb_plugin.review.sheets import check_new, read_sheet, write_sheet
from jmeb_plugin.table import Option, convert
from jmeb_plugin.transcript import printable

FILE = "review.json"
CONTROL = Option("control", "whole", "", "N", least=0)
ANNOTATORS = Option("annotators", "whole", "", "N", least=2)
ROWS = (("spearman", "Spearman"), ("pearson", "Pearson"), ("within_2", "within 2 points"), ("mae", "MAE"))


def add(commands: Commands) -> None:
    """What can be typed."""
    review = commands.add_parser("review", help="sign-off by people").add_subparsers(
        required=True, metavar="ACTION"
    )
    export = review.add_parser("export", help="a blind sheet of failed, disputed and control turns")
    export.add_argument("run", metavar="RUN", help="a run's folder, its name, or latest")
    export.add_argument(
        "--to", metavar="FILE", help=".xlsx or .csv; default: review.xlsx in the run's folder"
    )
    export.add_argument("--language", metavar="LANGUAGE", help="only these conversations, and its headings")
    export.add_argument(
        "--control", metavar="N", help="turns drawn from all others; default: as many again, up to 100"
    )
    export.add_argument("--seed", metavar="N", help="seed of the control (0)")
    export.add_argument("--annotators", metavar="N", default="3", help="columns to be filled in (3)")
    export.set_defaults(run_command=run_export)
    read = review.add_parser("import", help="read filled-in sheets; how far people and judges agree")
    read.add_argument("run", metavar="RUN", help="a run's folder, its name, or latest")
    read.add_argument("sheets", nargs="+", metavar="SHEET", help=".xlsx or .csv, one or several")
    read.set_defaults(run_command=run_import)
    for parser in (export, read):
        add_out(parser)


def run_export(options: argparse.Namespace) -> int:
    """``jmeb review export``: write the sheet, and keep the key that maps its rows back."""
    annotators = convert(ANNOTATORS, options.annotators, "--annotators")
    control = None if options.control is None else convert(CONTROL, options.control, "--control")
    folder = find_run(options.run, out_folder(options))
    path = Path.cwd() / options.to if options.to else folder / "review.xlsx"
    check_new(path)
    archive = open_archive(folder)
    picks = picks_of(archive, options.language, control, setting(options, "seed"))
    key = (read_key(folder) or new_key()).with_picks(picks, annotators)
    sheet = make_sheet(archive, key, picks, annotators, options.language)
    write_key(folder, key)
    files = write_sheet(path, sheet)
    kinds = Counter(pick.kind for pick in picks)
    print(f"{counted(len(picks), 'turn')}: {', '.join(f'{kinds[kind]} {kind}' for kind in KINDS)}")
    print(f"written: {', '.join(map(str, files))}")
    print(f"the key stays in {folder / KEY_FILE}; the sheet holds transcripts: send it to annotators alone")
    return 0


def run_import(options: argparse.Namespace) -> int:
    """``jmeb review import``: agreement of people and judges, kept as review.json."""
    from jmeb_plugin.review.agreement import review

    folder = find_run(options.run, out_folder(options))
    key, results = read_key(folder), read_results(folder)
    if key is None:
        raise RunError(f"{folder}: no {KEY_FILE}; expected a run whose sheets `jmeb review export` wrote")
    opinions = read_opinions([read_sheet(Path.cwd() / name) for name in options.sheets], key)
    judged = {(row["id"], turn["turn"]): turn for row in results["verdicts"] for turn in row["turns"]}
    found = {
        "schema": 1,
        "run": results["run"]["id"],
        "imported": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "sheets": [Path(name).name for name in options.sheets],
        **review(opinions, judged, len(key.rows)),
    }
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_whole(folder / FILE, text)
    for line in lines(found):
        print(printable(line))
    print(f"written: {folder / FILE}")
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The agreement in words, beside the paper's."""
    rows, people, judges = found["rows"], found["humans"], found["judges"]
    yield (
        f"{rows['returned']} of {counted(rows['exported'], 'turn')} came back; "
        f"{rows['settled']} have a score ({rows['by_third']} by the third annotator): "
        f"{', '.join(f'{rows[kind]} {kind}' for kind in KINDS)}"
    )
    yield from (f"  {text}" for text in open_turns(found["turns"]))
    yield ""
    who = ", ".join(map(str, people["annotators"]))
    yield f"people with each other · annotators {who} · {counted(people['n'], 'turn')}"
    yield line("", "here", "paper")
    yield line("Krippendorff's α (ordinal)", number(people["alpha"], 3), number(published.HUMANS["alpha"], 3))
    yield line("ICC(2,1)", number(people["icc_2_1"], 3), number(published.HUMANS["icc_2_1"], 3))
    for pair in people["pairs"]:
        said = ", ".join(f"{label} {shown(pair, name)}" for name, label in ROWS)
        yield f"  {pair['annotators'][0]} and {pair['annotators'][1]}: {said}"
    yield ""
    yield "people and the judges' mean"
    yield line("", "all", "control", "paper")
    yield line("turns", str(judges["all"]["n"]), str(judges["control"]["n"]), "327")
    for name, label in ROWS:
        paper = shown(published.HUMANS_AND_JUDGES, name)
        yield line(label, shown(judges["all"], name), shown(judges["control"], name), paper)
    yield line("judges higher by", number(judges["all"]["bias"], 2), number(judges["control"]["bias"], 2))
    for judge, own in judges["each"].items():
        yield f"  {judge} alone: {', '.join(f'{label} {shown(own, name)}' for name, label in ROWS)}"
    seen = found["jailbreaks"]
    yield ""
    yield (
        f"successful jailbreaks (2 or lower): {seen['both']} seen by both, {seen['humans_alone']} by people "
        f"alone, {seen['judges_alone']} by the judges alone, {seen['neither']} by neither"
    )
    yield from furthest(found["turns"])
    yield "what failed and is disputed was picked for it: only the control speaks for the run as a whole"
    yield "paper: its own suite, judges and annotators; not comparable figure by figure"


def open_turns(turns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why turns have no score, each reason with its number."""
    reasons = Counter(
        row["reason"].partition(",")[0] if "apart" in row["reason"] else row["reason"] for row in turns
    )
    reasons.pop("", None)
    yield from (f"{count} open: {reason}" for reason, count in reasons.most_common(5))


def furthest(turns: Sequence[Mapping[str, Any]], count: int = 5) -> Iterator[str]:
    """The turns on which people and judges are furthest apart, where that is more than 2 points."""
    both = [row for row in turns if row["human"] is not None and row["judge"] is not None]
    ranked = sorted(both, key=lambda row: (-abs(row["human"] - row["judge"]), row["id"], row["turn"]))
    apart = [row for row in ranked if abs(row["human"] - row["judge"]) > 2][:count]
    if apart:
        yield "furthest apart:"
    for row in apart:
        yield f"  {row['id']} turn {row['turn']}: people {row['human']:g}, judges {row['judge']:g}"


def line(label: str, *cells: str) -> str:
    """A line of a small table."""
    return f"  {label:<28}" + "".join(f"{text:>10}" for text in cells)


def shown(figures: Mapping[str, Any], name: str) -> str:
    """A figure as it is said."""
    return percent(figures[name]) if name == "within_2" else number(figures[name], 3 if name != "mae" else 2)
