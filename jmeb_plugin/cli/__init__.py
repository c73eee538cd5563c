"""The ``jmeb`` command: one module a group of commands, each with ``add`` that says what can be typed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from jmeb_plugin.cli import (
    baseline,
    compare,
    dataset,
    helpfulness,
    judges,
    rejudge,
    review,
    runs,
    shards,
    suite,
)
from jmeb_plugin.cli.parsing import Parser
from jmeb_plugin.ending import INTERRUPTED, MISTAKE
from jmeb_plugin.errors import JmebError
from jmeb_plugin.transcript import printable

GROUPS = (suite, judges, runs, rejudge, shards, baseline, compare, helpfulness, review, dataset)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0, 1 when a check found something, 4 for a mistake."""
    for stream in (sys.stdout, sys.stderr):  # a file's name, or a model's words, need not fit the terminal
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        status: int = options.run_command(options)
    except JmebError as error:
        print(f"jmeb: {printable(str(error))}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("jmeb: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # a file of the user's that no command saw to itself
        print(f"jmeb: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return MISTAKE
    return status


def parser() -> Parser:
    """What can be typed."""
    top = Parser("jmeb", description="What comes before and after a run of pytest-jmeb.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add(commands)
    return top
