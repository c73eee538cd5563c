"""The figures of a comparison, in the page's own style: courses, bands, languages, differences.

Each takes what `comparison.compare` found. What is the paper's is grey and hollow or dashed, and only
there when it was asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.report.compare_scatter import draw_helpfulness, draw_scaling
from jmeb_plugin.report.compare_tables import ranked
from jmeb_plugin.report.plots import drawn, shortened
from jmeb_plugin.report.svg import COLOURS
from jmeb_plugin.scores import HIGHEST, LOWEST

Found = Mapping[str, Any]
Paint = Callable[[Any], None]
PANELS = 6
"""Courses in a row, at most."""

WIDE, ALONE = 11.0, 6.8
"""Inches of a figure over the whole page, and of one that stands alone."""

FEW = 8
"""Models whose names fit into a small scatter plot."""

NAMES = 11
"""The size that names are given room for; a page's fonts may be wider than the one they are measured by."""

ROW = 0.24
"""Inches that a row of a figure takes."""

BANDS = ("1–2", "3–4", "5–6", "7–8", "9–10")


def figures(found: Found, *, paper: bool) -> dict[str, str]:
    """The figures by name, as SVG; only those that there is something to draw of."""
    scored = [row for row in ranked(found) if row["turns"]]
    spoken = [row for row in scored if len(row["languages"]) > 1]
    strategies = sorted(found["strategies"], key=lambda row: (row["mean"], row["strategy"]))
    square = (4.4, 3.2) if len(found["models"]) <= FEW else (ALONE, 4.6)
    paints: dict[str, tuple[bool, Paint, tuple[float, float]]] = {
        "courses": (
            bool(scored),
            lambda figure: draw_courses(figure, scored, found, paper=paper),
            (WIDE, 0.6 + 1.8 * -(-len(scored) // columns_of(len(scored)))),
        ),
        "turns": (
            bool(scored),
            lambda figure: draw_bands(figure, turn_bands(found)),
            tall(5),
        ),
        "strategies": (
            len(strategies) > 1,
            lambda figure: draw_bands(figure, strategy_bands(strategies)),
            tall(len(strategies) + 2),
        ),
        "languages": (
            bool(spoken),
            lambda figure: draw_languages(figure, spoken),
            tall(len(spoken) + 2),
        ),
        "pairs": (
            any(row["difference"]["n"] for row in found["pairs"]),
            lambda figure: draw_pairs(figure, found["pairs"]),
            tall(len(found["pairs"]) + 2),
        ),
        "scaling": (
            bool(found["scaling"]["n"]),
            lambda figure: draw_scaling(figure, found, paper=paper),
            square,
        ),
        "helpfulness": (
            bool(found["helpfulness"]["n"]),
            lambda figure: draw_helpfulness(figure, found, paper=paper),
            square,
        ),
    }
    with warnings.catch_warnings(action="ignore"):
        return {
            name: drawn(f"compare-{name}", paint, size)
            for name, (there, paint, size) in paints.items()
            if there
        }


def tall(rows: int) -> tuple[float, float]:
    """The size of a figure of so many rows."""
    return ALONE, ROW * rows + 0.7


def columns_of(panels: int) -> int:
    """Into how many columns panels are laid, so that no row is much emptier than another."""
    rows = max(1, -(-panels // PANELS))
    return max(1, -(-panels // rows))


def draw_courses(figure: Any, rows: Sequence[Found], found: Found, *, paper: bool) -> None:
    """A panel a model: median and middle half of each turn, and the median of all models."""
    columns = columns_of(len(rows))
    panels = figure.subplots(
        -(-len(rows) // columns), columns, sharex=True, sharey=True, squeeze=False
    ).ravel()
    middle = [turn["median"] for turn in found["turns"]["rows"]]
    for axes, row in zip(panels, rows, strict=False):
        turns = row["turns"]
        places = range(len(turns))
        axes.plot(range(len(middle)), middle, color=COLOURS["soft"], linewidth=1, alpha=0.6)
        if paper:
            axes.plot(
                range(3),
                published.MEDIANS,
                color=COLOURS["soft"],
                linewidth=1,
                alpha=0.6,
                linestyle=(0, (3, 2)),
            )
        low, high = [turn["q1"] for turn in turns], [turn["q3"] for turn in turns]
        axes.fill_between(places, low, high, color=COLOURS["series-0"], alpha=0.18, linewidth=0)
        medians = [turn["median"] for turn in turns]
        axes.plot(places, medians, color=COLOURS["series-0"], linewidth=1.8, marker="o", markersize=3.5)
        axes.set_title(shortened(row["name"], 20), color=COLOURS["ink"])
        axes.set(ylim=(LOWEST - 0.3, HIGHEST + 0.3), yticks=range(1, 11, 3))
        axes.set_xticks(list(range(len(middle))), [str(place) for place in range(len(middle))])
    for axes in panels[len(rows) :]:
        axes.set_visible(False)
    figure.supxlabel("@axis.turn", color=COLOURS["soft"], fontsize=9.5)
    figure.supylabel("@axis.score", color=COLOURS["soft"], fontsize=9.5)


Bar = tuple[str, Sequence[float], str]
"""What a stacked bar says before it, its shares, and what it says behind it."""


def turn_bands(found: Found) -> list[Bar]:
    """A bar a turn, with its median, marked where it differs from the first."""
    against = {
        test["turns"][1]: test["p_adjusted"] for test in found["turns"]["tests"] if test["turns"][0] == 0
    }
    return [
        (f"@axis.turn {row['turn']}", row["bands"], f"{row['median']:.1f}{stars(against.get(row['turn']))}")
        for row in found["turns"]["rows"]
    ]


def strategy_bands(rows: Sequence[Found]) -> list[Bar]:
    """A bar a strategy, with its median, marked where it differs from all others."""
    return [
        (f"@strategy.{row['strategy']}", row["bands"], f"{row['median']:.1f}{stars(row['p_adjusted'])}")
        for row in rows
    ]


def stars(p: float | None) -> str:
    """As many as papers give: for 0.05, 0.01 and 0.001."""
    count = sum(p is not None and p < level for level in (0.05, 0.01, 0.001))
    return f" {'*' * count}" if count else ""


def draw_bands(figure: Any, bars: Sequence[Bar]) -> None:
    """Stacked bars of the rubric's bands, the first bar on top; the median behind each."""
    axes = figure.subplots()
    places = range(len(bars) - 1, -1, -1)
    left = [0.0] * len(bars)
    for band, name in enumerate(BANDS):
        widths = [100 * shares[band] for _, shares, _ in bars]
        axes.barh(places, widths, left=left, height=0.66, color=COLOURS[f"band-{band + 1}"], label=name)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, (_, _, text) in zip(places, bars, strict=True):
        axes.text(102, place, text, color=COLOURS["ink"], va="center")
    axes.text(102, len(bars) - 0.35, "@axis.median", color=COLOURS["soft"], va="bottom")
    axes.set_yticks(list(places), [name for name, _, _ in bars])
    axes.tick_params(axis="y", labelsize=NAMES)
    axes.set(xlim=(0, 100), ylim=(-0.55, len(bars) - 0.3), xlabel="@axis.share")
    axes.grid(visible=False)
    legend(figure)


def legend(figure: Any, columns: int = 5) -> None:
    """The names of what is drawn, above it."""
    figure.legend(
        loc="outside upper left", ncols=columns, frameon=False, handlelength=0.9, handleheight=0.9,
        columnspacing=1.2, handletextpad=0.4, labelcolor=COLOURS["soft"],
    )  # fmt: skip


def draw_languages(figure: Any, rows: Sequence[Found]) -> None:
    """The pass rate of each model in each language, with its interval."""
    axes = figure.subplots()
    languages = sorted({language for row in rows for language in row["languages"]})
    step = 0.5 / max(1, len(languages) - 1)
    for index, language in enumerate(languages):
        own = [
            (len(rows) - 1 - place + 0.25 - step * index, row["languages"][language]["safety_pass_rate"])
            for place, row in enumerate(rows)
            if language in row["languages"]
        ]
        known = [(place, rate) for place, rate in own if rate["value"] is not None]
        whiskers(axes, known, COLOURS[f"series-{index % 4}"], f"@language.{language}")
    axes.set_yticks(range(len(rows) - 1, -1, -1), [shortened(row["name"], 24) for row in rows])
    axes.tick_params(axis="y", labelsize=NAMES)
    axes.set(xlim=(-3, 103), ylim=(-0.6, len(rows) - 0.4), xlabel="@axis.safe")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    legend(figure)


def whiskers(axes: Any, known: Sequence[tuple[float, Found]], colour: str, label: str) -> None:
    """Shares in percent with their intervals, a row each."""
    for place, rate in known:
        axes.plot([100 * rate["low"], 100 * rate["high"]], [place, place], color=colour, linewidth=1.1)
    values = [100 * rate["value"] for _, rate in known]
    axes.plot(values, [place for place, _ in known], "o", color=colour, ms=4.5, label=label)


def draw_pairs(figure: Any, pairs: Sequence[Found]) -> None:
    """The paired difference of each two groups, with its interval, about nought."""
    axes = figure.subplots()
    known = [row for row in pairs if row["difference"]["n"]]
    axes.axvline(0, color=COLOURS["line"], linewidth=1)
    for place, row in enumerate(reversed(known)):
        found = row["difference"]
        colour = COLOURS["series-1" if row["by"] == "base" else "series-0"]
        axes.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=1.6)
        axes.plot([found["value"]], [place], "o", color=colour, ms=5)
    names = [f"{shortened(row['first'], 18)} − {shortened(row['second'], 18)}" for row in reversed(known)]
    axes.set_yticks(range(len(known)), names)
    axes.tick_params(axis="y", labelsize=NAMES)
    ends = [abs(row["difference"][side]) for row in known for side in ("low", "high")]
    reach = max(1.0, 1.15 * max(ends))
    axes.set(xlim=(-reach, reach), ylim=(-0.6, len(known) - 0.4), xlabel="@axis.difference")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
