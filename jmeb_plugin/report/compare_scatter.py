"""The scatter plots of a comparison: size and helpfulness, against safety."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.report.plots import shortened
from jmeb_plugin.report.svg import COLOURS
from jmeb_plugin.scores import HIGHEST, LOWEST

Found = Mapping[str, Any]
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
MARKERS = "os^D"
Box = tuple[float, float, float, float]
NEAR, LETTER = 0.055, 0.023
"""How high a label is, and how wide its letters are, as shares of a plot in a figure of `SMALL` inches."""

SMALL = 4.4


@dataclass(frozen=True, slots=True)
class Dot:
    """A model: its name, place, group, and how far its intervals reach."""

    name: str
    x: float
    y: float
    group: str
    x_span: tuple[float, float] | None = None
    y_span: tuple[float, float] | None = None


def draw_scaling(figure: Any, found: Found, *, paper: bool) -> None:
    """Mean score against size, fine-tunes joined to their bases."""
    axes = figure.subplots()
    rows = [row for row in found["models"] if row["size"] and row["score"]["mean"] is not None]
    dots = [
        Dot(
            row["name"],
            row["size"],
            row["score"]["mean"],
            row["group"],
            y_span=(row["score"]["low"], row["score"]["high"]),
        )
        for row in rows
    ]
    by_name = {dot.name: dot for dot in dots}
    for pair in found["pairs"]:
        if pair["by"] == "base" and {pair["first"], pair["second"]} <= set(by_name):
            join(axes, by_name[pair["second"]], by_name[pair["first"]])
    theirs = []
    if paper:
        for tuned, score, base, before, size in published.TUNED:
            theirs += [Dot(base, size, before, ""), Dot(tuned, size, score, "")]
            join(axes, *theirs[-2:])
    sizes = [dot.x for dot in (*dots, *theirs)]
    axes.set_xscale("log")
    axes.set(
        xlim=(min(sizes) / 1.9, max(sizes) * 2.6), ylim=(LOWEST - 0.2, HIGHEST + 0.4), yticks=range(1, 11, 3)
    )
    ticks = [tick for tick in TICKS if min(sizes) / 1.9 <= tick <= max(sizes) * 2.6]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="@axis.size", ylabel="@axis.mean")
    scatter(figure, axes, dots, theirs, sorted(found["groups"]))


def join(axes: Any, base: Dot, tuned: Dot) -> None:
    """A line from a base to its fine-tune."""
    axes.plot([base.x, tuned.x], [base.y, tuned.y], color=COLOURS["soft"], linewidth=1, alpha=0.45)


def draw_helpfulness(figure: Any, found: Found, *, paper: bool) -> None:
    """Pass rate against accuracy, the mean of a model's languages, in percent."""
    axes = figure.subplots()
    dots = []
    for row in found["models"]:
        values = [part["value"] for part in row["helpfulness"].values() if part["value"] is not None]
        rate = row["safety_pass_rate"]
        if values and rate["value"] is not None:
            x = 100 * sum(values) / len(values)
            dots.append(
                Dot(
                    row["name"],
                    x,
                    100 * rate["value"],
                    row["group"],
                    y_span=(100 * rate["low"], 100 * rate["high"]),
                )
            )
    theirs = [
        Dot(m.name, 100 * mean(m.helpful), 100 * mean(m.safe), "")
        for m in (published.MEDICAL if paper else ())
    ]
    axes.set(xlim=(-3, 112), ylim=(-4, 104), xticks=range(0, 101, 25), yticks=range(0, 101, 25))
    axes.set(xlabel="@axis.helpful", ylabel="@axis.safe")
    scatter(figure, axes, dots, theirs, sorted(found["groups"]))


def mean(values: Mapping[str, float]) -> float:
    """The mean over the languages."""
    return sum(values.values()) / len(values)


def scatter(
    figure: Any, axes: Any, dots: Sequence[Dot], theirs: Sequence[Dot], groups: Sequence[str]
) -> None:
    """The models by group, the paper's hollow and grey, and names where they are clear of each other."""
    for index, group in enumerate(groups):
        own = [dot for dot in dots if dot.group == group]
        colour, marker = COLOURS[f"series-{index % 4}"], MARKERS[index // 4 % 4]
        for dot in own:
            if dot.y_span:
                axes.plot([dot.x, dot.x], dot.y_span, color=colour, linewidth=1.1)
        if own:
            axes.plot(
                [dot.x for dot in own], [dot.y for dot in own], marker, color=colour, ms=5.5, label=group
            )
    if theirs:
        axes.plot(
            [dot.x for dot in theirs], [dot.y for dot in theirs], "o", ms=5, markerfacecolor="none",
            markeredgecolor=COLOURS["soft"], label="@axis.paper",
        )  # fmt: skip
    labels(axes, [*((dot, COLOURS["ink"]) for dot in dots), *((dot, COLOURS["soft"]) for dot in theirs)])
    axes.grid(visible=True, axis="both")
    figure.legend(
        loc="outside upper left", ncols=3, frameon=False, handlelength=0.9, columnspacing=1.2,
        handletextpad=0.4, labelcolor=COLOURS["soft"],
    )  # fmt: skip


def labels(axes: Any, dots: Sequence[tuple[Dot, str]]) -> None:
    """Each name beside its dot, on the first side where it is clear of all else and nearest to its own.

    Where there is none the dot stays without its name: the table has it.
    """
    figure_wide = axes.figure.get_size_inches()[0]
    letter, near = LETTER * SMALL / figure_wide, NEAR * SMALL / figure_wide
    to_share = axes.transData + axes.transAxes.inverted()
    spots = [tuple(to_share.transform((dot.x, dot.y))) for dot, _ in dots]
    boxes = [(x - 0.012, y - 0.02, x + 0.012, y + 0.02) for x, y in spots]
    for (dot, colour), (x, y) in zip(dots, spots, strict=True):
        name = shortened(dot.name, 22)
        sides = [
            (x + 0.02, y, "left"),
            (x - 0.02, y, "right"),
            (x, y - near, "center"),
            (x, y + near, "center"),
        ]
        for side in sides:
            place = box(side, letter * len(name), near)
            if clear(place, boxes) and nearest(side, spots) == (x, y):
                boxes.append(place)
                axes.text(*side[:2], name, color=colour, ha=side[2], va="center", transform=axes.transAxes)
                break


def nearest(side: tuple[float, float, str], spots: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The dot that a label's near end is closest to."""
    return min(spots, key=lambda spot: (spot[0] - side[0]) ** 2 + (spot[1] - side[1]) ** 2)


def box(side: tuple[float, float, str], wide: float, high: float) -> Box:
    """The place that a label takes, in shares of the plot."""
    x, y, align = side
    left = x - {"left": 0.0, "center": wide / 2, "right": wide}[align]
    return left, y - high / 2, left + wide, y + high / 2


def clear(one: Box, others: Sequence[Box]) -> bool:
    """Whether a place is inside the plot and nobody else's."""
    left, low, right, high = one
    inside = left >= 0 and right <= 1.02 and low >= -0.02 and high <= 1.02
    return inside and not any(
        left < other[2] and other[0] < right and low < other[3] and other[1] < high for other in others
    )
