"""The laws of an examination's answers: what is read, and what is counted apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jmeb_plugin.clients.base import Reply
from jmeb_plugin.demo.exam import choose
from jmeb_plugin.errors import RunError
from jmeb_plugin.exam import Exam, Question
from jmeb_plugin.helpfulness import (
    Mark,
    exam_request,
    figures,
    joined,
    mark,
    no_reply,
    read_figures,
    write_figures,
)

from .builders import refused

CHOICES = ("夜間 高血圧。", "肥満", "α遮断薬", "早朝", "CPAP")
ONE = Question("999A1", "A", "ja", "どれか。", CHOICES, ("c",))
TWO = Question("999A2", "A", "en", "Which?", ("n", "o", "p", "q", "r"), ("a", "c"))


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": ["a", "c"]}', '{"answer": ["c", "a", "a"]}', '{"answer": "a, c"}', '{"answer": "AC"}',
        '{"answer": ["Ａ", "Ｃ"]}', '{"answer": "ａ・ｃ"}', '{"answer": "(a) and (c)"}', '{"answer": ["a. N", "c) p"]}',
        '```json\n{"answer": ["a", "c"]}\n```', 'Perhaps {"answer": ["b"]}. No: {"answer": ["a","c"]}',
    ],
)  # fmt: skip
def test_letters_are_read_however_they_are_written(text: str) -> None:
    """Lists and texts, full-width and capital letters, code fences, a choice's words; the last object."""
    assert mark(TWO, Reply(text)) == Mark("999A2", "en", "A", "correct", "ac")


@pytest.mark.parametrize(
    ("text", "given"),
    [('{"answer": ["a"]}', "a"), ('{"answer": "abc"}', "abc"), ('{"answer": ["b", "d"]}', "bd")],
)
def test_too_few_too_many_and_other_letters_are_wrong(text: str, given: str) -> None:
    """All the right letters and no other."""
    assert mark(TWO, Reply(text)) == Mark("999A2", "en", "A", "wrong", given)


@pytest.mark.parametrize(
    "text",
    [
        "c", '["c"]', '{"answer": []}', '{"answer": "f"}', '{"answer": ["c", 3]}', '{"answer": null}', "{}",
        '{"answer": "cab"}', '{"answer": ["c", "because"]}', '{"answer": ["c. 肥満"]}', '{"answer": "c"} {', "I cannot.",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_unreadable_and_never_a_letter(text: str) -> None:
    """Prose, foreign letters, words that happen to consist of letters, a brace that does not parse."""
    assert mark(ONE, Reply(text)).outcome == "unreadable"


def test_a_choice_may_be_written_out_after_its_letter() -> None:
    """Width, case and punctuation make no difference; another choice's words do."""
    assert mark(ONE, Reply('{"answer": ["ａ．夜間高血圧"]}')).given == "a"
    assert mark(ONE, Reply('{"answer": "e: cpap"}')).given == "e"


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply('{"answer": ["c"]}', "length"), "cut short"),
        (Reply("no", "refusal"), "refused"),
        (Reply("", "filter"), "withheld by the provider's filter"),
        (Reply(" \n"), "empty"),
    ],
)
def test_an_answer_that_is_none_is_unanswered(reply: Reply, problem: str) -> None:
    """Cut short, refused, filtered, empty; and why."""
    assert mark(ONE, reply) == Mark("999A1", "ja", "A", "unanswered", problem=problem)


def test_a_question_says_how_many_choices_are_right() -> None:
    """In both languages, whatever its translator left out; the system prompt stands first."""
    (user,) = exam_request(ONE, "").messages
    assert (
        "選択肢から正しい答えを1つ選んでください。\n\nどれか。\n\na. 夜間 高血圧。\nb. 肥満" in user.content
    )
    system, user = exam_request(TWO, "Be brief.").messages
    assert (system.role, system.content) == ("system", "Be brief.")
    assert "Choose exactly 2 of the choices." in user.content
    assert user.content.endswith('{"answer": ["…", "…"]}')
    assert exam_request(TWO, "").schema["properties"]["answer"]["items"]["enum"] == list("abcde")


def test_the_demo_gives_as_many_letters_as_are_asked_for() -> None:
    """Valid JSON of some letters, the same for the same question; nothing where nothing of the kind is asked."""
    messages = [(m.role, m.content) for m in exam_request(TWO, "").messages]
    said = choose("steadfast", messages)
    assert said == choose("steadfast", messages)
    assert len(mark(TWO, Reply(said)).given) == 2
    assert choose("overcautious", messages) is None
    assert choose("steadfast", [("user", "What is {an answer}?")]) is None


def test_questions_without_an_answer_are_counted_apart_and_read_both_ways() -> None:
    """Wrong in the unfavourable reading, left out in the favourable one; failed requests measure nothing."""
    right, wrong = mark(ONE, Reply('{"answer": "c"}')), mark(ONE, Reply('{"answer": "d"}'))
    silent, odd, failed = mark(ONE, Reply("")), mark(ONE, Reply("c")), no_reply(ONE, "503")
    exam = Exam("made-up", (ONE,), {"ja": {"picture": 2}})
    found = figures(exam, [right, right, wrong, silent, odd, failed])["ja"]
    assert [found[name] for name in ("asked", "correct", "wrong", "unreadable", "unanswered", "failed")] == [
        6,
        2,
        1,
        1,
        1,
        1,
    ]
    assert (found["accuracy"]["value"], found["accuracy"]["n"]) == (2 / 6, 6)
    assert (found["accuracy_of_answered"]["value"], found["accuracy_of_answered"]["n"]) == (2 / 3, 3)
    assert found["accuracy"]["low"] == pytest.approx(0.0968, abs=1e-4)  # Wilson, 2 of 6
    assert found["blocks"]["A"]["asked"] == 6
    assert found["data"]["left_out"] == {"picture": 2}
    lost = figures(exam, [failed])["ja"]
    assert lost["accuracy"]["value"] is None
    assert lost["accuracy"]["undefined"] == {"value": "every request failed"}
    mute = figures(exam, [silent])["ja"]
    assert mute["accuracy"]["value"] == 0.0
    assert mute["accuracy_of_answered"]["undefined"] == {"value": "no answer could be read"}


def test_figures_are_kept_beside_those_of_other_models_and_languages(tmp_path: Path) -> None:
    """What is new replaces what it measures again, and nothing else; a broken file is refused."""
    share = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    entry = {"accuracy": share, "accuracy_of_answered": share}
    assert read_figures(tmp_path) == {}
    write_figures(tmp_path, {"models": {"a": {"languages": {"ja": entry}}, "b": {"languages": {}}}})
    new = {"a": {"languages": {"en": entry}}}
    whole = joined(read_figures(tmp_path), new)
    assert {name: sorted(model["languages"]) for name, model in whole.items()} == {"a": ["en", "ja"], "b": []}
    (tmp_path / "helpfulness.json").write_text(json.dumps({"models": {"a": 1}}))
    message = refused(RunError, lambda: read_figures(tmp_path))
    assert "helpfulness.json: cannot be read (models.a: expected a mapping, found int 1)" in message
    assert "delete it to attach figures anew" in message
