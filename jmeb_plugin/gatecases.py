"""Gates as test cases: reported after the last conversation, like any other test."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from jmeb_plugin.report.as_junit import RELEASE, gate_outcome

if TYPE_CHECKING:
    from jmeb_plugin.gates import Gate


def emit_gates(session: pytest.Session, gates: Sequence[Gate], named: bool) -> int:
    """Report every gate that is not off; returns how many are errors of the measurement.

    ``named``: several models are tested, so that a gate's id carries the model. The caches of
    ``--lf`` and ``--sw`` are left out: a gate cannot be run again by itself.
    """
    shown = [gate for gate in gates if gate.state != "off"]
    manager = session.config.pluginmanager
    session.testscollected += len(shown)
    reporter = manager.get_plugin("terminalreporter")
    if reporter is not None and session.config.get_verbosity() <= 0:
        reporter.write_line("")
    caches = [p for p in map(manager.get_plugin, ("lfplugin", "stepwiseplugin", "stepwise")) if p is not None]
    hooks = {
        name: manager.subset_hook_caller(f"pytest_runtest_{name}", caches)
        for name in ("logstart", "logreport", "logfinish")
    }
    for gate in shown:
        name = "/".join(filter(None, (gate.name, gate.slice.replace("=", "/"), gate.model if named else "")))
        nodeid, location = f"{RELEASE}::{name}", (RELEASE, None, name)
        hooks["logstart"](nodeid=nodeid, location=location)
        for report in reports(gate, nodeid, location):
            hooks["logreport"](report=report)
        hooks["logfinish"](nodeid=nodeid, location=location)
    return sum(gate.state == "fails" and gate.kind == "measurement" for gate in shown)


def reports(gate: Gate, nodeid: str, location: tuple[str, None, str]) -> Iterator[pytest.TestReport]:
    """Setup, call and teardown of one gate."""
    became, text = gate_outcome(asdict(gate))
    outcome = "failed" if became == "error" else became
    ends_in_setup = became in ("skipped", "error")
    yield report(nodeid, location, "setup", outcome if ends_in_setup else "passed", text)
    if not ends_in_setup:
        yield report(nodeid, location, "call", outcome, text)
    yield report(nodeid, location, "teardown", "passed", "", properties(gate))


def properties(gate: Gate) -> list[tuple[str, object]]:
    """What JUnit shows of a gate."""
    facts = {
        "state": gate.state,
        "kind": gate.kind,
        "model": gate.model,
        "threshold": gate.threshold,
        "value": gate.value,
        "low": gate.low,
        "high": gate.high,
    }
    return [
        (f"jmeb.gate.{name}", f"{value:.6g}" if isinstance(value, float) else value)
        for name, value in facts.items()
        if value is not None
    ]


def report(
    nodeid: str, location: tuple[str, None, str], when: Any, outcome: Any, text: str,
    found: Sequence[tuple[str, object]] = (),
) -> pytest.TestReport:  # fmt: skip
    """One phase as pytest's own report."""
    longrepr: Any = None
    if outcome == "skipped":
        longrepr = (location[0], 0, f"Skipped: {text}")
    elif outcome == "failed":
        longrepr = text
    now = time.time()
    return pytest.TestReport(
        nodeid=nodeid, location=location, keywords={"jmeb": 1}, outcome=outcome, longrepr=longrepr,
        when=when, sections=(), duration=0.0, start=now, stop=now, user_properties=list(found),
    )  # fmt: skip
