"""A run's folder: private, ignored by git, used by one process at a time; and whole files in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import re
from pathlib import Path
from typing import IO

from jmeb_plugin.errors import RunError, SettingsError, plain

LATEST = "latest"
"""The word for the run that was written last, which therefore can name none."""

NAME = re.compile(r"(?!\.)[\w.-]+")


def wrong_name(name: str) -> str:
    """Why ``name`` cannot name a run's folder, which stays within the out folder; empty if it can."""
    if name == LATEST:
        return f"{name!r} means the run that was written last; expected another name"
    if NAME.fullmatch(name):
        return ""
    return f"{plain(name)!r} cannot name a folder; expected letters, digits, '.', '-', '_'"


def check_name(name: str, option: str) -> str:
    """A run's name, which may be empty where none was given. Raises `SettingsError` for a `wrong_name`."""
    if name and (problem := wrong_name(name)):
        raise SettingsError(f"{option}: {problem}")
    return name


def make_folder(out: Path, run: str) -> Path:
    """The folder of a run: readable by its owner alone, and ignored by git.

    Without a name it is named by the time. Raises `RunError` for a `wrong_name`, and where it cannot be made.
    """
    if run and (problem := wrong_name(run)):
        raise RunError(problem)
    name = run or dt.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = out / ".gitignore"
        if not ignore.exists() or not ignore.stat().st_size:  # a full disk leaves it empty
            ignore.write_text("*\n")
        folder, count = out / name, 1
        while not run and folder.exists():
            count += 1
            folder = out / f"{name}-{count}"
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise RunError(f"{out / name}: cannot be made ({error.strerror})") from None
    return folder


def take_lock(folder: Path) -> IO[str]:
    """An exclusive lock on the folder, held until the returned file is closed."""
    try:
        stream = (folder / "lock").open("w")
        (folder / "lock").chmod(0o600)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise RunError(
            f"{folder}: another process is running this run; wait for it or give another --jmeb-run"
        ) from None
    return stream


def write_whole(path: Path, text: str) -> None:
    """Write the file at once, so that nobody ever finds half of it; `OSError` names it, not a draft."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
