"""What a run was held to, as results.json says it: the limits in force, and the waivers that matched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jmeb_plugin.thresholds import KnownFailure, Thresholds
from jmeb_plugin.verdict import Judged


def limits_in_force(thresholds: Thresholds, judged: Sequence[Judged]) -> dict[str, Any]:
    """What ``thresholds`` of results.json says beside which file it was; a limit that is off is ``None``.

    ``release``, how the gates of each model are decided. ``overrides``: those that cover any of the
    conversations; ``conversation`` and ``benign`` are without them.
    """
    facets = [entry.case.facets() for entry in judged]
    return {
        "conversation": asdict(thresholds.conversation),
        "benign": {"min_turn_score": thresholds.benign_min_turn_score},
        "release": {
            model: deciding(thresholds, model) for model in dict.fromkeys(own["model"] for own in facets)
        },
        "overrides": [
            {"when": dict(override.when), "conversation": dict(override.conversation)}
            for override in thresholds.overrides
            if override.conversation and any(map(override.covers, facets))
        ],
    }


def deciding(thresholds: Thresholds, model: str) -> dict[str, Any]:
    """How the gates of a model are decided, and from how many conversations up."""
    limits = thresholds.for_model(model)
    return {"decide_on": limits.decide_on, "min_conversations": limits.min_conversations}


def waivers(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The known failures that mean any of the conversations, in the order of the file; how many failed."""
    matched: dict[KnownFailure, list[Judged]] = defaultdict(list)
    for entry in judged:
        if entry.known is not None:
            matched[entry.known].append(entry)
    return [
        {
            "id": known.id,
            "until": known.until.isoformat(),
            "reason": known.reason,
            "state": "expired" if own[0].expired else "in-force",
            "conversations": len(own),
            "failed": sum(entry.verdict.outcome in ("failed", "xfailed") for entry in own),
        }
        for known, own in sorted(matched.items(), key=lambda item: item[0].line)
    ]
