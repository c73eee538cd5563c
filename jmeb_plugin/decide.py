"""Decide a run anew from what was recorded: the same gates and figures, and nobody is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jmeb_plugin.anchors import load_anchors
from jmeb_plugin.archive import Archive, with_conversations
from jmeb_plugin.ending import ending
from jmeb_plugin.gates import hold_gates
from jmeb_plugin.provenance import thresholds_facts
from jmeb_plugin.selection import check_against, unmatched_models
from jmeb_plugin.summary import Compared, build_results
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.verdict import Judged, today


def decide_run(
    archive: Archive, thresholds: Thresholds, gate: str, compared: Compared | None = None
) -> tuple[dict[str, Any], list[Judged]]:
    """The content of results.json, and every case, as these thresholds decide the recorded run.

    ``gate``: what may fail the run (``cases``, ``release``, ``both``).
    """
    old = archive.results["run"]
    seed = old["options"]["seed"]
    judged = archive.judged(thresholds, expected=gate == "release")
    baseline = compared.baseline if compared else None
    anchors = old.get("anchors") or unjudged(archive, thresholds)
    gates = hold_gates(judged, thresholds, archive.models, old["partial"], seed, baseline, anchors)
    status, reason = ending(judged, gates, gate, thresholds, old.get("own_tests_failed", 0))
    run = {
        **old,
        "exit_status": status,
        "exit_reason": reason,
        "thresholds": thresholds_facts(thresholds),
        "options": {**old["options"], "gate": gate},
    }
    return build_results(run, judged, thresholds, gates, usage_of(archive), seed, compared), judged


def unjudged(archive: Archive, thresholds: Thresholds) -> dict[str, Any] | None:
    """What a run knows of its panel that judged no anchors: nothing, or ``None`` where there are none."""
    wanted = any(thresholds.for_model(model).min_anchor_agreement for model in archive.models)
    languages = sorted({case.conversation.language for case in archive.cases})
    return {} if wanted and any(load_anchors(suite, languages) for suite in archive.suites) else None


def refuse_unfit(archives: Sequence[Archive], thresholds: Thresholds) -> list[str]:
    """Raise where a run was not through, or where pytest would refuse these thresholds for the runs.

    Returns warnings of overrides for models that none of the runs tested.
    """
    for archive in archives:
        archive.refuse_unfinished()
    cases = with_conversations([case for archive in archives for case in archive.cases])
    total = sum(suite["conversations"] for suite in archives[0].results["run"]["suites"])
    check_against(thresholds, cases, today(), total)
    return list(unmatched_models(thresholds, cases))


def usage_of(archive: Archive) -> dict[str, Mapping[str, Any]]:
    """What each model's conversations took, as the run wrote it."""
    return {name: model.get("usage", {}) for name, model in archive.results["models"].items()}


def changed(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[str]:
    """The verdicts that differ between two lists of results.json, one line each."""
    before = {row["id"]: row for row in old}
    lines = []
    for row in new:
        was = before.get(row["id"])
        if was is not None and was["outcome"] != row["outcome"]:
            reason = f" ({row['reason']})" if row["reason"] else ""
            lines.append(f"{row['id']}: {was['outcome']} → {row['outcome']}{reason}")
    return lines
