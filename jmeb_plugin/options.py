"""Options, and the frozen `Settings` that one function makes of them.

Precedence: command line > environment (``JMEB_MODEL`` …) > ini file > TOML > default.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from jmeb_plugin.endpoints import Endpoint, check_panel, load_endpoints, resolve, variable
from jmeb_plugin.errors import SettingsError, closest

Kind = Literal["texts", "text", "whole", "amount", "flag", "path"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option; ``default=None`` where there is none. ``stray``: not to be set in a file."""

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    least: int = 1
    stray: bool = False


GATES = ("cases", "release", "both")
TEXTS = ("full", "failed", "none")
OPTIONS = (
    Option("model", "texts", "the endpoint under test; repeat it to test several", "NAME"),
    Option("judge", "texts", "a judge; give it at least twice", "NAME"),
    Option("suite", "texts", "a suite; may be repeated; 'none': only your own tests", "NAME|PATH", ("jmeb",)),
    Option("id", "texts", "select conversations by id (fnmatch; * crosses /); may be repeated", "GLOB"),
    Option("sample", "whole", "at most N conversations per guideline, strategy and language", "N"),
    Option("total", "whole", "about N conversations, spread evenly, language pairs kept together", "N"),
    Option("seed", "whole", "seed of every draw", "N", 0, least=0),
    Option("repeats", "whole", "run each conversation K times", "K", 1),
    Option("concurrency", "whole", "requests in flight over the whole run", "N", 64),
    Option("thresholds", "path", "default: thresholds.yaml in the rootdir, else the bundled one", "PATH"),
    Option("gate", "text", "what may fail the run", "cases|release|both", "both", GATES),
    Option("baseline", "path", "an earlier run to compare with", "RUN"),
    Option("baseline-force", "flag", "compare although suite, rubric or judges differ", default=False),
    Option("out", "path", "where runs are kept", "DIR", ".jmeb"),
    Option("run", "text", "the run's name; an unfinished run is resumed", "ID", stray=True),
    Option(
        "transcripts", "text", "whose text may be shown (failed; none under CI)", "|".join(TEXTS), None, TEXTS
    ),
    Option("plan", "flag", "print what the run would ask and cost; ask nothing", default=False, stray=True),
    Option("budget", "amount", "stop asking before the price passes it", "USD"),
    Option("config", "path", "TOML file holding the jmeb table", "FILE", "pyproject.toml", stray=True),
)
PLURALS = {"judges": "judge", "models": "model", "suites": "suite", "ids": "id"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the run was asked to be, decided once."""

    targets: tuple[Endpoint, ...]
    judges: tuple[Endpoint, ...]
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
    given = config.getoption("--jmeb-config", None) or variable("JMEB_CONFIG")
    base = config.invocation_params.dir if config.getoption("--jmeb-config", None) else config.rootpath
    path = base / (given or "pyproject.toml")
    if not path.is_file():
        if given:
            raise SettingsError(f"--jmeb-config: no file {path}")
        return {}, str(path)
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    table = data.get("tool", {}).get("jmeb", data.get("jmeb", {}))
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: jmeb: expected a table")
    check_table(table, path)
    return table, str(path)


def check_table(table: Mapping[str, Any], path: Path) -> None:
    """Raise for a key of the table that is no option."""
    known = {*(option.name for option in OPTIONS if not option.stray), *PLURALS, "endpoints"}
    for key in table:
        if key.replace("_", "-") not in known:
            raise SettingsError(f"{path}: [tool.jmeb]: unknown key {key!r}{closest(key, known)}")


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


def convert(option: Option, value: Any, where: str) -> Any:
    """The value as the option's kind; `SettingsError` says where it stands and what was expected."""
    if option.kind == "texts":
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
            raise SettingsError(f"{where}: expected a name or a list of names, found {value!r}")
        return tuple(dict.fromkeys(v.strip() for v in values))
    if option.kind == "flag":
        return flag(value, where)
    if option.kind in ("whole", "amount"):
        return number(option, value, where)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{where}: expected a text, found {value!r}")
    if option.choices and value not in option.choices:
        raise SettingsError(f"{where}: {value!r} is unknown{closest(value, option.choices)}")
    return value.strip()


def flag(value: Any, where: str) -> bool:
    """A switch: true or false, 1 or 0, yes or no, on or off."""
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    found = words.get(str(value).lower())
    if found is None:
        raise SettingsError(f"{where}: expected true or false, found {value!r}")
    return found


def number(option: Option, value: Any, where: str) -> float | int:
    """A whole number from the option's least, or an amount above 0."""
    try:
        parsed = int(value) if option.kind == "whole" else float(value)
    except (TypeError, ValueError):
        parsed = None
    usable = parsed is not None and not isinstance(value, bool) and not math.isnan(parsed)
    if (
        not usable
        or parsed is None
        or (parsed < option.least if option.kind == "whole" else not 0 < parsed < 1e9)
    ):
        least = f"a whole number from {option.least}" if option.kind == "whole" else "an amount above 0"
        raise SettingsError(f"{where}: expected {least}, found {value!r}")
    return parsed


def refuse_lonely_options(values: Mapping[str, tuple[Any, bool]]) -> None:
    """Raise where the command line speaks of conversations but names no model: silence is no gate."""
    for name in ("judge", "id", "sample", "total", "repeats", "plan", "run", "budget", "baseline"):
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
    for endpoint in (*targets, *judges):
        endpoint.check_environment()
    check_budget(plain["budget"], (*targets, *judges))
    if plain["sample"] and plain["total"]:
        raise SettingsError("--jmeb-sample and --jmeb-total: expected one of the two")
    cwd, root = config.invocation_params.dir, config.rootpath

    def path(name: str) -> Path | None:
        value, typed = values[name]
        return None if value is None else ((cwd if typed else root) / value).resolve()

    default_transcripts = "none" if variable("CI") else "failed"
    return Settings(
        targets=targets, judges=judges, suites=plain["suite"],
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
    if name and (name.startswith(".") or any(sign in name for sign in "/\\:\0")):
        raise SettingsError(
            f"--jmeb-run: {name!r} cannot name a folder; expected letters, digits, '.', '-', '_'"
        )
    return name or ""


def choose_judges(
    names: tuple[str, ...], targets: tuple[Endpoint, ...], table: Mapping[str, Endpoint]
) -> tuple[Endpoint, ...]:
    """The judges named; without any, the demo's two for a demo target."""
    if not names and any(target.provider == "demo" for target in targets):
        names = ("demo/judge-a", "demo/judge-b")
    return tuple(resolve(name, table) for name in names)


def check_budget(budget: float | None, endpoints: tuple[Endpoint, ...]) -> None:
    """Raise for a budget over endpoints whose price nobody said."""
    priceless = [e.name for e in endpoints if e.price is None and e.provider != "demo"]
    if budget is not None and priceless:
        raise SettingsError(
            f"--jmeb-budget: {', '.join(dict.fromkeys(priceless))} without price; "
            f"expected price = {{ input = …, output = … }} (USD per million tokens)"
        )
