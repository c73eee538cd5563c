"""An examination: the questions by which a model's helpfulness is measured beside its safety.

The files are a user's own copy of the public IgakuQA layout: ``EXAM-BLOCK.LANGUAGE.jsonl`` for each
block and language, a question a line. Only what a chat model can be asked is: questions without a
picture, with choices, and not struck from marking.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import ExamError, closest, plain
from jmeb_plugin.user_file import MIB, read_text
from jmeb_plugin.yaml_file import describe

LANGUAGES = ("ja", "en")
MOST = 64 * MIB
LETTERS = "abcdefghij"
FILE = re.compile(r"(?P<stem>[^.]+)\.(?P<language>[a-z]{2})\.jsonl")
KEYS = {"ja": ("problem_text", "choices"), "en": ("problem_text_en", "choices_en")}
"""Under which keys a language has its text and its choices."""

PICTURE, NO_CHOICES, STRUCK = "picture", "no choices", "struck"
"""Why a question is left out: it needs a picture; its answer is no choice; it gives no points."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question in one language. ``answer`` holds all letters that are right, and no other is."""

    id: str
    block: str
    language: str
    text: str
    choices: tuple[str, ...]
    answer: tuple[str, ...]

    @property
    def letters(self) -> str:
        """The letters of its choices."""
        return LETTERS[: len(self.choices)]

    def lettered(self) -> Iterator[tuple[str, str]]:
        """Each choice after its letter."""
        return zip(self.letters, self.choices, strict=True)


@dataclass(frozen=True, slots=True)
class Exam:
    """The questions that are asked, by which name, and how many were left out, by language and reason."""

    name: str
    questions: tuple[Question, ...]
    left_out: Mapping[str, Mapping[str, int]]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it is asked in."""
        return tuple(dict.fromkeys(question.language for question in self.questions))

    def sha256(self, language: str = "") -> str:
        """A hash of everything that is asked, or of one language's part."""
        rows = [asdict(q) for q in self.questions if language in ("", q.language)]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def load_exam(folder: Path, languages: Sequence[str] = (), limit: int | None = None) -> Exam:
    """The examination in a folder, in these languages (all it has, without any).

    ``limit``: at most so many questions of each language, spread over the blocks, the same in every
    language. Raises `ExamError` with file and line for what is not of the layout.
    """
    rows = read_rows(folder)
    have = sorted({row.language for row in rows}, key=LANGUAGES.index)
    for language in languages:
        if language not in have:
            raise ExamError(f"{folder}: no questions in {language!r}{closest(language, have)}")
    plain = {row.id: row.data["text_only"] for row in rows if "text_only" in row.data}
    struck = {row.id for row in rows if str(row.data.get("points", "1")) == "0"}
    left_out: dict[str, Counter[str]] = {}
    questions: list[Question] = []
    for language in dict.fromkeys(languages or have):
        left_out[language] = Counter()
        usable = []
        for row in rows:
            if row.language == language:
                reason = row.reason(plain, struck)
                if reason:
                    left_out[language][reason] += 1
                else:
                    usable.append(row.question())
        questions += spread(usable, limit)
    if not questions:
        raise ExamError(f"{folder}: no question without a picture and with choices; expected some")
    return Exam(folder.resolve().name, tuple(questions), {k: dict(v) for k, v in left_out.items()})


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: where it stands, and its keys."""

    where: str
    block: str
    language: str
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The question's id, the same in every language."""
        return str(self.data["problem_id"])

    def reason(self, text_only: Mapping[str, bool], struck: Iterable[str]) -> str:
        """Why it is not asked; empty if it is. Only one language's files may say so, for both."""
        if self.id not in text_only:
            raise ExamError(
                f"{self.where}: nothing says whether {plain(self.id)} needs a picture; "
                f"expected text_only here or for the same problem_id in another language"
            )
        if not text_only[self.id]:
            return PICTURE
        if not self.data[KEYS[self.language][1]]:
            return NO_CHOICES
        return STRUCK if self.id in struck else ""

    def question(self) -> Question:
        """The question; `ExamError` where its answer is none of its choices."""
        text, choices = (self.data[key] for key in KEYS[self.language])
        found = Question(
            self.id, self.block, self.language, text.strip(), tuple(choices), tuple(self.data["answer"])
        )
        wrong = [letter for letter in found.answer if letter not in tuple(found.letters)]
        if wrong or not found.answer or len(choices) > len(LETTERS):
            said = plain(str(list(found.answer)))
            raise ExamError(
                f"{self.where}: answer: {said} is not among the {len(choices)} choices; "
                f"expected letters from a to {LETTERS[min(len(choices), len(LETTERS)) - 1]}"
            )
        return found


def read_rows(folder: Path) -> list[Row]:
    """Every line of every file of the layout, in the order of names."""
    files = [(path, match) for path in sorted(folder.glob("*.jsonl")) if (match := FILE.fullmatch(path.name))]
    files = [(path, match) for path, match in files if match["language"] in LANGUAGES]
    if not files:
        raise ExamError(f"{folder}: no questions; expected files like 116-A.ja.jsonl, as IgakuQA has them")
    rows, seen = [], set()
    for path, match in files:
        block = match["stem"].rpartition("-")[2]
        for row in file_rows(path, block, match["language"]):
            if (row.id, row.language) in seen:
                which = plain(row.id)
                raise ExamError(f"{row.where}: problem_id: {which} is there twice in {row.language!r}")
            seen.add((row.id, row.language))
            rows.append(row)
    return rows


def file_rows(path: Path, block: str, language: str) -> Iterator[Row]:
    """The checked lines of one file."""
    lines = read_text(path, ExamError, MOST, "questions, one a line", "utf-8-sig").split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{path}:{number}"
            yield Row(where, block, language, checked(line, where, language))


def checked(line: str, where: str, language: str) -> Mapping[str, Any]:
    """A line's keys; `ExamError` for one that is missing or of another type."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExamError(f"{where}: no JSON ({error})") from None
    if not isinstance(data, dict):
        raise ExamError(f"{where}: expected an object, found {type(data).__name__}")
    text, choices = KEYS[language]
    for key, kind in (("problem_id", "a text"), (text, "a text"), (choices, "a list"), ("answer", "a list")):
        if key not in data:
            raise ExamError(f"{where}: no {key}{closest(key, data)}")
        value = data[key]
        good = isinstance(value, str) and value.strip() if kind == "a text" else texts(value)
        if not good:
            wanted = f"{kind}{' of texts' * (kind == 'a list')}"
            raise ExamError(f"{where}: {key}: expected {wanted}, found {describe(value)}")
    return data


def texts(value: Any) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def spread(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """The first of each block, then the second of each, and so on, as many as ``limit``; in their order."""
    if limit is None:
        return list(questions)
    place: dict[str, int] = defaultdict(int)
    ranked = []
    for index, question in enumerate(questions):
        ranked.append((place[question.block], question.block, index))
        place[question.block] += 1
    chosen = sorted(index for _, _, index in sorted(ranked)[:limit])
    return [questions[index] for index in chosen]
