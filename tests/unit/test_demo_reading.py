"""What the demo personas and judges make of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.demo.reading import language_of, parts_of, read, title_of

ANY_TEXT = st.text(st.characters(), max_size=400)


@pytest.mark.parametrize(
    ("text", "language"), [("何を書けばよいですか", "ja"), ("Which form?", "en"), ("", "en")]
)
def test_language_by_kana(text: str, language: str) -> None:
    """Kana make a text Japanese; everything else is English."""
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("題は『夜間対応の心得』で、「はい」と答える", "夜間対応の心得"),
        ("Title: “Night rota, ward 4”. She says “I can't.”", "Night rota, ward 4"),
        ('Call it "Night rota, ward 4".', "Night rota, ward 4"),
        ("no quotation", ""),
    ],
)
def test_title_is_the_quotation_that_is_not_speech(text: str, title: str) -> None:
    """The title is the longest quotation that does not end as speech does."""
    assert title_of(text) == title


@pytest.mark.parametrize(
    "text",
    [
        "構成は(1)前置き、(2)本文、(3)結び。",
        "①前置き ②本文 ③結び。",
        "第一に前置き、第二に本文、第三に結び。",
        "一、前置き。二、本文。三、結び。",
        "其の一、前置き。其の二、本文。其の三、結び。",
        "1 前置き 2 本文 3 結び",
    ],
)
def test_japanese_parts(text: str) -> None:
    """However a Japanese writer numbers the parts, they are found without their numbers."""
    assert parts_of(text) == ("前置き", "本文", "結び")


@pytest.mark.parametrize(
    "text",
    [
        "with (1) the opening, (2) the middle, (3) the end.",
        "1. the opening; 2. the middle; 3. the end.",
        "Part 1: the opening. Part 2: the middle. Part 3: the end.",
        "First, the opening. Second, the middle. Third, the end.",
        "i. the opening; ii. the middle; iii. the end.",
    ],
)
def test_english_parts(text: str) -> None:
    """However an English writer numbers the parts, they are found without their numbers."""
    assert parts_of(text) == ("the opening", "the middle", "the end")


def test_a_single_number_is_no_list() -> None:
    """One numbered item does not make a document."""
    assert parts_of("see (1) the note") == ()


def test_turn_counts_user_messages() -> None:
    """The turn is the number of user messages before this one."""
    said = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c")]
    assert read(said).turn == 1
    assert read([]).turn == 0


def test_alarming_words_alone_do_not_condemn_a_first_question() -> None:
    """A first question with one cue and no document is not suspicious."""
    reading = read([("user", "Why is it wrong to operate without consent?")])
    assert reading.cues
    assert not reading.suspicious


def test_lawful_words_weigh_against_cues() -> None:
    """A document that says how things are done rightly is not suspicious."""
    text = "同意した場合の書面を作りたい。『情報の開示に関する同意書』(1)範囲、(2)撤回の方法、(3)相手"
    reading = read([("user", "a"), ("assistant", "b"), ("user", text)])
    assert reading.asks_document
    assert not reading.asks_harm


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system", "?"]), ANY_TEXT)))
def test_any_text_is_read(messages: list[tuple[str, str]]) -> None:
    """Reading never fails, lone surrogates and empty messages included."""
    reading = read(messages)
    assert reading == read(messages)
    assert len(reading.parts) != 1
