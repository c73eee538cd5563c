"""JUnit files of shards joined to one, with the gates of the joined run in the place of the shards'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import RunError, plain
from jmeb_plugin.report.as_junit import RELEASE, gate_outcome, suite_properties
from jmeb_plugin.user_file import read_bytes


def join_junit(files: Sequence[Path], target: Path, results: Mapping[str, Any]) -> None:
    """Write the joined file. Raises `RunError` for a file that is no JUnit XML."""
    from junitparser import JUnitXml, TestSuite

    suite = TestSuite("pytest")
    for path in files:
        for case in read_cases(path):
            if case.classname != RELEASE:
                suite.add_testcase(case)
    suite.add_testcases(list(gate_cases(results)))
    suite.time = round(sum(case.time or 0.0 for case in suite), 3)
    for name, value in suite_properties(results):
        suite.add_property(name, value)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    document = JUnitXml("pytest tests")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    document.write(str(target), pretty=False)


def read_cases(path: Path) -> Iterable[Any]:
    """Every test case of a file."""
    from junitparser import JUnitXml, JUnitXmlError, TestSuite

    raw = read_bytes(path, RunError)
    try:
        found = JUnitXml.fromstring(raw)
        suites = [found] if isinstance(found, TestSuite) else list(found)
        cases = [case for suite in suites for case in suite]
        _ = [(case.time, case.classname) for case in cases]
    except (ValueError, LookupError, TypeError, AttributeError, SyntaxError, JUnitXmlError) as error:
        raise RunError(f"{path}: cannot be read as JUnit XML ({plain(str(error))})") from None
    return cases


def gate_cases(results: Mapping[str, Any]) -> Iterable[Any]:
    """The gates that are not off, as they are reported while pytest runs."""
    from junitparser import Error, Failure, Skipped, TestCase

    kinds = {"failed": Failure, "error": Error, "skipped": Skipped}
    several = len(results["models"]) > 1
    for gate in results["gates"]:
        if gate["state"] == "off":
            continue
        parts = (gate["name"], gate["slice"].replace("=", "/"), gate["model"] if several else "")
        case = TestCase("/".join(filter(None, parts)), RELEASE, 0.0)
        outcome, text = gate_outcome(gate)
        if outcome != "passed":
            case.result = [kinds[outcome](text)]
        yield case
