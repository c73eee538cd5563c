"""``jmeb dataset``: make a suite for other guidelines or another language, to test one's own models."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jmeb_plugin.cli.parsing import Commands, Parser, find_endpoints
from jmeb_plugin.cli.progress import Meter
from jmeb_plugin.dataset.plan import COMMON, STAGES, build, funnel, read_plan, settings_of, values_of
from jmeb_plugin.dataset.workshop import Workshop, load_outline, private_folder
from jmeb_plugin.errors import SettingsError
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
