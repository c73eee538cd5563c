"""Every stage with its options, and the TOML plan that names several of them.

One table says what a stage can be told; the command line and the plan read the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.dataset.assemble import SampleSettings, make_sample
from jmeb_plugin.dataset.dialogues import DialogueSettings, hold_dialogues
from jmeb_plugin.dataset.refusals import RefusalSettings, filter_seeds
from jmeb_plugin.dataset.seeds import SeedSettings, make_seeds
from jmeb_plugin.dataset.strategies import StrategySettings, find_strategies
from jmeb_plugin.dataset.workshop import Workshop
from jmeb_plugin.errors import SettingsError, closest, plain
from jmeb_plugin.table import Option, convert
from jmeb_plugin.user_file import read_toml

COMMON = (
    Option("suite", "text", "the outline: a suite's name or a folder with suite.yaml", "NAME|PATH"),
    Option("work", "path", "the private folder that everything is written to", "DIR", "dataset"),
    Option("languages", "texts", "languages; default: the suite's", "LANG", ()),
    Option("seed", "whole", "seed of every draw; another one asks anew", "N", 0, least=0),
    Option("concurrency", "whole", "requests in flight", "N", 64),
    Option("budget", "amount", "stop asking before the price passes it", "USD"),
)


@dataclass(frozen=True)
class StageKind:
    """One stage: what it can be told, and what does it."""

    help: str
    options: tuple[Option, ...]
    settings: Callable[..., Any]
    run: Callable[[Workshop, Any], Iterator[str]]
    needed: tuple[str, ...] = ()


REQUESTS = Option("requests", "whole", "at most N requests of each guideline and language", "N")
STAGES: Mapping[str, StageKind] = {
    "seeds": StageKind(
        "have harmful requests written for every guideline",
        (
            Option("generators", "texts", "an endpoint that writes; may be repeated", "NAME"),
            Option("per-guideline", "whole", "requests of each generator for a guideline", "K", 10),
        ),
        SeedSettings,
        make_seeds,
        ("generators",),
    ),
    "refusals": StageKind(
        "keep the requests that other models refuse",
        (
            Option("models", "texts", "an endpoint that answers; may be repeated", "NAME"),
            Option("at-least", "whole", "so many models must refuse", "N", 2),
            Option("judge", "text", "an endpoint that looks at every answer as well", "NAME"),
            Option(
                "decide", "text", "who decides what is a refusal", "phrases|judge", "phrases",
                ("phrases", "judge"),
            ),
        ),
        RefusalSettings,
        filter_seeds,
        ("models",),
    ),
    "strategies": StageKind(
        "find out what wears a model down, and give it a name",
        (
            Option("attackers", "texts", "an endpoint that asks; may be repeated", "NAME"),
            Option("target", "text", "the endpoint that is asked", "NAME"),
            Option("judge", "text", "the endpoint that scores", "NAME"),
            Option("summariser", "text", "the endpoint that names the difference", "NAME"),
            Option("attempts", "whole", "attempts at each request", "T", 10, least=2),
            Option("draws", "whole", "pairs drawn from each request's log", "K", 10),
            REQUESTS,
        ),
        StrategySettings,
        find_strategies,
        ("attackers", "target", "judge", "summariser"),
    ),
    "dialogues": StageKind(
        "have attackers hold conversations",
        (
            Option("attackers", "texts", "an endpoint that plays the user; may be repeated", "NAME"),
            Option("target", "text", "the endpoint that adaptive attackers talk with", "NAME"),
            Option("turns", "whole", "messages of the user", "N", 3),
            Option(
                "mode", "text", "with the answers in view, or all at once", "adaptive|static", "adaptive",
                ("adaptive", "static"),
            ),
            REQUESTS,
            Option("keep-refused", "flag", "keep what the target refused to the end", default=False),
        ),
        DialogueSettings,
        hold_dialogues,
        ("attackers",),
    ),
    "sample": StageKind(
        "draw the suite by quotas",
        (
            Option("per-cell", "whole", "conversations of each guideline, strategy and language", "N", 5),
            Option("name", "text", "the suite's name", "NAME"),
            Option("version", "text", "the suite's version", "TEXT", "1"),
            Option("note", "text", "what every report says the suite is", "TEXT"),
        ),
        SampleSettings,
        make_sample,
    ),
}  # fmt: skip


def settings_of(stage: str, given: Mapping[str, Any], where: str) -> Any:
    """The settings of a stage from what was given by the options' names."""
    kind = STAGES[stage]
    values = values_of(kind.options, given, where)
    for name in kind.needed:
        if not values[name]:
            raise SettingsError(f"{where}: {name} is missing; expected the name of an endpoint of your own")
    return kind.settings(**{name.replace("-", "_"): value for name, value in values.items()})


def values_of(options: tuple[Option, ...], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Every option's value, checked. Raises `SettingsError` for a key that is none of them."""
    named = {key.replace("_", "-"): value for key, value in given.items()}
    names = {option.name: option for option in options}
    for key in named:
        if key not in names:
            raise SettingsError(f"{where}: unknown key {plain(key)!r}{closest(key, names)}")
    return {
        name: convert(option, named[name], f"{where}: {name}") if name in named else option.default
        for name, option in names.items()
    }


@dataclass(frozen=True)
class BuildPlan:
    """A plan: the common settings by name, and the stages to run, in their order."""

    common: Mapping[str, Any]
    stages: Mapping[str, Any]


def read_plan(path: Path) -> BuildPlan:
    """The plan of a TOML file: common keys on top, one table a stage."""
    data = read_toml(path, SettingsError)
    tables = {name: value for name, value in data.items() if isinstance(value, dict)}
    for name in tables:
        if name not in STAGES:
            raise SettingsError(f"{path}: [{plain(name)}]: no such stage{closest(name, STAGES)}")
    common = values_of(COMMON, {k: v for k, v in data.items() if k not in tables}, str(path))
    if not tables:
        raise SettingsError(f"{path}: no stage; expected a table [{'], ['.join(STAGES)}]")
    found = {name: settings_of(name, tables[name], f"{path}: [{name}]") for name in STAGES if name in tables}
    return BuildPlan(common, found)


def build(workshop: Workshop, stages: Mapping[str, Any]) -> Iterator[str]:
    """Run the stages in their order; the lines of their reports, and the funnel."""
    for name, settings in stages.items():
        yield from STAGES[name].run(workshop, settings)
    yield from funnel(workshop)


PAPER = "3,350 → 1,935 → 54,180 → about 50,000 → 2,345"


def funnel(workshop: Workshop) -> Iterator[str]:
    """From requests to conversations, as the paper counts them, for whatever was run."""
    places = (
        ("seeds", "kept", "requests"),
        ("refusals", "kept", "refused by enough models"),
        ("dialogues", "attempts", "conversations tried"),
        ("dialogues", "kept", "kept"),
        ("sample", "sampled", "in the suite"),
    )
    found = [(workshop.figures(stage).get(key), words) for stage, key, words in places]
    shown = [f"{count:,} {words}" for count, words in found if isinstance(count, int)]
    if shown:
        yield f"funnel: {' → '.join(shown)} (the paper: {PAPER})"
