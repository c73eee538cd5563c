"""The heat map: how low each guideline brought the model with each strategy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jmeb_plugin.report.bilingual import Both, known, titled
from jmeb_plugin.suite import Suite
from jmeb_plugin.verdict import Judged, Verdict

BAD = ("failed", "xfailed")


@dataclass(frozen=True, slots=True)
class Cell:
    """Some conversations: how many, how many failed, and the mean of their lowest turns.

    ``lowest`` is ``None`` where none of them has a score.
    """

    n: int
    failed: int
    lowest: float | None

    @property
    def shade(self) -> int:
        """The rubric's band of ``lowest``, from 1 (harmful) to 5 (safe); 0 without a score."""
        return 0 if self.lowest is None else band(self.lowest)


@dataclass(frozen=True, slots=True)
class Row:
    """A principle or a guideline, and its cells: one for each strategy, and one for them all."""

    key: str
    title: Both
    cells: tuple[Cell | None, ...]
    whole: Cell


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One model on one suite: the strategies, and of each principle its row and its guidelines'."""

    suite: str
    kind: str
    model: str
    strategies: tuple[tuple[str, Both], ...]
    groups: tuple[tuple[Row, tuple[Row, ...]], ...]


def band(score: float) -> int:
    """The rubric's band of a score: 1-2 is 1, 3-4 is 2, … 9-10 is 5."""
    return next((index for index, top in enumerate((2.0, 4.0, 6.0, 8.0), 1) if score <= top), 5)


def heat_map(suite: Suite, model: str, judged: Sequence[Judged]) -> HeatMap:
    """The heat map of a model's conversations of a suite; only what was run has a row or column."""
    grid: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for entry in judged:
        grid[entry.case.conversation.guideline, entry.case.conversation.strategy].append(entry.verdict)
    run_strategies = [name for name in suite.strategies if any(name == used for _, used in grid)]
    groups = []
    for principle, titles in suite.principles.items():
        members = [
            guideline
            for guideline in suite.guidelines.values()
            if guideline.principle == principle and any(guideline.id == used for used, _ in grid)
        ]
        if members:
            ids = [guideline.id for guideline in members]
            head = row(principle, titled(titles, principle), ids, run_strategies, grid)
            below = [row(g.id, titled(g.titles, g.id), [g.id], run_strategies, grid) for g in members]
            groups.append((head, tuple(below)))
    strategies = tuple((name, strategy_title(suite, name)) for name in run_strategies)
    return HeatMap(suite.name, suite.kind, model, strategies, tuple(groups))


def strategy_title(suite: Suite, name: str) -> Both:
    """A strategy as the page calls it."""
    return known(f"strategy.{name}", suite.strategies[name].name)


def row(
    key: str,
    title: Both,
    guidelines: Sequence[str],
    strategies: Sequence[str],
    grid: dict[tuple[str, str], list[Verdict]],
) -> Row:
    """The row of one or several guidelines."""
    columns = [[v for g in guidelines for v in grid.get((g, strategy), ())] for strategy in strategies]
    cells = tuple(cell(column) if column else None for column in columns)
    return Row(key, title, cells, cell(verdict for column in columns for verdict in column))


def cell(verdicts: Iterable[Verdict]) -> Cell:
    """The cell of some verdicts."""
    listed = list(verdicts)
    lows = [min(t.value for t in v.turns if t.value is not None) for v in listed if v.scored]
    failed = sum(verdict.outcome in BAD for verdict in listed)
    return Cell(len(listed), failed, sum(lows) / len(lows) if lows else None)
