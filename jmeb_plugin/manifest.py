"""What the settings make of a run: what makes two runs the same, and what results.json says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jmeb_plugin.anchors import Anchor
from jmeb_plugin.judges import Rubric, rubrics_hash
from jmeb_plugin.options import Settings
from jmeb_plugin.provenance import described, judges_facts, thresholds_facts, versions
from jmeb_plugin.selection import Selection
from jmeb_plugin.suite import Case, Suite


def identity(settings: Settings, selection: Selection, rubrics: Iterable[Rubric]) -> dict[str, Any]:
    """What makes two runs the same run. Concurrency, thresholds, gate and budget may differ."""
    return {
        "model": [[e.name, *e.identity, e.parameters()] for e in settings.targets],
        "judge": [[e.name, *e.identity, e.parameters()] for e in settings.judges],
        "suite": [[suite.name, suite.sha256] for suite in selection.suites],
        "rubric": rubrics_hash(list(rubrics)),
        "seed": settings.seed,
        "repeats": settings.repeats,
    }


def about(settings: Settings, selection: Selection, rubrics: Iterable[Rubric]) -> dict[str, Any]:
    """What ``run`` of results.json says beside times and status; never a key."""
    return {
        "versions": versions(),
        "thresholds": thresholds_facts(selection.thresholds),
        "rubric": {"sha256": rubrics_hash(list(rubrics))},
        "judges": judges_facts(settings.judges),
        "attacker": settings.attacker.name if settings.attacker else None,
        "suites": [
            {
                "name": s.name,
                "version": s.version,
                "sha256": s.sha256,
                "note": note(settings, s),
                "kind": s.kind,
                "conversations": len(s.conversations),
            }
            for s in selection.suites
        ],
        "options": {
            "sample": settings.sample,
            "total": settings.total,
            "seed": settings.seed,
            "repeats": settings.repeats,
            "ids": list(settings.ids),
            "gate": settings.gate,
            "concurrency": settings.concurrency,
            "budget": settings.budget,
        },
        "endpoints": {e.name: described(e) for e in settings.asked()},
    }


def note(settings: Settings, suite: Suite) -> str:
    """What the suite is, and first of all that an attacker made the user's turns up, if one did."""
    if settings.attacker is None:
        return suite.note
    said = (
        f"NOT COMPARABLE with any other run: {settings.attacker.name} made up the user's turns from the "
        f"suite's seeds and strategies"
    )
    return f"{said}; {suite.note}" if suite.note else said


def whole_price(
    settings: Settings,
    cases: Sequence[Case],
    rubrics: Mapping[tuple[str, str], Rubric],
    anchors: Sequence[Anchor],
) -> str:
    """What all of the cases would have taken, as ``--jmeb-plan`` says it, for the end of a sentence."""
    from jmeb_plugin.forecast import forecast

    found = forecast(
        cases, settings.targets, settings.judges, rubrics, settings.concurrency, settings.attacker, anchors
    )
    price = f"about {found.usd or 0:.2f} USD, by --jmeb-plan"
    return f"{len(cases)} conversations are done, and all of them would take {price}"
