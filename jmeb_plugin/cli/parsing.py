"""How the ``jmeb`` command is typed: parsers whose mistakes end as every other one does."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # noqa: SLF001 - argparse names no public type
else:
    Commands = object


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors end with 4."""

    def error(self, message: str) -> NoReturn:
        """Say how it is used and what is wrong, and end with 4."""
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")
