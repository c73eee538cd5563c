"""Options, and the frozen `Settings` that one function makes of them.

Precedence: command line > environment (``JMEB_MODEL`` …) > ini file > TOML > default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.attackers import only_own
from jmeb_plugin.endpoints import Endpoint, check_budget, check_panel, load_endpoints, resolve, variable
from jmeb_plugin.errors import SettingsError
from jmeb_plugin.folder import wrong_name
from jmeb_plugin.table import OPTIONS, PLURALS, Option, convert, load_table


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the run was asked to be, decided once."""

    targets: tuple[Endpoint, ...]
    judges: tuple[Endpoint, ...]
    attacker: Endpoint | None
    suites: tuple[str, ...]
    suite_bases: tuple[Path, ...]
    ids: tuple[str, ...]
    sample: int | None
    total: int | None
    seed: int
    repeats: int
    concurrency: int
    thresholds: Path | None
    gate: str
    baseline: Path | None
    baseline_force: bool
    out: Path
    run: str
    transcripts: str
    plan: bool
    budget: float | None
    warnings: tuple[str, ...] = ()

    def asked(self) -> tuple[Endpoint, ...]:
        """Every endpoint of the run."""
        return (*self.targets, *self.judges, *([self.attacker] if self.attacker else []))


def add_options(parser: pytest.Parser) -> None:
    """Register every option, on the command line and (but for a few) in the ini file."""
    group = parser.getgroup("jmeb", "medical-ethics conversations (pytest-jmeb)")
    for option in OPTIONS:
        if option.kind == "flag":
            group.addoption(f"--jmeb-{option.name}", action="store_true", default=None, help=option.help)
        else:
            action = "append" if option.kind == "texts" else "store"
            group.addoption(
                f"--jmeb-{option.name}",
                action=action,
                default=None,
                metavar=option.metavar,
                help=option.help,
            )
        if not option.stray:
            parser.addini(ini_name(option), f"--jmeb-{option.name}", default=None)


def ini_name(option: Option) -> str:
    """The option's name in an ini file."""
    return f"jmeb_{option.name.replace('-', '_')}"


def read_settings(config: pytest.Config) -> Settings | None:
    """The settings of this run; ``None`` when no model is named anywhere, so that nothing runs.

    Raises `SettingsError` and `EndpointError` for whatever cannot be meant.
    """
    table, where = read_table(config)
    values = {option.name: find_value(option, config, table, where) for option in OPTIONS}
    if not values["model"][0]:
        refuse_lonely_options(values)
        return None
    endpoints = load_endpoints(table.get("endpoints", {}), where)
    return build(values, endpoints, config)


def read_table(config: pytest.Config) -> tuple[Mapping[str, Any], str]:
    """The ``jmeb`` table and the file it is from; empty where there is no file."""
    typed = config.getoption("--jmeb-config", None)
    given = typed or variable("JMEB_CONFIG")
    base = config.invocation_params.dir if typed else config.rootpath
    path = base / (given or "pyproject.toml")
    return load_table(path, named="--jmeb-config" if given else ""), str(path)


def find_value(
    option: Option, config: pytest.Config, table: Mapping[str, Any], where: str
) -> tuple[Any, bool]:
    """The option's value, and whether it is from the command line."""
    label = f"--jmeb-{option.name}"
    given = config.getoption(label, None)
    if given is not None:
        return convert(option, given, label), True
    name = label.removeprefix("--").replace("-", "_").upper()
    if (text := variable(name)) is not None:
        value = [part.strip() for part in text.split(",") if part.strip()] if option.kind == "texts" else text
        return convert(option, value, name), False
    if not option.stray and (text := config.getini(ini_name(option))):
        value = str(text).replace(",", " ").split() if option.kind == "texts" else text
        return convert(option, value, f"{ini_name(option)} in {config.inipath}"), False
    plural = next((long for long, short in PLURALS.items() if short == option.name), "")
    for key in (option.name, option.name.replace("-", "_"), plural):
        if key in table:
            return convert(option, table[key], f"{where}: {key}"), False
    return option.default, False


def refuse_lonely_options(values: Mapping[str, tuple[Any, bool]]) -> None:
    """Raise where the command line speaks of conversations but names no model: silence is no gate."""
    for name in (
        "judge",
        "id",
        "sample",
        "total",
        "repeats",
        "plan",
        "run",
        "budget",
        "baseline",
        "attacker",
    ):
        if values[name][1]:
            raise SettingsError(f"--jmeb-{name} is given but no model; expected --jmeb-model NAME as well")


def build(
    values: Mapping[str, tuple[Any, bool]], table: Mapping[str, Endpoint], config: pytest.Config
) -> Settings:
    """The settings from the options' values."""
    plain = {name: value for name, (value, _) in values.items()}
    targets = tuple(resolve(name, table) for name in plain["model"])
    judges = choose_judges(plain["judge"] or (), targets, table)
    warnings = check_panel(targets, judges)
    attacker = choose_attacker(plain, table)
    asked = (*targets, *judges, *([attacker] if attacker else []))
    for endpoint in asked:
        endpoint.check_environment()
    check_budget(plain["budget"], asked, "--jmeb-budget")
    if plain["sample"] and plain["total"]:
        raise SettingsError("--jmeb-sample and --jmeb-total: expected one of the two")
    cwd, root = config.invocation_params.dir, config.rootpath

    def path(name: str) -> Path | None:
        value, typed = values[name]
        return None if value is None else ((cwd if typed else root) / value).resolve()

    default_transcripts = "none" if variable("CI") else "failed"
    return Settings(
        targets=targets, judges=judges, attacker=attacker, suites=plain["suite"],
        suite_bases=(cwd if values["suite"][1] else root,) * len(plain["suite"]),
        ids=plain["id"] or (), sample=plain["sample"], total=plain["total"], seed=plain["seed"],
        repeats=plain["repeats"], concurrency=plain["concurrency"], thresholds=path("thresholds"),
        gate=plain["gate"], baseline=path("baseline"), baseline_force=bool(plain["baseline-force"]),
        out=path("out") or root / ".jmeb", run=check_run(plain["run"]),
        transcripts=plain["transcripts"] or default_transcripts, plan=bool(plain["plan"]),
        budget=plain["budget"], warnings=tuple(warnings),
    )  # fmt: skip


def check_run(name: str | None) -> str:
    """A run's name: one folder name, nothing that leaves the out folder. Empty if none is given."""
    if name and (problem := wrong_name(name)):
        raise SettingsError(f"--jmeb-run: {problem}")
    return name or ""


def choose_judges(
    names: tuple[str, ...], targets: tuple[Endpoint, ...], table: Mapping[str, Endpoint]
) -> tuple[Endpoint, ...]:
    """The judges named; without any, the demo's two where there is nothing but the demo to judge."""
    if not names and all(target.provider == "demo" for target in targets):
        names = ("demo/judge-a", "demo/judge-b")
    return tuple(resolve(name, table) for name in names)


def choose_attacker(plain: Mapping[str, Any], table: Mapping[str, Endpoint]) -> Endpoint | None:
    """The model that plays the user. Its conversations are no measure, so nothing is held against them."""
    if plain["attacker"] is None:
        return None
    if plain["baseline"] is not None:
        raise SettingsError(
            "--jmeb-attacker and --jmeb-baseline: conversations that an attacker makes up differ from run "
            "to run and cannot be compared; expected one of the two"
        )
    attacker = resolve(plain["attacker"], table)
    only_own([attacker], "--jmeb-attacker")
    return attacker
