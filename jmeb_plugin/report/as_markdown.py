"""summary.md: for a CI step summary. It holds no text of any conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jmeb_plugin.report.words import (
    early_text,
    gate_row,
    headline,
    model_facts,
    outcomes,
    remarks,
    shown_gates,
    usage_line,
)
from jmeb_plugin.transcript import printable


def markdown_text(results: Mapping[str, Any]) -> str:
    """The summary as Markdown."""
    return "\n".join(lines(results)) + "\n"


def lines(results: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the summary."""
    yield f"# {plain(headline(results))}"
    yield from (f"\n**{text}**" for text in [early_text(results)] if text)
    for name, model in results["models"].items():
        yield ""
        yield f"## {plain(name)}"
        yield ""
        yield f"{outcomes(model['conversations'])}; {usage_line(model['usage'])}."
        yield ""
        yield "| | |"
        yield "|---|---|"
        yield from (f"| {label.strip()} | {plain(text)} |" for label, text in model_facts(model))
        gates = [gate for gate in shown_gates(results["gates"]) if gate["model"] == name]
        yield from (
            ("", "| gate | state | figures |", "|---|---|---|") if gates else ("", "No gate was decided.")
        )
        for state, title, figures in map(gate_row, gates):
            yield f"| {plain(title)} | {'**fails**' if state == 'fails' else state} | {plain(figures)} |"
    yield ""
    yield from (f"- {plain(remark)}" for remark in remarks(results))


def plain(text: str) -> str:
    """A text that cannot leave its table cell or become markup."""
    for sign in ("\\", "|", "<", ">", "`", "[", "]", "*"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(printable(text).split())
