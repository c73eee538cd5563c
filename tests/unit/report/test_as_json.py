"""The laws of `jmeb_plugin.report.as_json`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.report.as_json import json_text

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
heads = st.dictionaries(st.text(), plain, min_size=1, max_size=3)


@given(heads, st.lists(st.dictionaries(st.text(), plain, max_size=3), max_size=4))
def test_what_is_written_is_read_back(head: dict[str, object], verdicts: list[object]) -> None:
    """The text is JSON with the same content, the verdicts last."""
    whole = {
        **{key: value for key, value in head.items() if key != "verdicts"},
        "schema": 1,
        "verdicts": verdicts,
    }
    assert json.loads(json_text(whole)) == whole


def test_one_verdict_is_one_line() -> None:
    """Two runs can be compared line by line, and Japanese stands as it is."""
    text = json_text({"schema": 1, "verdicts": [{"id": "a", "reason": "改行\n"}, {"id": "b", "reason": ""}]})
    assert text.splitlines()[3:5] == ['  {"id": "a", "reason": "改行\\n"},', '  {"id": "b", "reason": ""}']
    assert text.endswith("\n ]\n}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    """What JSON lacks, nan and infinity, is an error and not written."""
    for results in ({"value": value, "verdicts": []}, {"schema": 1, "verdicts": [{"mean": value}]}):
        with pytest.raises(ValueError, match="Out of range float values"):
            json_text(results)
