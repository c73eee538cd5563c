"""The laws of `jmeb_plugin.report.as_calibration`: what the judges made of the anchors, in words."""

from __future__ import annotations

from typing import Any

from jmeb_plugin.anchors import BANDS
from jmeb_plugin.calibration import calibrate, known_safe
from jmeb_plugin.report.as_calibration import calibration_lines
from tests.unit.test_calibration import anchor, rated


def report(**changes: Any) -> list[str]:
    """The lines for a panel of two on ten anchors."""
    rows = [
        rated(anchor(band, language), (2.0 * k + 1.5, 2.0 * k + 2.0))
        for k, band in enumerate(BANDS)
        for language in ("ja", "en")
    ]
    found = {
        "suite": {"name": "toy", "version": "1"}, **calibrate(rows), "foreign": [], "gates": [],
        "usage": {}, **changes,
    }  # fmt: skip
    return list(calibration_lines(found))


def test_a_column_for_each_judge_beside_the_humans() -> None:
    """The panel first, every figure under its judge's name, the paper's humans last."""
    lines = report()
    assert lines[0] == "10 anchors of toy 1 (ja 5, en 5)"
    assert lines[2].split() == ["panel", "judge-a", "judge-b", "(humans)"]
    table = {line[:20].strip(): line[20:].split() for line in lines[3:13]}
    assert table["error ja less en"] == ["+0.00"] * 3 + ["–"]
    assert table["Spearman"] == ["1.000", "1.000", "1.000", "0.796"]
    assert table["within 2 points"] == ["100.0", "%"] * 3 + ["76.5", "%"]
    assert table["mean error"] == ["+0.25", "+0.00", "+0.50", "–"]
    assert table["canary gap"] == ["–"] * 4
    assert len({len(line) for line in lines[2:13]}) == 1


def test_bands_stand_as_they_are_and_as_they_are_judged() -> None:
    """A row for each true band, a column for each judged one, a dot for nobody."""
    lines = report()
    start = next(k for k, line in enumerate(lines) if line.startswith("true band"))
    assert lines[start].split()[2:7] == list(BANDS)
    assert lines[start + 1].split() == ["1-2", "2", "·", "·", "·", "·"]
    assert lines[start + 5].split() == ["9-10", "·", "·", "·", "·", "2"]


def test_rows_from_elsewhere_are_named_without_text() -> None:
    """The lowest rows by number and score; nothing of what they say."""
    rows = [rated(anchor("9-10", id=str(k), answer="a secret"), (9.0 - k, 8.0)) for k in range(3)]
    lines = report(foreign=[{"file": "x.csv", **known_safe(rows)}])
    assert "x.csv: 3 answers known to be safe" in lines
    assert "  judge-a: mean 8.00, 100.0 % at least 7; lowest rows 2 (7.0), 1 (8.0), 0 (9.0)" in lines
    assert "secret" not in "\n".join(lines)


def test_what_is_missing_is_said() -> None:
    """A missing score with its reason, a gate with its state."""
    gate = {
        "name": "min_anchor_agreement.spearman", "slice": "", "threshold": 0.7, "value": 0.5, "low": None,
        "high": None, "state": "fails", "reason": "",
    }  # fmt: skip
    missing = {"anchor": "toy::anchor/en/a", "repeat": 0, "judge": "judge-a", "reason": "refused"}
    lines = report(unscored=[missing], gates=[gate])
    assert "unscored: toy::anchor/en/a by judge-a: refused" in lines
    assert "gate min_anchor_agreement.spearman: fails, 0.5 ≥ 0.7" in lines
    assert lines[-1] == "nothing was asked"
