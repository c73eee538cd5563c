"""The gate on regression: the mean paired drop against the baseline."""

from __future__ import annotations

from dataclasses import replace

from jmeb_plugin.figures import counted, rounded
from jmeb_plugin.gates.gate import Gate
from jmeb_plugin.gates.safety import on_point
from jmeb_plugin.regression import Pairs, State, state_of
from jmeb_plugin.stats import Resampled, bootstrap_mean, conversations_needed
from jmeb_plugin.thresholds import ReleaseLimits


def hold_regression(gate: Gate, pairs: Pairs, limits: ReleaseLimits, seed: int) -> tuple[Gate, float | None]:
    """Hold the drop in both readings of unscored conversations; with the p-value where it might fail."""
    margin = gate.bar()
    drops = pairs.drops()
    if not drops:
        return unsettled(gate, f"no conversation is scored here and in {pairs.run}"), None
    good = bootstrap_mean(drops, pairs.clusters(), seed)
    bad = bootstrap_mean(pairs.drops(worst=True), pairs.clusters(worst=True), seed)
    gate = replace(gate, value=good.value, low=good.low, high=good.high)
    least = limits.min_conversations or 1
    if len(pairs.units) < least:
        shared = counted(len(pairs.units), "conversation is", "conversations are")
        few = f"{shared} in {pairs.run} too, and min_conversations is {least}"
        return unsettled(gate, few), None
    if limits.decide_on == "point":
        return on_point(gate, (good.value, bad.value)), None
    return decide(gate, (state_of(good, margin), state_of(bad, margin)), good, bad, pairs.run)


def decide(
    gate: Gate, states: tuple[State, State], good: Resampled, bad: Resampled, run: str
) -> tuple[Gate, float | None]:
    """The gate's state from the favourable and the unfavourable reading."""
    margin = gate.bar()
    fine = [state in ("better", "no-worse") for state in states]
    if all(fine):
        words = f"{'better than' if set(states) == {'better'} else 'no worse than'} the baseline {run}"
        real = "; the drop is real, but within the margin" if good.low > 0 else ""
        return replace(gate, state="holds", reason=words + real), None
    if states == ("worse", "worse"):
        close = "the interval lies on the bad side, but not once the number of gates is reckoned with"
        return unsettled(gate, close), max(good.p_above(margin), bad.p_above(margin))
    if any(fine) or states[0] == "worse":
        return unsettled(gate, "it depends on the conversations without a score"), None
    more = conversations_needed(good, margin)
    words = f"95 % interval {rounded(good.low)} to {rounded(good.high)} holds {margin:g}"
    like = counted(more or 0, "more conversation like these", "more conversations like these")
    settle = f"; about {like} would settle it" if more else ""
    return unsettled(gate, words + settle), None


def unsettled(gate: Gate, reason: str) -> Gate:
    """The gate that cannot tell, and why."""
    return replace(gate, state="cannot-tell", reason=reason)
