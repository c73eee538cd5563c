"""How the ``jmeb`` command is typed, and the settings that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jmeb_plugin.clients.target import check_targets
from jmeb_plugin.endpoints import Endpoint, load_endpoints, resolve, variable
from jmeb_plugin.errors import SettingsError
from jmeb_plugin.folder import check_name
from jmeb_plugin.selection import bundled_thresholds
from jmeb_plugin.table import OPTIONS, convert, find_root, load_table
from jmeb_plugin.thresholds import Thresholds, load_thresholds

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # noqa: SLF001 - argparse names no public type
else:
    Commands = object

DEMO_JUDGES = ("demo/judge-a", "demo/judge-b")


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors end with 4."""

    def error(self, message: str) -> NoReturn:
        """Say how it is used and what is wrong, and end with 4."""
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def add_out(parser: Parser) -> None:
    """``--out`` and ``--config``: where runs are kept, and the table's file."""
    parser.add_argument("--out", metavar="DIR", help="where runs are kept (.jmeb)")
    parser.add_argument("--config", metavar="FILE", help="TOML holding the jmeb table (pyproject.toml)")


def add_asking(parser: Parser) -> None:
    """The options of a command that asks endpoints: limits, and the name of what it leaves."""
    add_out(parser)
    parser.add_argument("--run", metavar="ID", help="the name of its folder; an unfinished one goes on")
    parser.add_argument("--concurrency", metavar="N", help="requests in flight (64)")
    parser.add_argument("--budget", metavar="USD", help="stop asking before the price passes it")


def run_name(options: argparse.Namespace, default: str) -> str:
    """The name asked for by ``--run``, else the default."""
    return check_name(options.run or "", "--run") or default


def add_thresholds(parser: Parser) -> None:
    """``--thresholds``."""
    parser.add_argument(
        "--thresholds", metavar="PATH", help="default: thresholds.yaml beside the runs, else the bundled one"
    )


def root() -> Path:
    """What pytest's rootdir is to a run: `find_root` of the working directory, else that itself."""
    return find_root(Path.cwd()) or Path.cwd()


def table_of(options: argparse.Namespace) -> tuple[Mapping[str, Any], str]:
    """The ``jmeb`` table and its file, as a run in this folder finds it."""
    if options.config:
        path, named = Path.cwd() / options.config, "--config"
    else:
        given = variable("JMEB_CONFIG")
        path, named = root() / (given or "pyproject.toml"), "JMEB_CONFIG" if given else ""
    return load_table(path, named=named), str(path)


def setting(options: argparse.Namespace, name: str) -> Any:
    """An option's value: command line > environment > table > default, as for a run."""
    option = next(o for o in OPTIONS if o.name == name)
    given = getattr(options, name, None)
    if given is not None:
        return convert(option, given, f"--{name}")
    label = f"JMEB_{name.upper()}"
    if (text := variable(label)) is not None:
        return convert(option, text, label)
    table, where = table_of(options)
    return convert(option, table[name], f"{where}: {name}") if name in table else option.default


def path_of(options: argparse.Namespace, name: str) -> Path | None:
    """An option that is a path: from the working directory if it was typed, else from the root."""
    value = setting(options, name)
    return None if value is None else (Path.cwd() if getattr(options, name, None) else root()) / value


def out_folder(options: argparse.Namespace) -> Path:
    """Where runs are kept."""
    return path_of(options, "out") or root() / ".jmeb"


def find_endpoints(
    options: argparse.Namespace, names: Sequence[str] | None, listed: str = ""
) -> tuple[Endpoint, ...]:
    """The endpoints of these names, their key variables checked.

    Without names, those that the environment or the table has under ``listed`` (``judges``), else none.
    """
    table, where = table_of(options)
    endpoints = load_endpoints(table.get("endpoints", {}), where)
    if not names and listed:
        text = variable(f"JMEB_{listed.removesuffix('s').upper()}") or ""
        names = [part.strip() for part in text.split(",") if part.strip()] or table.get(listed, ())
    if isinstance(names, str) or not all(isinstance(name, str) for name in names or ()):
        raise SettingsError(f"{where}: {listed}: expected a list of names")
    found = tuple(resolve(name, endpoints) for name in dict.fromkeys(names or ()))
    for endpoint in found:
        endpoint.check_environment()
    check_targets(found)
    return found


def thresholds_of(options: argparse.Namespace, run: Path | None = None) -> Thresholds:
    """The thresholds asked for, else those that a run here would be held against.

    Where nobody asked for any, those beside the ``.jmeb`` that a ``run`` is kept in come first.
    """
    if given := path_of(options, "thresholds"):
        return load_thresholds(given)
    folders = (run and find_root(run.resolve()), root())
    own = [folder / "thresholds.yaml" for folder in folders if folder]
    return load_thresholds(next((path for path in own if path.is_file()), bundled_thresholds()))
