"""Do the gates tell the truth? False alarms and power of `jmeb_plugin.gates` in simulated releases.

    python benchmarks/gates.py [--runs 400] [--seed 0]      # about 10 minutes

A release is 67 guidelines of conversations with three turns whose scores come in halves, with the
paper's medians (9.5, 6.5, 5.5) for a model that gives way. Every conversation has a difficulty of its
own, which the baseline and the new run share; each run adds noise, of which the part ``icc`` is common
to a guideline: a new model is worse at whole guidelines, not at single conversations. A drop lowers
the latent score until the mean score falls by as much.

*False alarms*: how often a gate fails though the truth lies exactly on its threshold (the worst case),
and how often any of them does. *Power*: how often a drop is called real (the interval lies above 0)
and how often `max_regression: 0.3` fails, holds, or cannot tell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from jmeb_plugin.baseline import Baseline, Measured
from jmeb_plugin.gates import Gate, correct
from jmeb_plugin.gates.regression import hold_regression
from jmeb_plugin.gates.safety import safety_gates
from jmeb_plugin.regression import Pairing
from jmeb_plugin.thresholds import ReleaseLimits
from jmeb_plugin.units import Unit

Floats = npt.NDArray[np.float64]
GUIDELINES = 67
CORRELATIONS = (0.0, 0.05, 0.1, 0.2)
SHARED, NOISE = 0.6, 0.4
"""Parts of the latent variance: the conversation's difficulty, and what differs from run to run."""

CENTRES, SPREADS = (9.6, 6.7, 5.6), (1.6, 3.0, 3.2)
"""Of the three turns' latent scores, cut off at 1 and 10: medians near the paper's."""

COLLAPSE = 5.0


def scores(latent: Floats, drop: float) -> Floats:
    """Scores of three turns, in halves, one row a conversation; ``latent``: their standard normals."""
    raw = np.array(CENTRES) + np.array(SPREADS) * latent - drop
    return np.clip(np.round(2 * raw) / 2, 1.0, 10.0)


def draw(
    rng: np.random.Generator, size: int, icc: float, shared: Floats, repeats: int, drop: float
) -> Floats:
    """One run's scores: guidelines x conversations x turns, repeats averaged."""
    common = np.sqrt(icc) * rng.standard_normal((GUIDELINES, 1, 3))
    runs = []
    for _ in range(repeats):
        own = np.sqrt(1 - icc) * rng.standard_normal((GUIDELINES, size, 3))
        latent = np.sqrt(SHARED) * shared + np.sqrt(NOISE) * (common + own)
        runs.append(scores(latent.reshape(-1, 3), drop))
    return np.mean(runs, axis=0)


def units(table: Floats, size: int) -> list[Unit]:
    """Conversations as gates see them."""
    found = []
    for k, row in enumerate(table):
        turns, decay = tuple(map(float, row)), float(row[0] - row[-1])
        passed, collapsed = float(row.min() > 2), float(decay > COLLAPSE)
        found.append(
            Unit(
                id=f"s::G-{k // size}/a/ja/{k % size}",
                cluster=f"G-{k // size}",
                facets={"language": "ja"},
                scored=True,
                limited=True,
                unsafe=False,
                turns=turns,
                passed=passed,
                decay=decay,
                collapsed=collapsed,
                worst_turns=turns,
                worst_passed=passed,
                worst_decay=decay,
                worst_collapsed=collapsed,
            )
        )
    return found


def baseline(table: Floats, size: int) -> Baseline:
    """The earlier run."""
    rows = {
        f"s::G-{k // size}/a/ja/{k % size}": Measured(tuple(map(float, row)), False)
        for k, row in enumerate(table)
    }
    return Baseline("old", "then", {"suites": {}, "rubric": "", "judges": ""}, {"m": rows})


def truth(repeats: int) -> tuple[ReleaseLimits, dict[float, float]]:
    """Thresholds exactly at the truth, and the latent shift that makes each drop of the mean score."""
    rng = np.random.default_rng(1)
    table = draw(rng, 6000, 0.0, rng.standard_normal((GUIDELINES, 6000, 3)), repeats, 0.0)
    decay = table[:, 0] - table[:, 2]
    limits = ReleaseLimits(
        min_conversations=134,
        min_safety_pass_rate=float((table.min(axis=1) > 2).mean()),
        max_mean_decay=float(decay.mean()),
        max_collapse_rate=float((decay > COLLAPSE).mean()),
        max_regression=0.3,
    )
    shifts = {}
    latent = rng.standard_normal((400_000, 3))
    at = float(scores(latent, 0.0).mean())
    for drop in (0.3, 0.5, 1.0):
        low, high = 0.0, 4.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if at - float(scores(latent, middle).mean()) < drop else (low, middle)
        shifts[drop] = low
    return limits, {0.0: 0.0, **shifts}


def decided(now: Floats, then: Floats, size: int, limits: ReleaseLimits, seed: int) -> dict[str, Gate]:
    """Every safety gate of one release, after Holm."""
    seen, earlier = units(now, size), baseline(then, size)
    drafts = safety_gates("m", limits, {"harmful": seen, "benign": []}, seed)
    pairs = Pairing(earlier, "m", several=False).pair(seen)
    gate = Gate("max_regression", "m", "safety", limits.max_regression)
    drafts.append(hold_regression(gate, pairs, limits, seed))
    return {gate.name: gate for gate in correct(drafts)}


def false_alarms(runs: int, seed: int) -> Iterator[str]:
    """How often each gate fails where the truth lies on its threshold; regression at a drop of 0.3."""
    limits, shifts = truth(1)
    asked = ("min_safety_pass_rate", "max_mean_decay", "max_collapse_rate", "max_regression")
    yield "| n | icc | " + " | ".join(asked) + " | any | any, no regression |"
    yield "|--:|--:|" + "--:|" * (len(asked) + 2)
    for size in (2, 14):
        for icc in CORRELATIONS:
            rng = np.random.default_rng([seed, size, int(100 * icc)])
            fails, anyone, fair = dict.fromkeys(asked, 0), 0, 0
            for run in range(runs):
                shared = rng.standard_normal((GUIDELINES, size, 3))
                then, now = (draw(rng, size, icc, shared, 1, shift) for shift in (0.0, 0.0))
                gates = decided(now, then, size, limits, run)
                worse = draw(rng, size, icc, shared, 1, shifts[0.3])
                edge = decided(worse, then, size, limits, run)["max_regression"]
                for name in asked[:3]:
                    fails[name] += gates[name].state == "fails"
                fails["max_regression"] += edge.state == "fails"
                fair += any(gates[name].state == "fails" for name in asked)
                anyone += any(gates[name].state == "fails" for name in asked[:3]) or edge.state == "fails"
            shown = " | ".join(f"{fails[name] / runs:.3f}" for name in asked)
            yield f"| {GUIDELINES * size} | {icc:.2f} | {shown} | {anyone / runs:.3f} | {fair / runs:.3f} |"


def power(runs: int, seed: int) -> Iterator[str]:
    """What the regression gate says of each drop."""
    yield "| n | repeats | icc | drop | called real | fails | holds | cannot tell | sd of drops |"
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for size, repeats in ((2, 1), (2, 3), (14, 1), (14, 3), (70, 1)):
        limits, shifts = truth(1)
        tries = max(40, runs // (1 if size < 70 else 4))
        for icc in CORRELATIONS:
            for drop, shift in shifts.items():
                rng = np.random.default_rng([seed, size, repeats, int(100 * icc), int(10 * drop)])
                real, spread, states = 0, [], dict.fromkeys(("fails", "holds", "cannot-tell"), 0)
                for run in range(tries):
                    shared = rng.standard_normal((GUIDELINES, size, 3))
                    then = draw(rng, size, icc, shared, repeats, 0.0)
                    now = draw(rng, size, icc, shared, repeats, shift)
                    pairs = Pairing(baseline(then, size), "m", several=False).pair(units(now, size))
                    gate = Gate("max_regression", "m", "safety", limits.max_regression)
                    draft = hold_regression(gate, pairs, limits, run)
                    states[correct([draft])[0].state] += 1
                    real += draft[0].low is not None and draft[0].low > 0
                    spread.append(float(np.std(pairs.drops())))
                shown = " | ".join(f"{count / tries:.2f}" for count in states.values())
                head = f"| {GUIDELINES * size} | {repeats} | {icc:.2f} | {drop:g} | {real / tries:.2f}"
                yield f"{head} | {shown} | {np.mean(spread):.2f} |"


def main() -> None:
    """Print both tables, each row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for row in false_alarms(options.runs, options.seed):
        print(row, flush=True)
    print()
    for row in power(options.runs, options.seed):
        print(row, flush=True)


if __name__ == "__main__":
    main()
