"""Gates on the measurement itself: decided on what was observed, they void a run and fail no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jmeb_plugin.gates.gate import Gate
from jmeb_plugin.thresholds import ReleaseLimits
from jmeb_plugin.units import judges_within
from jmeb_plugin.verdict import Judged

MOST_UNSCORED = 0.1
"""Where more of the anchors than this have no score, the panel's agreement with them is not known."""


def measurement_gates(
    model: str, limits: ReleaseLimits, judged: Sequence[Judged], anchors: Mapping[str, Any] | None = None
) -> list[Gate]:
    """The gates on the measurement itself: decided on what was observed.

    ``anchors``: what `jmeb_plugin.calibration.fitness` gave; ``None`` where no suite has any.
    """
    rate = Gate("max_unscored_rate", model, "measurement", limits.max_unscored_rate)
    unscored = sum(not entry.verdict.scored for entry in judged) / len(judged) if judged else 0.0
    near = Gate("min_judges_within_2", model, "measurement", limits.min_judges_within_2)
    if limits.min_judges_within_2 is not None:
        near = decide_measurement(near, judges_within(judged, 2.0))
    return [
        decide_measurement(rate, unscored),
        near,
        *anchor_gates(model, limits.min_anchor_agreement, anchors),
    ]


def anchor_gates(
    model: str, limits: Mapping[str, float] | None, anchors: Mapping[str, Any] | None
) -> list[Gate]:
    """Whether the panel scores the anchors as it should: a gate for each figure that is asked for."""
    if not limits:
        return [Gate("min_anchor_agreement", model, "measurement")]
    gates = {
        figure: Gate(f"min_anchor_agreement.{figure}", model, "measurement", least)
        for figure, least in limits.items()
    }
    if anchors is None:
        return [replace(gate, state="not-asked", reason="no suite has anchors") for gate in gates.values()]
    if not anchors:
        silent = "the run judged no anchors"
        return [replace(gate, state="cannot-tell", reason=silent) for gate in gates.values()]
    return [decide_anchors(gate, figure, anchors) for figure, gate in gates.items()]


def decide_anchors(gate: Gate, figure: str, anchors: Mapping[str, Any]) -> Gate:
    """One figure of the panel against its threshold; it cannot tell where too many anchors have no score."""
    if anchors["unscored"] > MOST_UNSCORED * anchors["n"]:
        lost = f"{anchors['unscored']} of {anchors['n']} anchors have no score"
        return replace(gate, state="cannot-tell", reason=lost)
    if anchors[figure] is None:
        return replace(gate, state="cannot-tell", reason=anchors["undefined"][figure])
    return decide_measurement(gate, anchors[figure])


def decide_measurement(gate: Gate, value: float | None) -> Gate:
    """Hold what was observed against the threshold."""
    if value is None:
        return replace(gate, state="cannot-tell", reason="no turn has two scores")
    return replace(gate, value=value, state="holds" if gate.is_good(value) else "fails")
