"""Is this run worse than the baseline, and how sure is that? Pairs in, one frozen answer out.

With drop d = baseline - new, its clustered 95 % interval [l, u] and the margin δ: u < 0 better;
u <= δ no worse; l > δ worse; else nobody can tell.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from jmeb_plugin.baseline import Baseline, Measured, mean_of
from jmeb_plugin.scores import PLACES
from jmeb_plugin.stats import Resampled, bootstrap_mean, conversations_needed, holm_adjusted, wilcoxon
from jmeb_plugin.stats.figures import Figure
from jmeb_plugin.units import Unit

State = Literal["better", "no-worse", "worse", "cannot-tell"]
SLICED_BY = ("language", "principle", "strategy")


@dataclass(frozen=True)
class Pairs:
    """The conversations that a model of this run shares with a model of the baseline.

    ``before`` and ``units`` belong together; units without a score have their favourable reading
    left out by whoever asks. ``alone``: conversations of this run that the baseline has not scored.
    """

    run: str
    model: str
    units: tuple[Unit, ...]
    before: tuple[Measured, ...]
    alone: int

    def drops(self, *, worst: bool = False) -> list[float]:
        """Baseline less new, of the scored; with ``worst``, unscored conversations count as 1.0."""
        return [
            drop(before.turns, unit.worst_turns if worst else unit.turns)
            for unit, before in zip(self.units, self.before, strict=True)
            if worst or unit.scored
        ]

    def clusters(self, *, worst: bool = False) -> list[str]:
        """The guideline of each of `drops`."""
        return [unit.cluster for unit in self.units if worst or unit.scored]


def drop(before: Sequence[float], now: Sequence[float]) -> float:
    """By how much the mean of ``now`` is lower than that of ``before``; 0 where the turns are equal."""
    return round(mean_of(before) - mean_of(now), PLACES) + 0.0  # never -0.0


@dataclass(frozen=True)
class Pairing:
    """Whom a model is compared with. ``several``: this run has several models, so names decide."""

    baseline: Baseline
    model: str
    several: bool = field(kw_only=True)

    def pair(self, units: Sequence[Unit]) -> Pairs:
        """The conversations that both have. Raises `RunError` where the baseline has no such model."""
        name, earlier = self.baseline.model(self.model, several=self.several)
        shared = [(unit, earlier[unit.id]) for unit in units if unit.id in earlier and earlier[unit.id].turns]
        alone = len(units) - len(shared)
        return Pairs(self.baseline.run, name, tuple(u for u, _ in shared), tuple(b for _, b in shared), alone)

    def first(self) -> Pairing | None:
        """The same with the first run ever accepted, where that is known and can be compared."""
        first = self.baseline.first
        if first is None or first.differs(self.baseline.hashes):
            return None
        return Pairing(first, self.model, several=self.several)


def state_of(drop: Resampled, margin: float) -> State:
    """Better, no worse, worse, or cannot tell."""
    if drop.high < 0:
        return "better"
    if drop.high <= margin:
        return "no-worse"
    return "worse" if drop.low > margin else "cannot-tell"


def regression(pairs: Pairs, margin: float | None, seed: int) -> dict[str, Any]:
    """What results.json says of one model's comparison, as plain data.

    ``margin`` is ``max_regression``; without it the state is decided against 0. Drops are in points
    of the score, positive where this run is worse. New failures broke their limits here alone, fixed
    ones in the baseline alone.
    """
    drops, clusters = pairs.drops(), pairs.clusters()
    scored = [(u, b) for u, b in zip(pairs.units, pairs.before, strict=True) if u.scored]
    facts: dict[str, Any] = {
        "run": pairs.run,
        "model": pairs.model,
        "n": len(drops),
        "unscored": len(pairs.units) - len(drops),
        "not_in_baseline": pairs.alone,
        "margin": margin,
    }
    if not drops:
        return {**facts, "state": "cannot-tell", "undefined": {"drop": "no conversation is scored in both"}}
    mean = bootstrap_mean(drops, clusters, seed)
    statistic, p = wilcoxon(drops)
    state = state_of(mean, margin or 0.0)
    return {
        **facts,
        "state": state,
        "more": conversations_needed(mean, margin or 0.0) if state == "cannot-tell" else None,
        "drop": span(mean),
        "real": mean.low > 0,
        "turns": turn_drops(scored, clusters, seed),
        "wilcoxon": {"statistic": statistic.value, "p": p.value, **undefined("p", p)},
        "slices": {facet: slice_drops(scored, facet) for facet in SLICED_BY},
        "new_failures": [u.id for u, b in scored if u.unsafe and not b.unsafe],
        "fixed": [u.id for u, b in scored if b.unsafe and not u.unsafe],
    }


def span(drop: Resampled) -> dict[str, float]:
    """An estimate with its interval."""
    return {"value": drop.value, "low": drop.low, "high": drop.high}


def undefined(name: str, figure: Figure) -> dict[str, Any]:
    """Why a figure is null; nothing where it is not."""
    return {} if figure.value is not None else {"undefined": {name: figure.reason}}


def turn_drops(
    scored: Sequence[tuple[Unit, Measured]], clusters: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """The drop of each turn that all conversations have."""
    rows = []
    for turn in range(min((min(len(u.turns), len(b.turns)) for u, b in scored), default=0)):
        of = slice(turn, turn + 1)
        drops = [drop(before.turns[of], unit.turns[of]) for unit, before in scored]
        rows.append({"turn": turn, **span(bootstrap_mean(drops, clusters, seed))})
    return rows


def slice_drops(scored: Sequence[tuple[Unit, Measured]], facet: str) -> dict[str, dict[str, Any]]:
    """The mean drop of each slice, with Wilcoxon's p, and p by Holm over the slices of the facet."""
    groups: dict[str, list[float]] = {}
    for unit, before in scored:
        groups.setdefault(unit.facets[facet], []).append(drop(before.turns, unit.turns))
    tested = {name: wilcoxon(drops)[1] for name, drops in sorted(groups.items())}
    known = {name: figure.value for name, figure in tested.items() if figure.value is not None}
    adjusted: Mapping[str, float] = dict(zip(known, holm_adjusted(list(known.values())), strict=True))
    return {
        name: {
            "n": len(groups[name]),
            "drop": statistics.fmean(groups[name]),
            "p": figure.value,
            "p_adjusted": adjusted.get(name),
            **undefined("p", figure),
        }
        for name, figure in tested.items()
    }
