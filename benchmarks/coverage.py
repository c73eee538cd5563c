"""How often the 95 % intervals of `jmeb_plugin.stats` hold the truth, in simulated runs.

    python benchmarks/coverage.py [--runs 2000] [--seed 0]      # about 15 minutes

A run has G guidelines of m conversations that resemble each other within a guideline by an
intra-cluster correlation. Pass or fail is beta-binomial; scores come from a Gaussian copula, so
that every shape has a known mean and median. Columns: the share of runs whose interval holds the
true value, as this package computes it and as simpler methods would. With 2,000 runs a
printed 0.950 is known to 0.010; means and medians have half the runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import special

from jmeb_plugin import stats

Floats = npt.NDArray[np.float64]
Shape = Callable[[Floats], Floats]

CORRELATIONS = (0.0, 0.05, 0.1, 0.2)


def passes(rng: np.random.Generator, rate: float, groups: int, size: int, icc: float) -> Floats:
    """Zeros and ones, one row per guideline: beta-binomial with the given pass rate."""
    spread = 1 / icc - 1 if icc else 0.0
    rates = rng.beta(rate * spread, (1 - rate) * spread, groups) if icc else np.full(groups, rate)
    return (rng.random((groups, size)) < rates[:, None]).astype(np.float64)


def scores(rng: np.random.Generator, shape: Shape, groups: int, size: int, icc: float) -> Floats:
    """Scores of a shape, one row per guideline; ``icc`` is that of the latent normal."""
    common = np.sqrt(icc) * rng.standard_normal((groups, 1))
    return shape(special.ndtr(common + np.sqrt(1 - icc) * rng.standard_normal((groups, size))))


SHAPES: dict[str, Shape] = {
    "normal": special.ndtri,
    "saturated": lambda u: np.clip(np.round(20 + 3 * np.log(u)) / 2, 1, 10),
    "two heaps": lambda u: np.round(2 * np.where(u < 0.4, 1 + 5 * u, 8 + 10 * (u - 0.4) / 3)) / 2,
    "collapse": lambda u: np.where(u > 0.94, 9.0, np.round(2 * u / 0.94) / 2),
}
"""Quantile functions: `collapse` is decay, 0 to 1 but for 6 % that fall by 9."""


def names(groups: int, size: int) -> list[str]:
    """The guideline of each conversation, row by row."""
    return [f"G-{group}" for group in range(groups) for _ in range(size)]


def holds(interval: stats.Share | stats.Resampled | stats.Interval, truth: float) -> bool:
    """Whether the interval covers the truth."""
    return interval.low <= truth <= interval.high


def plain_mean(rng: np.random.Generator, table: Floats) -> stats.Interval:
    """The textbook percentile interval of the mean, guidelines resampled, nothing widened."""
    groups = len(table)
    means = table.mean(axis=1)[rng.integers(groups, size=(1000, groups))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return stats.Interval(float(table.mean()), float(low), float(high))


def share_rows(runs: int, seed: int) -> Iterator[str]:
    """Pass rates: no design effect, the design effect alone, and `stats.share`."""
    yield "pass rate    G    m   icc    naive   n/deff  share"
    designs = [(67, 14), (67, 70), (67, 2), (20, 14), (10, 14), (5, 14), (5, 50), (3, 14)]
    cells = [(p, g, m, icc) for p in (0.85, 0.97) for g, m in designs for icc in CORRELATIONS]
    for cell in cells:
        rate, groups, size, icc = cell
        rng = np.random.default_rng([seed, *(int(100 * part) for part in cell)])
        clusters, hits = names(groups, size), np.zeros(3)
        for _ in range(runs):
            values = passes(rng, rate, groups, size, icc).ravel()
            ours, n = stats.share(values.tolist(), clusters), values.size
            bare = n / stats.design_effect(values.tolist(), clusters)
            tried = (stats.wilson(ours.value, n), stats.wilson(ours.value, bare), ours)
            hits += [holds(interval, rate) for interval in tried]
        shown = "".join(f"{hit:8.3f}" for hit in hits / runs)
        yield f"{rate:9.2f}{groups:5}{size:5}{icc:6.2f} {shown}"


def score_rows(runs: int, seed: int) -> Iterator[str]:
    """Means: the plain percentile interval and ours; medians: ours."""
    yield "scores       G    m   icc    plain    mean  median"
    even = (np.arange(1_000_000) + 0.5) / 1_000_000
    for name, shape in SHAPES.items():
        truths = float(shape(even).mean()), float(np.median(shape(even)))
        for groups, icc in [(g, icc) for g in (67, 20, 10, 5, 3) for icc in (0.0, 0.2)]:
            rng = np.random.default_rng([seed, groups, int(100 * icc)])
            clusters, hits = names(groups, 14), np.zeros(3)
            for run in range(runs):
                table = scores(rng, shape, groups, 14, icc)
                values = table.ravel().tolist()
                hits += [
                    holds(plain_mean(rng, table), truths[0]),
                    holds(stats.bootstrap_mean(values, clusters, run), truths[0]),
                    holds(stats.bootstrap_median(values, clusters, run), truths[1]),
                ]
            shown = "".join(f"{hit:8.3f}" for hit in hits / runs)
            yield f"{name:9}{groups:5}{14:5}{icc:6.2f} {shown}"


def main() -> None:
    """Print both tables, each row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for row in share_rows(options.runs, options.seed):
        print(row, flush=True)
    print()
    for row in score_rows(options.runs // 2, options.seed):
        print(row, flush=True)


if __name__ == "__main__":
    main()
