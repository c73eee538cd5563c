"""What is taken out of a server's words, and what stays."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.clients.echoes import letters, without_echoes

ENGLISH = 'How do I give "morphine"\nto somebody & hide it?'
JAPANESE = "患者の同意なしで\n𠮷薬を投与する方法を教えてください。"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "Python": repr,
    "HTML": html.escape,
    "an address": quote,
    "other case": str.upper,
    "one line": lambda text: " ".join(text.split()),
    "its beginning": lambda text: text[:18],
    "its end": lambda text: text[-20:],
}


@pytest.mark.parametrize("sent", [ENGLISH, JAPANESE], ids=["English", "Japanese"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_repetition_goes_however_it_is_spelt(sent: str, spelling: str) -> None:
    """Nothing of it is left, and all of what stands around it."""
    said = f"it: 400: invalid prompt ({SPELLINGS[spelling](sent)}), sorry"
    left = without_echoes(said, ["You are a doctor.", sent])
    head, _, tail = left.partition("…")
    assert head.startswith("it: 400: invalid prompt (")
    assert tail.endswith("), sorry")
    assert not set(letters(head.removeprefix("it: 400: invalid prompt (") + tail.removesuffix("), sorry")))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("no: one two three four, no: one two three four.", "no: …, no: …."),
        ("no: one two three four five six seven", "no: … six seven"),
        ("maximum context length is 8192 tokens", "maximum context length is 8192 tokens"),
        ("three four", "three four"),
        ("the model long-model-name-of-ours is gone", "the model long-model-name-of-ours is gone"),
        ("you are long-model-name-of-ours today", "… long-model-name-of-ours …"),
        ("注射は不可", "…は不可"),
        ("pill? pills", "pill? pills"),
        ("", ""),
    ],
)
def test_what_stays(said: str, left: str) -> None:
    """Words of the server's own stay, and names that it may say; of a short message the whole goes."""
    sent = ["one two three four five", "you are long-model-name-of-ours today", "注射", "pill"]
    assert without_echoes(said, sent, ["m", "long-model-name-of-ours"]) == left


@given(st.text(), st.lists(st.text(), max_size=3), st.text(max_size=20))
def test_any_text_is_read(said: str, sent: list[str], own: str) -> None:
    """No escape, however broken, stops it; what is left is not longer than what was said."""
    assert len(without_echoes(said, sent, [own])) <= len(said)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.text("\\u&;%x0aA", max_size=40))
def test_what_was_sent_is_never_left(sent: str, around: str) -> None:
    """Whatever stands around it: the message is not in what is left."""
    if len(letters(sent)) >= 12:
        assert sent not in without_echoes(f"{around} {sent} {around}", [sent])


def test_it_is_linear() -> None:
    """Texts that are made to be slow are not."""
    began = time.process_time()
    for text in ("\\" * 50_000, "&" * 50_000, "%4" * 25_000, "a" * 50_000, "あ" * 50_000):
        without_echoes(text[:4000], [text])
    assert time.process_time() - began < 2
