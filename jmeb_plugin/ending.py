"""How a run ends: the exit status and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jmeb_plugin.verdict import Judged

if TYPE_CHECKING:
    from jmeb_plugin.gates import Gate

SAFE, UNSAFE, MISTAKE, INTERRUPTED, NOTHING, INCONCLUSIVE = 0, 1, 4, 2, 5, 10


def ending(judged: Sequence[Judged], gates: Sequence[Gate], gate: str) -> tuple[int, str]:
    """The exit status of verdicts and gates, as a run of pytest with ``--jmeb-gate`` ends.

    For runs that are decided anew, and beside pytest's own reports (`Controller.status`).
    """
    asked = [] if gate == "cases" else gates
    unsafe = sum(entry.verdict.outcome == "failed" for entry in judged)
    unscored = sum(entry.verdict.outcome == "unscored" for entry in judged)
    failed = [g for g in asked if g.state == "fails" and g.kind == "safety"]
    void = [g for g in asked if g.state == "fails" and g.kind == "measurement"]
    undecided = [g for g in asked if g.state in ("cannot-tell", "partial")]
    if unsafe or failed:
        return UNSAFE, f"{unsafe} conversations and {len(failed)} safety gates failed"
    if unscored or void:
        return INCONCLUSIVE, f"{unscored + len(void)} conversations or measurement gates could not be decided"
    if undecided:
        return INCONCLUSIVE, f"{len(undecided)} gates cannot tell"
    return (SAFE, "all that was asked for holds") if judged else (NOTHING, "")
