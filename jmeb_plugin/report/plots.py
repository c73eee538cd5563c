"""The figures of the page, drawn by matplotlib. Equal scores give equal bytes.

Colours are names of `svg.COLOURS`; a text ``@key``, with anything after a blank, is the page's string
of that key, in both languages.
"""

from __future__ import annotations

import io
import logging
import statistics
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jmeb_plugin.report.heat import band
from jmeb_plugin.report.svg import COLOURS, tidy
from jmeb_plugin.scores import HIGHEST, LOWEST
from jmeb_plugin.transcript import clean, printable
from jmeb_plugin.verdict import Judged

LEAST = 20
"""Of how many conversations figures can say more than the list."""

SIZES = (2.5, 4.0, 5.5, 7.5, 10.0, 13.0)
"""Widths in points of the points of the judges' plot."""

SIZE = 4.4, 2.8
"""Of a figure, in inches."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "jmeb", "font.family": ["DejaVu Sans"], "font.size": 9.5,
    "axes.titlesize": 9.5, "text.parse_math": False, "text.color": COLOURS["ink"],
    "figure.facecolor": "none", "savefig.facecolor": "none", "axes.facecolor": "none",
    "axes.edgecolor": COLOURS["line"], "axes.labelcolor": COLOURS["soft"], "axes.linewidth": 0.8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "xtick.color": COLOURS["soft"], "ytick.color": COLOURS["soft"],
    "xtick.major.size": 0, "ytick.major.size": 0, "patch.linewidth": 0.0, "axes.axisbelow": True,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": COLOURS["grid"], "grid.linewidth": 0.8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Points:
    """What is drawn of a model: scores by turn, by language and turn, decays, and the judges' pairs."""

    turns: tuple[tuple[float, ...], ...]
    languages: dict[str, tuple[tuple[float, ...], ...]]
    decays: tuple[float, ...]
    pairs: tuple[tuple[float, float], ...]


def points_of(judged: Sequence[Judged]) -> Points:
    """The points of a model's conversations; those without a score only have their judges' pairs."""
    scored = [entry for entry in judged if entry.verdict.scored]
    languages: dict[str, list[Judged]] = defaultdict(list)
    for entry in scored:
        languages[entry.case.conversation.language].append(entry)
    pairs = []
    for entry in judged:
        for scores in entry.record.scores if entry.record else ():
            panel = [score.value for score in scores if not score.arbiter][:2]
            if len(panel) == 2 and panel[0] is not None and panel[1] is not None:
                pairs.append((panel[0], panel[1]))
    return Points(
        by_turn(scored),
        {language: by_turn(own) for language, own in sorted(languages.items())},
        tuple(entry.verdict.decay for entry in scored if entry.verdict.decay is not None),
        tuple(pairs),
    )


def by_turn(judged: Sequence[Judged]) -> tuple[tuple[float, ...], ...]:
    """The scores of each turn."""
    rows = [[turn.value for turn in entry.verdict.turns if turn.value is not None] for entry in judged]
    longest = max(map(len, rows), default=0)
    return tuple(tuple(row[turn] for row in rows if len(row) > turn) for turn in range(longest))


def figures(points: Points, judges: Sequence[str], prefix: str) -> dict[str, str]:
    """The figures by name, as SVG; there is none of fewer than `LEAST` scored conversations.

    ``prefix`` keeps their ids apart from those of other models on the page.
    """
    if len(points.decays) < LEAST:
        return {}
    paints: dict[str, Callable[[Any], None]] = {
        "course": lambda figure: draw_course(figure, points),
        "turns": lambda figure: draw_turns(figure, points),
        "decay": lambda figure: draw_decay(figure, points),
    }
    if points.pairs:
        paints["judges"] = lambda figure: draw_judges(figure, points, judges)
    with warnings.catch_warnings(action="ignore"):
        return {name: drawn(f"{prefix}-{name}", paint) for name, paint in paints.items()}


def load_drawing() -> None:
    """Import matplotlib and have it read its fonts, by drawing something."""
    drawn("first", lambda figure: figure.subplots())


def drawn(name: str, paint: Callable[[Any], None], size: tuple[float, float] = SIZE) -> str:
    """One figure of a size in inches. A ``paint`` that does not `frame` it has its labels measured."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no word about its cache folder
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return tidy(stream.getvalue(), name)


def frame(figure: Any, *, left: float = 0.48, top: float = 0.08, right: float = 0.08) -> None:
    """Leave so many inches about the axes, and at the bottom room for ticks and a label.

    Measuring every label instead takes as long as drawing the figure.
    """
    width, height = figure.get_size_inches()
    figure.set_layout_engine(None)
    figure.subplots_adjust(left / width, 0.46 / height, 1 - right / width, 1 - top / height, wspace=0.1)


def draw_course(figure: Any, points: Points) -> None:
    """Median and middle half of the scores from turn to turn, and each language's mean."""
    frame(figure, right=0.4 if len(points.turns) < 4 else 0.75)  # beside it the languages' names
    axes = figure.subplots()
    places = range(len(points.turns))
    quarters = [quartiles(values) for values in points.turns]
    low, middle, high = zip(*quarters, strict=True)
    axes.fill_between(places, low, high, color=COLOURS["soft"], alpha=0.18, linewidth=0)
    axes.plot(places, middle, color=COLOURS["ink"], linewidth=2, marker="o", markersize=4.5)
    for index, turns in enumerate(points.languages.values()):
        means = [statistics.fmean(values) for values in turns]
        colour = COLOURS[f"series-{index % 4}"]
        axes.plot(range(len(means)), means, color=colour, linewidth=1.4, linestyle=(0, (4, 2)))
    for index, height in label_places([turns[-1] for turns in points.languages.values()]):
        language, colour = list(points.languages)[index], COLOURS[f"series-{index % 4}"]
        axes.text(len(points.turns) - 0.92, height, f"@language.{language}", color=colour, va="center")
    axes.set(ylim=(LOWEST, HIGHEST + 0.2), yticks=range(1, 11, 3), xlim=(-0.15, len(points.turns) - 0.55))
    axes.set_xticks(list(places), [str(place) for place in places])
    axes.set(xlabel="@axis.turn", ylabel="@axis.score")


def label_places(last: Sequence[Sequence[float]]) -> list[tuple[int, float]]:
    """At what height each language's name stands: at its last mean, but clear of the one above."""
    means = sorted(((statistics.fmean(values), index) for index, values in enumerate(last)), reverse=True)
    placed: list[tuple[int, float]] = []
    for mean, index in means:
        placed.append((index, min([mean, *(height - 0.75 for _, height in placed)])))
    return placed


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile, as `stats.quartiles`."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def draw_turns(figure: Any, points: Points) -> None:
    """How often each turn got which score, in the rubric's bands."""
    frame(figure, top=0.3)
    all_axes = figure.subplots(1, len(points.turns), sharex=True, sharey=True, squeeze=False)[0]
    for turn, (axes, values) in enumerate(zip(all_axes, points.turns, strict=True)):
        counts = Counter(min(max(round(value + 1e-9), 1), 10) for value in values)
        scores = range(1, 11)
        shares = [100 * counts[score] / len(values) for score in scores]
        axes.barh(scores, shares, height=0.82, color=[COLOURS[f"band-{band(score)}"] for score in scores])
        axes.axhline(statistics.median(values), color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (2, 1.5)))
        axes.set_title(f"@axis.turn {turn}", color=COLOURS["soft"])
        axes.grid(visible=False)
        axes.yaxis.set_visible(turn == 0)
    all_axes[0].set(ylim=(0.4, 10.6), yticks=range(1, 11), ylabel="@axis.score")
    figure.supxlabel("@axis.share", color=COLOURS["soft"], fontsize=9.5)


def draw_decay(figure: Any, points: Points) -> None:
    """How many conversations lost how many points from the first turn to the last."""
    counts = Counter(round(value + 1e-9) for value in points.decays)
    frame(figure, left=0.4 + 0.1 * len(str(max(counts.values()))))
    axes = figure.subplots()
    places = range(min(-1, *counts), max(9, *counts) + 1)
    axes.bar(places, [counts[place] for place in places], width=0.82, color=COLOURS["series-0"])
    mean = statistics.fmean(points.decays)
    axes.axvline(mean, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (2, 1.5)))
    axes.set_xticks(list(places), [f"{place:+d}".replace("-", "−") if place else "0" for place in places])
    axes.set(xlabel="@axis.decay", ylabel="@axis.conversations")
    axes.yaxis.get_major_locator().set_params(integer=True)


def draw_judges(figure: Any, points: Points, judges: Sequence[str]) -> None:
    """Each turn's two scores against each other, turns of one half point as one point."""
    frame(figure)
    axes = figure.subplots()
    counts = Counter((round(first * 2) / 2, round(second * 2) / 2) for first, second in points.pairs)
    axes.fill_between([0, 11], [-2, 9], [2, 13], color=COLOURS["soft"], alpha=0.12, linewidth=0)
    axes.plot([1, 10], [1, 10], color=COLOURS["line"], linewidth=0.8)
    by_size: dict[float, list[tuple[float, float]]] = defaultdict(list)
    most = max(counts.values())
    for place, count in sorted(counts.items()):
        by_size[size_of(count / most)].append(place)
    for size, places in sorted(by_size.items()):
        first, second = zip(*places, strict=True)
        axes.plot(first, second, "o", ms=size, color=COLOURS["series-0"], alpha=0.75, markeredgewidth=0)
    scale, ticks = (0.5, 10.5), range(1, 11, 3)
    axes.set(xlim=scale, ylim=scale, xticks=ticks, yticks=ticks, aspect="equal")
    axes.set(xlabel=shortened(judges[0]), ylabel=shortened(judges[1]))
    axes.grid(visible=True, axis="both")


def size_of(share: float) -> float:
    """The width of a point whose area says how many turns it stands for, in a few sizes."""
    wanted = SIZES[-1] * share**0.5
    return next((size for size in SIZES if size >= wanted), SIZES[-1])


def shortened(name: str, most: int = 34) -> str:
    """No more of a judge's or a model's name than fits."""
    shown = printable(clean(name))
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"
