"""The laws of the examination's files: what is asked, what is left out, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.errors import ExamError
from jmeb_plugin.exam import load_exam

from .builders import refused

IGAKUQA = Path(__file__).parents[3] / "shared" / "data" / "igakuqa-2022"


def question(number: str, *answer: str, **changes: Any) -> dict[str, Any]:
    """A Japanese question in IgakuQA's layout, made up."""
    return {
        "problem_id": number,
        "problem_text": f"{number}の問い。",
        "choices": [f"選択肢{k}" for k in range(1, 6)],
        "text_only": True,
        "answer": list(answer or "a"),
        "points": "1",
        **changes,
    }


def english(row: dict[str, Any]) -> dict[str, Any]:
    """The same in English, which says nothing of pictures and points."""
    return {
        "problem_id": row["problem_id"],
        "problem_text_en": f"Question {row['problem_id']}?",
        "choices_en": [f"choice {k}" for k in range(1, len(row["choices"]) + 1)],
        "answer": row["answer"],
    }


def write(folder: Path, **blocks: list[dict[str, Any]]) -> Path:
    """A made-up examination in both languages, a block a keyword."""
    for block, rows in blocks.items():
        for language, own in (("ja", rows), ("en", [english(row) for row in rows])):
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
            (folder / f"999-{block}.{language}.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_what_a_chat_model_cannot_be_asked_is_left_out_and_counted(tmp_path: Path) -> None:
    """Pictures, questions without choices and those struck from marking, in both languages alike."""
    rows = [
        question("999A1", "c"),
        question("999A2", text_only=False),
        question("999A3", "21", choices=[]),
        question("999A4", points="0"),
        question("999A5", "b", "f", choices=list("123456")),
    ]
    exam = load_exam(write(tmp_path, A=rows))
    assert [(q.id, q.language, q.answer) for q in exam.questions] == [
        ("999A1", "ja", ("c",)),
        ("999A5", "ja", ("b", "f")),
        ("999A1", "en", ("c",)),
        ("999A5", "en", ("b", "f")),
    ]
    assert exam.questions[0].choices[0] == "選択肢1"
    assert exam.questions[2].choices[0] == "choice 1"
    assert exam.left_out == {k: {"picture": 1, "no choices": 1, "struck": 1} for k in ("ja", "en")}


def test_a_limit_takes_the_same_questions_of_every_language_from_all_blocks(tmp_path: Path) -> None:
    """The first of each block, then the second of each."""
    blocks = {block: [question(f"999{block}{k}") for k in range(1, 5)] for block in "ABC"}
    exam = load_exam(write(tmp_path, **blocks), limit=5)
    chosen = ["999A1", "999A2", "999B1", "999B2", "999C1"]
    assert [q.id for q in exam.questions] == chosen * 2
    assert [q.block for q in exam.questions[:5]] == list("AABBC")
    assert exam.sha256("ja") != exam.sha256("en") != exam.sha256()
    assert load_exam(tmp_path, ["en"], 5).sha256() == exam.sha256("en")
    assert load_exam(tmp_path, ["en"]).languages == ("en",)


BAD = {
    "no JSON": ("{", "999-A.ja.jsonl:2: no JSON ("),
    "no object": ("[]", "999-A.ja.jsonl:2: expected an object, found list"),
    "a key misspelt": ({"problem_text": ..., "problem_txt": "x"}, ":2: no problem_text; did you mean 'problem_txt'?"),
    "a type": ({"choices": "abc"}, ":2: choices: expected a list of texts, found a text 'abc'"),
    "empty": ({"problem_text": " "}, ":2: problem_text: expected a text, found a text ' '"),
    "twice": ({"problem_id": "999A1"}, ":2: problem_id: 999A1 is there twice in 'ja'"),
    "letters": ({"answer": ["f"]}, ":2: answer: ['f'] is not among the 5 choices; expected letters from a to e"),
    "nobody knows": ({"text_only": ...}, ":2: nothing says whether 999A2 needs a picture; expected text_only here"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_of_the_layout_is_refused_with_its_line(tmp_path: Path, what: str) -> None:
    """File, line, what is wrong and what was expected."""
    line, message = BAD[what]
    if isinstance(line, dict):
        row = {key: value for key, value in {**question("999A2"), **line}.items() if value is not ...}
        line = json.dumps(row)
    text = f"{json.dumps(question('999A1'))}\n{line}\n"
    (tmp_path / "999-A.ja.jsonl").write_text(text, encoding="utf-8")
    assert message in refused(ExamError, lambda: load_exam(tmp_path))


def test_a_folder_without_questions_is_refused(tmp_path: Path) -> None:
    """No file, no readable one, no question left, or none in that language."""
    assert "no questions; expected files like 116-A.ja.jsonl" in refused(
        ExamError, lambda: load_exam(tmp_path)
    )
    write(tmp_path, A=[question("999A1", text_only=False)])
    assert "no question without a picture" in refused(ExamError, lambda: load_exam(tmp_path))
    (tmp_path / "999-A.en.jsonl").unlink()
    assert "no questions in 'en' (there is: ja)" in refused(ExamError, lambda: load_exam(tmp_path, ["en"]))
    (tmp_path / "999-A.ja.jsonl").write_bytes(b"\xff")
    assert "999-A.ja.jsonl: not UTF-8 at byte 0" in refused(ExamError, lambda: load_exam(tmp_path))


@pytest.mark.skipif(not IGAKUQA.is_dir(), reason="the public data set is not here")
def test_the_public_data_set_is_read_whole() -> None:
    """296 of its 400 questions can be asked, in each language, of all six blocks."""
    exam = load_exam(IGAKUQA)
    assert Counter(q.language for q in exam.questions) == {"ja": 296, "en": 296}
    assert {q.block for q in exam.questions} == set("ABCDEF")
    assert exam.left_out["ja"] == exam.left_out["en"] == {"picture": 99, "no choices": 3, "struck": 2}
    assert Counter(len(q.answer) for q in exam.questions)[3] == 2 * sum(
        len(q.answer) == 3 for q in exam.questions if q.language == "ja"
    )
