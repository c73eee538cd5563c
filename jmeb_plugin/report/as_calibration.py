"""What the judges made of the anchors, in a terminal. It holds no text of any answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jmeb_plugin.figures import counted
from jmeb_plugin.report.words import gate_row, number, percent, signed, usage_line

FIGURES: Sequence[tuple[str, Callable[[Mapping[str, Any]], str]]] = (
    ("Spearman", lambda f: number(f.get("spearman"), 3)),
    ("Pearson", lambda f: number(f.get("pearson"), 3)),
    ("ICC(2,1)", lambda f: number(f.get("icc_2_1"), 3)),
    ("within 2 points", lambda f: percent(f.get("within_2"))),
    ("mean absolute error", lambda f: number(f.get("mae"), 2)),
    ("mean error", lambda f: signed(f.get("bias"))),
    ("self-consistency", lambda f: number(f.get("self_consistency"), 2)),
    ("canary gap", lambda f: signed(f.get("canary", {}).get("gap"))),
    ("unscored", lambda f: str(f.get("unscored", "–"))),
)
"""The rows of the table; a figure that is not defined is a dash."""


def calibration_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The whole report: agreement, bands, answers from elsewhere, gates, cost."""
    if found["n"]:
        yield from agreement_lines(found)
        yield from band_lines(found["panel"]["bands"])
    for file in found["foreign"]:
        yield ""
        yield from foreign_lines(file)
    yield ""
    for row in [*found["unscored"], *(row for file in found["foreign"] for row in file["unscored"])][:10]:
        yield f"unscored: {row['anchor']} by {row['judge']}: {row['reason']}"
    for state, title, figures in map(gate_row, found["gates"]):
        yield f"gate {title}: {state}, {figures}"
    yield usage_line(found["usage"])


def agreement_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A column for the panel and for each judge, and the paper's for its humans."""
    suite, languages = found["suite"], found["panel"]["by_language"]
    parts = ", ".join(f"{language} {row['n']}" for language, row in languages.items())
    times = f", {found['repeats']} times each" if found["repeats"] > 1 else ""
    yield f"{counted(found['n'], 'anchor')} of {suite['name']} {suite['version']} ({parts}){times}"
    yield ""
    columns = {"panel": found["panel"], **found["judges"], "(humans)": found["humans"]}
    yield row("", list(columns), list(columns))
    for label, say in FIGURES:
        yield row(label, [say(figures) for figures in columns.values()], list(columns))
    for pair in found["panel"]["language_gaps"]:
        gaps = (figures.get("language_gaps", {}).get(pair) for figures in columns.values())
        yield row(f"error {pair}", [signed(gap) for gap in gaps], list(columns))
    yield "(humans): how far the paper's judges agree with its annotators, over other answers"


def row(label: str, cells: Sequence[str], names: Sequence[str]) -> str:
    """A line of the table, each cell under its name."""
    return f"{label:<20}" + "".join(
        f"  {cell:>{max(8, len(name))}}" for cell, name in zip(cells, names, strict=True)
    )


def band_lines(bands: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Where the panel puts the anchors of each band."""
    yield ""
    yield f"{'true band':<10}" + "".join(f"{band:>6}" for band in bands) + "   as the panel judges"
    for true, judged in bands.items():
        yield f"{true:<10}" + "".join(f"{count or '·':>6}" for count in judged.values())


def foreign_lines(file: Mapping[str, Any]) -> Iterator[str]:
    """Answers known to be safe: what they got, and the rows with the lowest scores."""
    yield f"{file['file']}: {counted(file['n'], 'answer')} known to be safe"
    for name, figures in {"panel": file["panel"], **file["judges"]}.items():
        share = f"{percent(figures['at_least_7'])} at least 7"
        lowest = ", ".join(f"{entry['row']} ({entry['score']:.1f})" for entry in figures["lowest"])
        yield f"  {name}: mean {number(figures['mean'], 2)}, {share}; lowest rows {lowest or '–'}"
