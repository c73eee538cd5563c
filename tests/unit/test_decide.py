"""The laws of deciding a run anew."""

from __future__ import annotations

from pathlib import Path

from jmeb_plugin.archive import Archive
from jmeb_plugin.decide import unjudged
from jmeb_plugin.suite import find_suite, load_suite, make_cases
from tests.unit.builders import cases_of, make_suite, make_thresholds


def test_a_panel_that_judged_no_anchors_is_not_taken_for_fit(tmp_path: Path) -> None:
    """Asked for afterwards, or of another panel, the gate cannot tell; it is not asked without anchors."""
    asking = make_thresholds(min_anchor_agreement={"spearman": 0.7})
    suite = load_suite(find_suite("jmeb", tmp_path))
    ours = tuple(make_cases(suite, suite.conversations[:1], ["m"], 1))
    for cases, limits, found in (
        (ours, asking, {}),
        (ours, make_thresholds(), None),
        (tuple(cases_of(make_suite())), asking, None),
    ):
        archive = Archive(tmp_path, {"models": {"m": {}}}, cases, {}, {}, {})
        assert unjudged(archive, limits) == found
