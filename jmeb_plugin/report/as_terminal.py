"""The terminal: the summary a person reads in ten seconds, and the line while the run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jmeb_plugin.report.words import (
    early_text,
    gate_row,
    headline,
    model_facts,
    money,
    outcomes,
    remarks,
    shown_gates,
    tokens,
    usage_line,
)

MARKS = {
    "holds": "ok",
    "fails": "FAILS",
    "cannot-tell": "?",
    "partial": "partial",
    "not-asked": "-",
}


def summary_lines(results: Mapping[str, Any], folder: str, losses: Sequence[str] = ()) -> Iterator[str]:
    """The whole summary: the verdict first, then what could not be written."""
    yield headline(results)
    yield from filter(None, [early_text(results)])
    yield from (f"NOT WRITTEN: {loss}" for loss in losses if loss != results["run"]["exit_reason"])
    for name, model in results["models"].items():
        yield ""
        yield f"{name} · {outcomes(model['conversations'])}"
        yield from (f"  {label:<17} {text}" for label, text in model_facts(model))
        yield f"  {'cost':<17} {usage_line(model['usage'])}"
        gates = [gate for gate in shown_gates(results["gates"]) if gate["model"] == name]
        for state, title, figures in map(gate_row, gates):
            yield f"  gate {MARKS[state]:<7} {title:<34} {figures}".rstrip()
    yield ""
    yield from remarks(results)
    if not losses:
        yield f"files: {folder} (report.html, results.json, scores.csv, summary.md, journal.sqlite)"


def status_line(progress: Any) -> str:
    """One line on how far the run is. ``progress`` is the runner's `Progress`."""
    speed = progress.answers / progress.seconds if progress.seconds else 0.0
    parts = [
        f"{progress.done}/{progress.total} conversations",
        *([f"waiting: {progress.trouble}"] if progress.trouble else []),
        f"{progress.in_flight} in flight",
        f"{speed:.{0 if speed >= 10 else 1}f} answers/s",
        f"{tokens(progress.tokens)} tokens",
    ]
    if progress.usd:
        parts.append(money(progress.usd))
    if 0 < progress.done < progress.total and not progress.trouble:
        left = progress.seconds / progress.done * (progress.total - progress.done)
        parts.append(f"about {int(left // 60)}:{int(left % 60):02d} to go")
    return "jmeb: " + " · ".join(parts)


def outage_line(progress: Any) -> str:
    """One line for when an endpoint has stopped answering; what follows is that it is asked on."""
    seconds = f"{progress.waiting:.0f} s"
    return f"jmeb: no answer for {seconds}, asking again and again: {progress.trouble}"


def recovery_line(trouble: str, seconds: float) -> str:
    """One line for when an endpoint that had stopped answering answers again."""
    return f"jmeb: there are answers again after {seconds:.0f} s of: {trouble}"
