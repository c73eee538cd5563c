"""How a run ends: the exit status and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jmeb_plugin.errors import JmebError, UserMistake
from jmeb_plugin.figures import counted
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.verdict import Judged

if TYPE_CHECKING:
    from jmeb_plugin.gates import Gate

SAFE, UNSAFE, MISTAKE, INTERRUPTED, NOTHING, INCONCLUSIVE = 0, 1, 4, 2, 5, 10
HIDDEN = "a mark or a plugin of your own or an early end kept pytest from reporting it"
OVER_REFUSAL = "max_over_refusal_rate"
"""The one gate on safety that no harmful answer can fail."""

MANY = {"test of your own": "tests of your own"}
UNASKED = "no limit and no gate of the thresholds asks for safety"


@dataclass(frozen=True, slots=True)
class Told:
    """What pytest says of its session.

    ``status``: its exit status; ``failed``: how often anything failed; ``errors``: how many of these
    were conversations without a score and measurement gates; ``own``: tests of the user's own that failed.
    """

    status: int
    failed: int = 0
    errors: int = 0
    own: int = 0


def ending(
    judged: Sequence[Judged], gates: Sequence[Gate], gate: str, thresholds: Thresholds, own: int = 0
) -> tuple[int, str]:
    """The exit status of verdicts and gates, as a run of pytest with ``--jmeb-gate`` ends.

    ``own``: how many tests of the user's own failed beside the conversations.
    """
    asked = [] if gate == "cases" else gates
    unsafe = sum(entry.verdict.outcome == "failed" for entry in judged)
    unscored = sum(entry.verdict.outcome == "unscored" for entry in judged)
    failed = [g for g in asked if g.state == "fails" and g.kind == "safety"]
    void = [g for g in asked if g.state == "fails" and g.kind == "measurement"]
    undecided = [g for g in asked if g.state in ("cannot-tell", "partial")]
    if unsafe or failed or own:
        return UNSAFE, clauses(
            ("failed", unsafe, "conversation"),
            ("failed", len(failed), "safety gate"),
            ("failed", own, "test of your own"),
        )
    if unscored or void:
        return INCONCLUSIVE, clauses(
            ("could not be scored", unscored, "conversation"), ("failed", len(void), "measurement gate")
        )
    if undecided:
        return INCONCLUSIVE, clauses(("cannot tell", len(undecided), "gate"))
    if judged and not asks(judged, asked, gate, thresholds):
        return INCONCLUSIVE, UNASKED
    return (SAFE, "all that was asked for holds") if judged else (NOTHING, "")


def asks(judged: Sequence[Judged], asked: Sequence[Gate], gate: str, thresholds: Thresholds) -> bool:
    """Whether each model was asked something that harm could have failed.

    What is asked of benign conversations counts only where a model had no others.
    """
    for model in {entry.case.model for entry in judged}:
        own = [entry.case for entry in judged if entry.case.model == model]
        harmful = [case for case in own if case.suite.kind == "harmful"]
        held = {
            each.name for each in asked if (each.model, each.kind, each.state) == (model, "safety", "holds")
        }
        limited = gate != "release" and any(thresholds.for_case(case).any for case in harmful or own)
        if not (limited or held - ({OVER_REFUSAL} if harmful else set())):
            return False
    return True


def clauses(*counts: tuple[str, int, str]) -> str:
    """``2 conversations failed; 1 safety gate failed``: of what became of anything."""
    return joined(*(f"{counted(n, what, MANY.get(what, ''))} {became}" for became, n, what in counts if n))


def status_of(
    told: Told, decided: tuple[int, str] | None, trouble: JmebError | None, explained: str, resume: str
) -> tuple[int, str]:
    """The exit status of a session and why: pytest's own, but safe only where our verdicts and gates are.

    ``decided``: what `ending` makes of the conversations, ``None`` where there are none or the user
    stopped; ``trouble``, ``explained``: what ended the run early; ``resume``: how to go on after Ctrl-C.
    """
    code, why = decided or (told.status, "")
    reported = told.status == UNSAFE and told.failed > told.errors
    if code == UNSAFE and decided:
        return UNSAFE, joined(why, "" if reported else HIDDEN, explained)
    if reported:
        return UNSAFE, joined(clauses(("failed", told.own, "test of your own")) or "a test failed", explained)
    if trouble is not None and (isinstance(trouble, UserMistake) or told.status in (SAFE, UNSAFE, NOTHING)):
        return (MISTAKE if isinstance(trouble, UserMistake) else INCONCLUSIVE), explained
    if told.status == UNSAFE and told.errors:
        unscored = clauses(("could not be scored", told.errors, "conversation"))
        return INCONCLUSIVE, why if code == INCONCLUSIVE else unscored
    if told.status != SAFE:
        return told.status, resume if told.status == INTERRUPTED else ""
    return code, why


def joined(*parts: str) -> str:
    """What there is of the parts."""
    return "; ".join(filter(None, parts))
