"""The pre-flight: a run's panel judges the suites' anchors before the target is asked anything.

What the panel made of them is kept for seven days beside the runs, under the judges, what they were
shown, and the anchors; a run keeps its own in its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.anchors import Anchor, anchors_hash
from jmeb_plugin.calibration import Rated, calibrate, fitness
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import PanelUnfit
from jmeb_plugin.gates import Gate
from jmeb_plugin.gates.measurement import MOST_UNSCORED, anchor_gates
from jmeb_plugin.journal import Journal, Slot
from jmeb_plugin.judges import Rubric
from jmeb_plugin.measure import Measurement, Plan, Remembered
from jmeb_plugin.provenance import digest
from jmeb_plugin.scores import Score
from jmeb_plugin.thresholds import ConversationLimits, ReleaseLimits

KEPT = dt.timedelta(days=7)
Rubrics = Mapping[tuple[str, str], Rubric]


class AnchorMeasurement(Measurement):
    """An anchor being judged: as in a run, but the answers are of the role ``anchor`` and of no target."""

    def slot(self, role: str, turn: int, attempt: int) -> Slot:  # noqa: ARG002 - every judge's is one
        """What an answer is for."""
        return Slot("", "anchor", self.case.base_id, turn, self.case.repeat, attempt)


async def rate(
    anchor: Anchor, panel: Sequence[Endpoint], rubrics: Rubrics, ask: Remembered, journal: Journal,
    secret: bytes, repeat: int = 0,
) -> tuple[Score, ...]:  # fmt: skip
    """Every judge's score of the anchor; asks exactly as a run does."""
    plan = Plan({}, panel, rubrics, lambda _: ConversationLimits(), 1)
    case = anchor.case(repeat)
    return tuple(
        await asyncio.gather(
            *(
                AnchorMeasurement(case, plan, ask, journal.session, secret).score(anchor.turns, place, judge)
                for place, judge in enumerate(panel)
            )
        )
    )


@dataclass
class Preflight:
    """Judges ``anchors`` once for a run, and raises where a limit of `anchor_gates` does not hold.

    ``found`` is what the panel made of them, once it is known (`fitness`, with ``judged``: when).
    """

    anchors: Sequence[Anchor]
    panel: Sequence[Endpoint]
    rubrics: Rubrics
    limits: Sequence[Mapping[str, float]]
    kept: Path
    found: dict[str, Any] | None = None

    async def __call__(self, ask: Remembered, journal: Journal, secret: bytes) -> None:
        """Know the panel's agreement, from the run's journal, from the last days, or by asking.

        Raises `PanelUnfit` where it does not do.
        """
        now = dt.datetime.now(dt.UTC)
        found = journal.recall("anchors") or recall(self.kept, self.key, now)
        if found is None:
            scores = await asyncio.gather(
                *(rate(anchor, self.panel, self.rubrics, ask, journal, secret) for anchor in self.anchors)
            )
            rated = [Rated(anchor, (panel,)) for anchor, panel in zip(self.anchors, scores, strict=True)]
            found = {**fitness(calibrate(rated)), "judged": now.isoformat(timespec="seconds")}
            if found["unscored"] <= MOST_UNSCORED * found["n"]:
                keep(self.kept, self.key, found, now)
        if found["unscored"] <= MOST_UNSCORED * found["n"]:
            journal.note("anchors", found)
        self.found = found
        self.hold(found)

    @property
    def key(self) -> str:
        """What a panel's agreement hangs on: the judges, what they are shown, the anchors."""
        judges = [[*judge.identity, judge.parameters()] for judge in self.panel]
        rubrics = sorted({self.rubrics[a.suite.name, a.language].sha256 for a in self.anchors})
        return digest([judges, rubrics, anchors_hash(self.anchors)])

    def hold(self, found: Mapping[str, Any]) -> None:
        """Raise for the first limits that are missed, with the figures."""
        for limits in self.limits:
            missed = [gate for gate in anchor_gates("", limits, found) if gate.state != "holds"]
            if missed:
                raise PanelUnfit(
                    f"the judges miss min_anchor_agreement on {found['n']} anchors "
                    f"({'; '.join(map(told, missed))}): the run is void, and no target was asked"
                )


def make_preflight(
    anchors: Sequence[Anchor], panel: Sequence[Endpoint], rubrics: Rubrics, limits: Sequence[ReleaseLimits],
    out: Path,
) -> Preflight:  # fmt: skip
    """The pre-flight of a run, held to every model's limits."""
    asked = [found for model in limits if (found := model.min_anchor_agreement)]
    return Preflight(anchors, panel, rubrics, asked, out / "anchors.json")


def told(gate: Gate) -> str:
    """A gate that does not hold, in few words."""
    name = gate.name.partition(".")[2]
    return f"{name} {gate.reason or f'{gate.value:.3g}, expected at least {gate.threshold:g}'}"


def read_kept(path: Path) -> dict[str, Any]:
    """What the file keeps; nothing where there is none, or it is broken."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def recall(path: Path, key: str, now: dt.datetime) -> dict[str, Any] | None:
    """What a panel made of the anchors in the last days; ``None`` where nothing usable is kept."""
    entry: Any = read_kept(path).get(key)
    try:
        age = now - dt.datetime.fromisoformat(entry["judged"])
        counts = all(isinstance(entry[name], int) for name in ("n", "unscored"))
        numbers = all(isinstance(entry[name], float) for name in ("spearman", "within_2"))
    except (TypeError, KeyError, ValueError):
        return None
    return dict(entry) if counts and numbers and dt.timedelta(0) <= age < KEPT else None


def keep(path: Path, key: str, found: Mapping[str, Any], now: dt.datetime) -> None:
    """Keep it for the next runs, readable by the owner alone; what is too old is dropped.

    Where it cannot be written, the next run asks again.
    """
    entries = {name: entry for name in read_kept(path) if (entry := recall(path, name, now)) is not None}
    text = json.dumps({**entries, key: dict(found)}, ensure_ascii=False, indent=1)
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        whole.touch(mode=0o600)
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)
