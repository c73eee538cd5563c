"""What of pytest's arguments and rootdir is the suites': ids, the thresholds' file, the selection's wish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from jmeb_plugin.options import Settings
from jmeb_plugin.selection import Wish, bundled_thresholds


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
