"""What of pytest's arguments and rootdir is the suites': ids, the thresholds' file, the selection's wish."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from jmeb_plugin.endpoints import variable
from jmeb_plugin.errors import SettingsError, UserMistake
from jmeb_plugin.options import Settings
from jmeb_plugin.selection import Wish, bundled_thresholds
from jmeb_plugin.table import OPTIONS

VALUED = {f"--jmeb-{option.name}" for option in OPTIONS if option.kind != "flag"}
CONFIGURATIONS = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg",
    "setup.py",
)  # fmt: skip
"""The files by which pytest may know a rootdir."""

UNFIT = {
    "setuponly": "--setup-only would hold every conversation and decide none; expected --jmeb-plan",
    "forked": "--forked would hold every conversation in a process that is gone; expected -n",
}


def refuse_unfit(config: pytest.Config) -> None:
    """Raise `UserMistake` for an option of others that no run goes together with."""
    if config.getoption("dist", "no") == "each":
        raise UserMistake(
            "--dist each would ask every worker for every conversation; expected load or another"
        )
    for option, why in UNFIT.items():
        if config.getoption(option, False):
            raise UserMistake(why)


def refuse_strayed_root(config: pytest.Config) -> None:
    """Raise where a value of ours made pytest look for its rootdir, and thresholds.yaml, elsewhere.

    pytest finds its rootdir before it knows our options: what stands after a blank and exists is a
    test path to it. Whether the rootdir would be another one without it is told by what stands between.
    """
    here, root = config.invocation_params.dir, config.rootpath
    if config.getoption("rootdir", None) or Path(config.getoption("inifilename", None) or "").is_file():
        return
    for option, value in parted(config):
        path = Path(os.path.normpath(here / value))
        beyond = not path.is_relative_to(here) or (root != here and root.is_relative_to(here))
        if beyond and exists(path) and strayed(root, config.inipath, here):
            raise SettingsError(
                f"{option} {value}: pytest takes what stands after a blank for a path to tests, and its "
                f"rootdir is {root} by that; expected {option}={value}"
            )


def exists(path: Path) -> bool:
    """Whether there is something, as far as one may look: a long pattern is no path at all."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def strayed(root: Path, inifile: Path | None, here: Path) -> bool:
    """Whether the rootdir is another one than a search from the working directory upwards gives."""
    if inifile is None and not (root / "setup.py").is_file():
        return root != here
    below = [folder for folder in (here, *here.parents) if folder != root and folder.is_relative_to(root)]
    nearer = any((folder / name).is_file() for folder in below for name in CONFIGURATIONS)
    return nearer or not here.is_relative_to(root)


def parted(config: pytest.Config) -> Iterator[tuple[str, str]]:
    """Our options that have their value after a blank."""
    extra = shlex.split(variable("PYTEST_ADDOPTS") or "")
    typed = expanded(config.invocation_params.dir, [*extra, *map(str, config.invocation_params.args)])
    for option, value in pairwise(typed):
        if option in VALUED and not value.startswith("-"):
            yield option, value.partition("::")[0]


def expanded(here: Path, arguments: Sequence[str]) -> Iterator[str]:
    """The arguments, with those that an ``@file`` holds in its place."""
    for argument in arguments:
        if not argument.startswith("@"):
            yield argument
            continue
        with contextlib.suppress(OSError, ValueError):
            yield from (here / argument[1:]).read_text().splitlines()


def wish_of(settings: Settings) -> Wish:
    """What the settings ask to select."""
    return Wish(
        suites=list(zip(settings.suites, settings.suite_bases, strict=True)),
        models=[endpoint.name for endpoint in settings.targets],
        ids=settings.ids,
        sample=settings.sample,
        total=settings.total,
        seed=settings.seed,
        repeats=settings.repeats,
    )


def thresholds_path(config: pytest.Config, settings: Settings) -> Path:
    """The file that was asked for, else the rootdir's, else the bundled one."""
    own = config.rootpath / "thresholds.yaml"
    return settings.thresholds or (own if own.is_file() else bundled_thresholds())


def take_ids(config: pytest.Config, names: Sequence[str]) -> list[str]:
    """Take the suites' ids out of pytest's arguments; without any path, nothing else is collected.

    An id may carry folders before it, as pytest prints it from a subfolder (``../jmeb::B-13/…``).
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []
        config.args_source = pytest.Config.ArgsSource.ARGS
    typed, kept = [], []
    for argument in config.args:
        head, colons, rest = str(argument).partition("::")
        name = head.replace("\\", "/").rpartition("/")[2]
        if name in names and colons:
            typed.append(f"{name}::{rest}")
        elif not (name == head and name in names and not (config.invocation_params.dir / name).exists()):
            kept.append(argument)
    config.args = kept
    return typed
