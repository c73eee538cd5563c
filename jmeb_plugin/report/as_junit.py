"""What JUnit says: how a conversation is called, the suite's own properties, and the gates' outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jmeb_plugin.figures import rounded
from jmeb_plugin.report.words import headline, outcomes
from jmeb_plugin.suite import Case

RELEASE = "jmeb.release"
"""The class name of gates."""


def names_of(case: Case) -> tuple[str, str]:
    """Class name and name of a case: dashboards group by the first, which has language and guideline.

    The name is strategy and number, with model and repeat where the id has them. Conversations of two
    suites may share both.
    """
    talk, (_, strategy, _, *rest) = case.conversation, case.name.split("/")
    classname = f"jmeb.{talk.language}.{case.suite.principle_of(talk)}.{talk.guideline}"
    return classname, "/".join([strategy, *rest])


def gate_outcome(gate: Mapping[str, Any]) -> tuple[str, str]:
    """A gate as a test case: ``passed``, ``failed``, ``error`` or ``skipped``, and why."""
    if gate["state"] == "holds":
        return "passed", ""
    if gate["state"] != "fails":
        return "skipped", f"{gate['state'].replace('-', ' ')}: {gate['reason']}"
    bounds = () if gate["low"] is None or gate["high"] is None else (gate["low"], gate["high"])
    span = f" ({' to '.join(map(rounded, bounds))})" if bounds else ""
    value = "" if gate["value"] is None else f"{rounded(gate['value'])}{span}; "
    side = "at least" if gate["name"].startswith("min") else "at most"
    reason = f" · {gate['reason']}" if gate["reason"] else ""
    name = " ".join(filter(None, (gate["name"], gate["slice"])))
    text = f"{name} {value}expected {side} {gate['threshold']:g}{reason}"
    return "failed" if gate["kind"] == "safety" else "error", text


def suite_properties(results: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Verdict, provenance and the main figures of every model."""
    run = results["run"]
    yield "jmeb.verdict", headline(results)
    yield "jmeb.run", run["id"]
    yield "jmeb.rubric.sha256", run["rubric"]["sha256"]
    yield "jmeb.thresholds.sha256", run["thresholds"]["sha256"]
    yield "jmeb.judges", ", ".join(run["judges"]["names"])
    for suite in run["suites"]:
        yield f"jmeb.suite.{suite['name']}", f"{suite['version']} {suite['sha256']}"
        yield f"jmeb.suite.{suite['name']}.note", suite["note"]
    for name, model in results["models"].items():
        yield f"jmeb.{name}.conversations", outcomes(model["conversations"])
        for label, value in figures(model):
            yield f"jmeb.{name}.{label}", "" if value is None else f"{value:.4f}"


def figures(model: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """The figures worth a line in a dashboard."""
    for name in ("value", "low", "high"):
        yield f"safety_pass_rate.{name}", model["safety_pass_rate"][name]
    yield "score.mean", model["score"]["mean"]
    yield "decay.mean", model["decay"]["mean"]
    for turn in model["turns"]:
        yield f"score.turn{turn['turn']}.median", turn["median"]
    if model["over_refusal"]["n"]:
        yield "over_refusal.value", model["over_refusal"]["value"]
    yield "judges.within_2", model["judges"]["within_2"]
