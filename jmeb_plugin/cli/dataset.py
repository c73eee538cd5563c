"""``jmeb dataset``: make a suite for other guidelines or another language, to test one's own models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import find_run, open_archive
from jmeb_plugin.cli.parsing import (
    Commands,
    Parser,
    add_out,
    find_endpoints,
    out_folder,
    setting,
    table_of,
)
from jmeb_plugin.cli.progress import Meter
from jmeb_plugin.dataset.plan import COMMON, STAGES, build, funnel, read_plan, settings_of, values_of
from jmeb_plugin.dataset.review import export_sheet, import_sheets
from jmeb_plugin.dataset.workshop import Workshop, load_outline, private_folder
from jmeb_plugin.endpoints import load_endpoints
from jmeb_plugin.errors import SettingsError
from jmeb_plugin.subjects import refuse_unlike
from jmeb_plugin.suite import find_suite
from jmeb_plugin.table import Option
from jmeb_plugin.transcript import printable


def add(commands: Commands) -> None:
    """What can be typed."""
    actions = commands.add_parser(
        "dataset", help="make a suite by models, to test one's own models"
    ).add_subparsers(required=True, metavar="STAGE")
    for name, kind in STAGES.items():
        stage = actions.add_parser(name, help=kind.help)
        add_options(stage, (*COMMON, *kind.options))
        stage.set_defaults(run_command=run_stage, stage=name)
    whole = actions.add_parser("build", help="run the stages of a TOML plan")
    whole.add_argument("plan", metavar="PLAN.toml")
    whole.add_argument("--config", metavar="FILE", help="TOML holding the jmeb table (pyproject.toml)")
    whole.set_defaults(run_command=run_build)
    add_bias(actions)
    add_review(actions)


def add_bias(actions: Commands) -> None:
    """``jmeb dataset bias``."""
    bias = actions.add_parser("bias", help="do models do better on what their own family made?")
    bias.add_argument("runs", nargs="+", metavar="RUN", help="a run's folder, its name, or latest")
    bias.add_argument("--family", action="append", metavar="NAME=FAMILY", help="a maker's family")
    bias.add_argument("--to", metavar="FILE", help="keep every figure as JSON")
    bias.add_argument("--seed", metavar="N", help="seed of the bootstrap (0)")
    add_out(bias)
    bias.set_defaults(run_command=run_bias)


def add_review(actions: Commands) -> None:
    """``jmeb dataset review``."""
    review = actions.add_parser("review", help="have professionals accept or strike conversations")
    steps = review.add_subparsers(required=True, metavar="ACTION")
    out = steps.add_parser("export", help="a sheet with a conversation a row")
    out.add_argument("suite", metavar="PATH")
    out.add_argument("--to", required=True, metavar="FILE", help=".xlsx or .csv")
    out.add_argument("--language", metavar="LANGUAGE", help="only these conversations, and its headings")
    out.set_defaults(run_command=run_export)
    back = steps.add_parser("import", help="the suite of what was accepted, from filled-in sheets")
    back.add_argument("suite", metavar="PATH")
    back.add_argument("sheets", nargs="+", metavar="SHEET", help=".xlsx or .csv, one or several")
    back.add_argument("--to", required=True, metavar="FOLDER", help="the new suite")
    back.set_defaults(run_command=run_import)


def add_options(parser: Parser, options: Iterable[Option]) -> None:
    """A stage's options, as its table has them."""
    parser.add_argument("--config", metavar="FILE", help="TOML holding the jmeb table (pyproject.toml)")
    for option in options:
        label, name = f"--{option.name}", option.name
        if option.kind == "flag":
            parser.add_argument(label, dest=name, action="store_true", default=None, help=option.help)
        else:
            action = "append" if option.kind == "texts" else "store"
            parser.add_argument(label, dest=name, action=action, metavar=option.metavar, help=option.help)


def run_stage(options: argparse.Namespace) -> int:
    """One stage alone."""
    kind = STAGES[options.stage]
    common = values_of(COMMON, given(options, COMMON), "jmeb dataset")
    settings = settings_of(options.stage, given(options, kind.options), f"jmeb dataset {options.stage}")
    workshop = open_workshop(common, options, Path.cwd(), "--suite")
    show(kind.run(workshop, settings))
    show(funnel(workshop))
    return 0


def run_build(options: argparse.Namespace) -> int:
    """All stages of a plan; paths in it are taken from its own folder."""
    path = Path.cwd() / options.plan
    plan = read_plan(path)
    workshop = open_workshop(plan.common, options, path.parent, f"{path}: suite")
    show(build(workshop, plan.stages))
    return 0


def run_bias(options: argparse.Namespace) -> int:
    """The paper's bias checks on runs of several models."""
    from jmeb_plugin.dataset.bias import bias_lines, check_bias, families_of, seen_in

    archives = [open_archive(find_run(name, out_folder(options))) for name in options.runs]
    refuse_unlike([archive.results for archive in archives], force=False)
    table, where = table_of(options)
    known = {name: e.family for name, e in load_endpoints(table.get("endpoints", {}), where).items()}
    families = families_of(archives, {**known, **families_typed(options.family or [])})
    found = check_bias(seen_in(archives), families, setting(options, "seed"))
    if options.to:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        (Path.cwd() / options.to).write_text(text + "\n", encoding="utf-8")
    show(bias_lines(found))
    return 0


def families_typed(pairs: Iterable[str]) -> dict[str, str]:
    """``NAME=FAMILY`` as a mapping; a model's name may hold ``=`` itself, a family may not."""
    found = {}
    for pair in pairs:
        name, sign, family = pair.rpartition("=")
        if not (sign and name and family):
            raise SettingsError(f"--family: {pair!r}; expected NAME=FAMILY")
        found[name] = family
    return found


def run_export(options: argparse.Namespace) -> int:
    """The sheet for reviewers."""
    folder = find_suite(options.suite, Path.cwd())
    show(export_sheet(folder, Path.cwd() / options.to, options.language))
    return 0


def run_import(options: argparse.Namespace) -> int:
    """What reviewers accepted, as a suite."""
    sheets = [Path.cwd() / name for name in options.sheets]
    show(import_sheets(find_suite(options.suite, Path.cwd()), sheets, Path.cwd() / options.to))
    return 0


def given(options: argparse.Namespace, known: Iterable[Option]) -> dict[str, Any]:
    """What was typed."""
    typed = {option.name: getattr(options, option.name) for option in known}
    return {name: value for name, value in typed.items() if value is not None}


def open_workshop(common: Mapping[str, Any], options: argparse.Namespace, base: Path, where: str) -> Workshop:
    """The workshop of the common settings."""
    if not common["suite"]:
        raise SettingsError(f"{where} is missing; expected a suite's name or a folder with suite.yaml")
    outline = load_outline(find_suite(common["suite"], base), common["languages"])
    return Workshop(
        suite=outline,
        folder=private_folder(base / common["work"]),
        languages=common["languages"] or outline.languages,
        seed=common["seed"],
        concurrency=common["concurrency"],
        budget=common["budget"],
        find=lambda names: find_endpoints(options, list(names)),
        meter=Meter,
    )


def show(lines: Iterable[str]) -> None:
    """Print the lines as they come."""
    for line in lines:
        print(printable(line), flush=True)
