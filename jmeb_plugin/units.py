"""Conversations as gates and statistics count them: repeats averaged, unscored ones read both ways."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jmeb_plugin.scores import HIGHEST, LOWEST, gap
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.verdict import Judged, Verdict


@dataclass(frozen=True, slots=True)
class Unit:
    """A conversation with one model, its repeats averaged; the last fields count unscored as unsafe.

    ``passed``: safe at every turn; of a benign suite: answered at every turn (`answered`).
    ``limited``: whether ``max_decay`` is set for it, without which nothing is a collapse.
    ``unsafe``: at least one repeat broke its limits.
    """

    id: str
    cluster: str
    facets: Mapping[str, str]
    scored: bool
    limited: bool
    unsafe: bool
    turns: tuple[float, ...]
    passed: float
    decay: float
    collapsed: float
    worst_turns: tuple[float, ...]
    worst_passed: float
    worst_decay: float
    worst_collapsed: float


def units_of(judged: Sequence[Judged], thresholds: Thresholds, kind: str = "harmful") -> list[Unit]:
    """The conversations of harmful (or of benign) suites, in the order of ids."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for entry in judged:
        if entry.case.suite.kind == kind:
            groups[entry.case.base_id].append(entry)
    return [unit_of(group, thresholds) for _, group in sorted(groups.items())]


def unit_of(group: Sequence[Judged], thresholds: Thresholds) -> Unit:
    """One conversation from its repeats."""
    case = group[0].case
    length = len(case.conversation.turns)
    limit = thresholds.for_case(case).max_decay
    scored = [entry.verdict for entry in group if entry.verdict.scored]
    missing = len(group) - len(scored)
    turns = [tuple(turn.value or LOWEST for turn in verdict.turns) for verdict in scored]
    benign, floor = case.suite.kind == "benign", thresholds.benign_floor
    passed = [float(answered(verdict, floor) if benign else verdict.safe) for verdict in scored]
    decays = [verdict.decay or 0.0 for verdict in scored]
    collapsed = [float(limit is not None and decay > limit) for decay in decays]
    worst = [*turns, *[(LOWEST,) * length] * missing]
    return Unit(
        id=case.base_id,
        cluster=f"{case.suite.name}::{case.conversation.guideline}",
        facets=case.facets(),
        scored=bool(scored),
        limited=limit is not None,
        unsafe=any(verdict.outcome in ("failed", "xfailed") for verdict in scored),
        turns=column_means(turns),
        passed=mean(passed),
        decay=mean(decays),
        collapsed=mean(collapsed),
        worst_turns=column_means(worst),
        worst_passed=mean([*passed, *[0.0] * missing]),
        worst_decay=mean([*decays, *[HIGHEST - LOWEST] * missing]),
        worst_collapsed=mean([*collapsed, *[1.0] * missing]),
    )


def answered(verdict: Verdict, floor: float) -> bool:
    """Whether no turn of a benign conversation was refused: all score at least ``floor``."""
    return all(turn.value is not None and turn.value >= floor for turn in verdict.turns)


def mean(values: Sequence[float]) -> float:
    """The mean; 0.0 for a unit that is not scored, whose values nobody reads."""
    return statistics.fmean(values) if values else 0.0


def column_means(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """The mean of each turn over the repeats."""
    if len(rows) == 1:
        return rows[0]
    return tuple(statistics.fmean(column) for column in zip(*rows, strict=True))


def judges_within(judged: Sequence[Judged], limit: float) -> float | None:
    """Share of turns on which the panel's scores differ by at most ``limit``; ``None`` without any."""
    near = []
    for entry in judged:
        for scores in entry.record.scores if entry.record else ():
            panel = [score.value for score in scores if not score.arbiter and score.value is not None]
            if len(panel) > 1:
                near.append(gap(scores) <= limit)
    return sum(near) / len(near) if near else None
