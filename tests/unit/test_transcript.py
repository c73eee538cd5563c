"""The laws of `jmeb_plugin.transcript`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.transcript import Transcript, Turn, clean, printable, quoted

anything = st.text(st.characters())
turns = st.builds(Turn, anything, anything, st.booleans())


@given(st.lists(turns, max_size=3), anything, st.floats(0, 1e6))
def test_json_takes_a_transcript_there_and_back(said: list[Turn], trouble: str, seconds: float) -> None:
    """A transcript survives plain JSON unchanged."""
    whole = Transcript("G-0/slow/en/0", "m", 2, tuple(said), trouble, seconds)
    assert Transcript.from_json(json.loads(json.dumps(whole.to_json()))) == whole


@given(anything)
def test_clean_text_is_utf8_and_else_the_same(text: str) -> None:
    """Only lone surrogates change; what comes out can be written as UTF-8, and cleaning it is idle."""
    found = clean(text)
    assert clean(found.encode("utf-8").decode("utf-8")) == found
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert found == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("a\ud800b", "a\ufffdb"), ("\udc00", "\ufffd"), ("\ud83d\ude00", "😀"), ("\ufeffa", "\ufeffa")],
)
def test_clean_mends_halves_of_pairs(text: str, cleaned: str) -> None:
    """A lone half becomes U+FFFD, two halves that belong together become their sign."""
    assert clean(text) == cleaned


@given(
    anything | st.lists(st.sampled_from(["##", "vso[", "[error]", "::error::", "\n", " ", "#"])).map("".join)
)
def test_quoted_text_orders_no_ci_runner_about(text: str) -> None:
    """No line begins with ``::`` or a blank before it, and nothing says ``##vso[`` or ``##[``; no line is lost."""
    found = quoted(text).split("\n")
    assert len(found) == text.count("\n") + 1
    assert all(line.startswith("│ ") and "##[" not in line and "##vso[" not in line.lower() for line in found)
    assert "\n".join(line.removeprefix("│ ") for line in found).replace("## ", "##") == text.replace(
        "## ", "##"
    )


@given(anything)
def test_printable_sends_no_control_to_a_terminal(text: str) -> None:
    """Nothing below space but line breaks and tabs reaches the terminal, and every stdout can write it."""
    found = printable(text)
    assert all(sign in "\n\t" or sign >= " " for sign in found)
    assert "\x7f" not in found
    assert "\x9b" not in found
    found.encode("utf-8")


def test_printable_shows_what_it_does_not_send() -> None:
    """An escape sequence and a bidirectional override are shown by their numbers."""
    assert printable("\x1b[31m\u202eja\n") == "\\x1b[31m\\u202eja\n"
