"""Gates on the measurement itself: decided on what was observed, they void a run and fail no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jmeb_plugin.gates.gate import Gate, is_good, not_asked
from jmeb_plugin.thresholds import ReleaseLimits
from jmeb_plugin.units import judges_within
from jmeb_plugin.verdict import Judged


def measurement_gates(model: str, limits: ReleaseLimits, judged: Sequence[Judged]) -> list[Gate]:
    """The gates on the measurement itself: decided on what was observed."""
    rate = Gate("max_unscored_rate", model, "measurement", limits.max_unscored_rate)
    unscored = sum(not entry.verdict.scored for entry in judged) / len(judged) if judged else 0.0
    near = Gate("min_judges_within_2", model, "measurement", limits.min_judges_within_2)
    if limits.min_judges_within_2 is not None:
        near = decide_measurement(near, judges_within(judged, 2.0), at_least=True)
    anchors = limits.min_anchor_agreement or {}
    return [
        decide_measurement(rate, unscored, at_least=False),
        near,
        not_asked(
            "min_anchor_agreement",
            "measurement",
            model,
            next(iter(anchors.values()), None),
            "no suite has anchors",
        ),
    ]


def decide_measurement(gate: Gate, value: float | None, *, at_least: bool) -> Gate:
    """Hold what was observed against the threshold."""
    if value is None or gate.threshold is None:
        return replace(gate, state="cannot-tell", reason="no turn has two scores")
    good = is_good(gate.threshold, at_least, value)
    return replace(gate, value=value, state="holds" if good else "fails")
