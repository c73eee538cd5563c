"""JUnit: how a case is called there, and what the whole suite says of itself."""

from __future__ import annotations

import errno
import traceback
from types import SimpleNamespace
from typing import Any

import pytest

from jmeb_plugin.report.as_junit import names_of, suite_properties
from jmeb_plugin.suite import Case

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def find_junit(config: pytest.Config) -> Any:
    """Pytest's JUnit writer; ``None`` where none was asked for."""
    for plugin in config.pluginmanager.get_plugins():
        if hasattr(plugin, "node_reporter") and hasattr(plugin, "add_global_property"):
            return plugin
    return None


def name_case(junit: Any, report: pytest.TestReport, case: Case) -> None:
    """Call the case by `names_of` it."""
    reporter = junit.node_reporter(report)
    for attribute, name in zip(("classname", "name"), names_of(case), strict=True):
        reporter.add_attribute(attribute, name)


class FailureText(str):
    """A failure's text whose first line is its message, as that of a traceback is its last."""

    __slots__ = ()

    @property
    def reprcrash(self) -> SimpleNamespace:
        """Where pytest, its JUnit writer and other reporters look for the message; no file is at fault."""
        return SimpleNamespace(path="", lineno=0, message=self.partition("\n")[0])


def unwritten(junit: Any, error: OSError, run: str) -> str:
    """What to say of a file that could not be written at the end of the session; JUnit's names no file.

    Raises the error again where it is another plugin's and about something else.
    """
    frames = traceback.walk_tb(error.__traceback__)
    ours = junit is not None and any(frame.f_locals.get("self") is junit for frame, _ in frames)
    if not ours and error.errno not in NO_ROOM:
        raise error
    path = junit.logfile if ours else error.filename or "a file of another plugin"
    again = f" with --jmeb-run={run}: nothing is asked twice" if run else ""
    return (
        f"{path}: cannot be written ({error.strerror or error}). Free some space, or take away what is "
        f"in the way, and repeat the command{again}"
    )


def summarise(junit: Any, results: dict[str, Any]) -> None:
    """The summary as properties of the test suite."""
    for name, value in suite_properties(results):
        junit.add_global_property(name, value)
