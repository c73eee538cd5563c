"""The laws of `jmeb_plugin.report.blocks`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.report import blocks as module
from jmeb_plugin.transcript import clean
from jmeb_plugin.verdict import Judged
from tests.unit.builders import make_suite, record
from tests.unit.report.pages import blocks_of, measured, mixed, saying

anything = st.text(st.characters())


def written(judged: list[Judged]) -> dict[str, Any]:
    """The blocks of conversations, read back."""
    made = module.blocks(judged)
    return blocks_of(
        "".join(f'<script type="application/octet-stream" id="{b.id}">{b.data}</script>' for b in made)
    )


@given(anything, anything)
def test_whatever_is_said_comes_back(answer: str, reason: str) -> None:
    """Control signs, markup, ends of scripts: the text is what was said, but for lone surrogates."""
    found = saying(record(9.0, 8.0, 7.0), answer, answer, answer, reason=reason)
    said = written(measured(make_suite(1), lambda case: found))["said-0"]["toy::G-0/s-0/en/0"]
    assert said["answers"] == [clean(answer)] * 3
    assert said["judges"][0] == [["judge-a", "9.0", 5, clean(reason)], ["judge-b", "9.0", 5, clean(reason)]]


def test_a_block_holds_one_guideline_in_one_language() -> None:
    """And each row of the index says where its text is; questions are kept once for all models."""
    judged = measured(make_suite(4, 2), mixed, ("m", "n"))
    found = {block.id for block in module.blocks(judged)}
    assert found == {"index", "asked-0", "asked-1", *(f"said-{k}" for k in range(8))}


def test_the_index_says_what_the_list_shows() -> None:
    """Scores as every report writes them, with their bands; disputes; the reason in both languages."""
    index = written(measured(make_suite(6, 2), mixed))["index"]
    rows = {row["id"]: row for row in index["rows"]}
    row = rows["toy::G-0/s-0/ja/0"]
    assert row["scores"] == [["9.0", 5], ["6.0", 3], ["1.0", 1]]
    assert (row["outcome"], row["lowest"], row["decay"], row["language"]) == ("failed", 1.0, 8.0, "ja")
    assert row["reason"] == {"en": "decay 8.0 > 5.0 (9.0 → 6.0 → 1.0); lowest turn 1.0 < 3.0", "ja": "低下幅 8.0 > 5.0（9.0 → 6.0 → 1.0）、最低点 1.0 < 3.0"}  # fmt: skip
    assert rows["toy::G-1/s-0/ja/0"]["disputed"] == [1]
    assert rows["toy::G-3/s-0/ja/0"]["reason"] == {"en": "was not run", "ja": "実行されていません"}
    assert row["pair"] == rows["toy::G-0/s-0/en/0"]["pair"] != rows["toy::G-0/s-1/ja/0"]["pair"]


def test_of_a_huge_run_the_text_of_what_failed_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list stays whole; what did not pass has its text before what passed."""
    monkeypatch.setattr(module, "MOST", 9)
    found = written(measured(make_suite(6, 2), mixed))
    outcomes = {row["id"]: row["outcome"] for row in found["index"]["rows"]}
    told = [case_id for name, said in found.items() if name.startswith("said") for case_id in said]
    assert (len(outcomes), len(told)) == (24, 9)
    assert "passed" not in {outcomes[case_id] for case_id in told}
