"""The laws of `jmeb_plugin.report.packing`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.report import packing
from jmeb_plugin.report.packing import learn
from jmeb_plugin.transcript import clean
from tests.unit.report.pages import decode

anything = st.text(st.characters()).map(clean)


def read(text: str, learnt: list[str]) -> object:
    """JSON that was encoded with a code learnt from other texts, decoded."""
    code = learn(learnt)
    found = decode(code.encode(text), {"symbols": code.symbols, "single": code.single})
    return json.loads(found)


@given(st.lists(anything, max_size=4), st.lists(anything, max_size=4))
def test_what_is_encoded_is_decoded(learnt: list[str], texts: list[str]) -> None:
    """Whatever the text, and whatever the code was learnt from; signs it never met are escaped."""
    assert read(json.dumps(texts, ensure_ascii=False), learnt) == texts


def test_more_signs_than_there_are_codes_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that writes every sign there is makes the page longer, not wrong."""
    monkeypatch.setattr(packing, "SIGNS", 120)
    text = "".join(map(chr, range(0x4E00, 0x5200))) + "😀"
    assert read(json.dumps([text], ensure_ascii=False), [text, "word word word word"]) == [text]
    assert len(learn([text]).symbols) == 120


def test_the_code_is_learnt_from_a_part_of_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long run, so that learning takes no longer; no language is left out."""
    monkeypatch.setattr(packing, "LEARNT", 400)
    code = learn(["同意書 " * 200, "consent " * 200])
    assert {"同意", "consent"} <= {symbol.strip() for symbol in code.symbols}


def test_frequent_words_take_fewer_bytes() -> None:
    """A word that stands often takes one or two bytes, however long it is."""
    text = "インフォームド・コンセント、説明と同意、responsibility of the physician. " * 50
    assert len(learn([text]).encode(text)) < len(text) / 3
