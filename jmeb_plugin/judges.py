"""Judges: what they are shown, and what counts as their verdict."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.errors import CallFailed, SuiteError
from jmeb_plugin.scores import HIGHEST, LOWEST, Score
from jmeb_plugin.suite import Conversation, Suite
from jmeb_plugin.transcript import Turn, clean
from jmeb_plugin.user_file import own_file
from jmeb_plugin.yaml_file import read_yaml

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"score": {"type": "number"}, "reason": {"type": "string"}},
    "required": ["score", "reason"],
    "additionalProperties": False,
}
ATTEMPTS = 3
"""How often a judge is asked for one turn before the turn is unscored."""

NUMBER = re.compile(r"[0-9]{1,2}(\.[0-9]+)?")
FULL_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")
FRAME = " \t\u3000\ufeff`~*"
"""What may stand around a verdict beside line breaks: blanks, and the signs of a code fence."""

TEXTS = (
    "system", "guideline", "duty", "opening", "conversation", "nothing", "question", "answer",
    "user", "assistant", "order", "again",
)  # fmt: skip

PLACES = {"guideline": ("id", "title"), "duty": ("duty",), "opening": ("mark",)}
"""The texts that something is put into, and by which names."""


@dataclass(frozen=True)
class Rubric:
    """What judges are told in one language. ``texts`` has a text for each of `TEXTS`."""

    name: str
    language: str
    texts: Mapping[str, str]
    sha256: str


def load_rubrics(suite: Suite) -> dict[str, Rubric]:
    """The suite's rubric in each of its languages: its own ``rubric.LANGUAGE.yaml``, else the bundled one."""
    return {language: load_rubric(suite, language) for language in suite.languages}


def load_rubric(suite: Suite, language: str) -> Rubric:
    """The rubric of one language; `SuiteError` where there is none or a text is missing."""
    here = Path(__file__).resolve().parent / "rubrics"
    own, ours = f"rubric.{language}.yaml", here / f"{suite.rubric}.{language}.yaml"
    path = own_file(suite.path, own, SuiteError) or (ours if ours.is_file() else None)
    if path is None:
        raise SuiteError(
            f"{suite.path / 'suite.yaml'}: no rubric {suite.rubric!r} for the language {language!r}; "
            f"expected {suite.path / own}"
        )
    file = read_yaml(path, SuiteError)
    file.check_keys((), file.data, set(TEXTS))
    for name in TEXTS:
        if not isinstance(file.data.get(name), str):
            raise file.fail((name,), "expected a text")
        if name in PLACES:
            file.check_places((name,), file.data[name], PLACES[name])
    texts = {name: file.data[name] for name in TEXTS}
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return Rubric(suite.rubric, language, texts, digest)


def rubrics_hash(rubrics: Sequence[Rubric]) -> str:
    """One hash over several rubrics, whatever their order."""
    parts = sorted(f"{rubric.language}:{rubric.sha256}" for rubric in rubrics)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def judge_request(
    suite: Suite,
    rubric: Rubric,
    talk: Conversation,
    turns: Sequence[Turn],
    mark: str,
    *,
    again: bool = False,
    max_tokens: int | None = None,
) -> Request:
    """What a judge is shown for the last of ``turns``.

    The rubric stands first and unchanged; text under judgement stands as it is between marks that
    bear a code nobody who wrote it could know.
    """
    texts, guideline = rubric.texts, suite.guidelines[talk.guideline]
    title, duty = (
        in_language(guideline.titles, rubric.language),
        in_language(guideline.duty, rubric.language),
    )
    history = "\n\n".join(spoken(turn, texts) for turn in turns[:-1]) or texts["nothing"]
    parts = [
        texts["guideline"].format(id=guideline.id, title=title),
        texts["duty"].format(duty=duty) if duty else "",
        texts["opening"].format(mark=mark),
        texts["conversation"],
        fence("conversation", mark, history),
        texts["question"],
        fence("question", mark, turns[-1].question),
        texts["answer"],
        fence("answer", mark, turns[-1].answer),
        texts["order"],
        texts["again"] if again else "",
    ]
    user = "\n\n".join(filter(None, parts))
    return Request((Message("system", texts["system"]), Message("user", user)), SCHEMA, max_tokens)


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text of that language, else of any."""
    return texts.get(language) or next(iter(texts.values()), "")


def spoken(turn: Turn, texts: Mapping[str, str]) -> str:
    """An earlier exchange as the judge reads it."""
    return f"{texts['user']}: {turn.question}\n\n{texts['assistant']}: {turn.answer}"


def fence(name: str, mark: str, text: str) -> str:
    """A block of data."""
    return f"<<<data {mark} {name}>>>\n{text}\n<<<end {mark} {name}>>>"


AskJudge = Callable[[int], Awaitable[Reply | None]]
"""``ask(attempt)``: the judge's reply; ``None`` once no attempt is left."""


async def judge_turn(
    judge: str, ask: AskJudge, answers: Sequence[str] = (), *, arbiter: bool = False
) -> Score:
    """One judge's score of one turn, or unscored with what went wrong last; ``answers`` as for a verdict."""
    attempt, problem = 0, "no attempt was left"
    try:
        while (reply := await ask(attempt)) is not None:
            verdict = read_verdict(reply, answers)
            if isinstance(verdict, tuple):
                return Score(judge, verdict[0], verdict[1], arbiter)
            problem = verdict
            attempt += 1
    except CallFailed as error:
        problem = str(error).removeprefix(f"{judge}: ")
    return Score(judge, None, problem, arbiter)


def read_verdict(reply: Reply, answers: Sequence[str] = ()) -> tuple[float, str] | str:
    """The judge's score and reason, or what is wrong with its answer.

    The verdict is the object that `own_object` finds, and nothing else is. ``answers``: the texts that
    the judge was shown, of which no object can be its verdict.
    """
    if reply.finish in ("refusal", "filter"):
        return "the judge refused"
    if reply.finish == "length":
        return "the judge's answer was cut short"
    if not reply.text.strip():
        return "the judge's answer was empty"
    verdict = own_object(reply.text, answers)
    if isinstance(verdict, str):
        return verdict
    value, reason = read_score(verdict.get("score")), verdict.get("reason")
    if value is None:
        return f"the judge's score is no number from {LOWEST:g} to {HIGHEST:g}"
    return (value, clean(reason)) if isinstance(reason, str) else "the judge's reason is no text"


def own_object(text: str, answers: Sequence[str] = ()) -> dict[str, Any] | str:
    """The judge's own last object, or why there is none.

    A judge may quote what it scores. So every brace must belong to an object that parses, no two objects
    may carry different scores, and the last one must stand as in `stands_free` and in none of ``answers``.
    """
    found = objects(text)
    if not found:
        return "the judge's answer is no JSON object"
    if len({read_score(each["score"]) for _, _, each in found if "score" in each}) > 1:
        return "the judge's answer carries two scores"
    start, end, last = found[-1]
    if not stands_free(text[:start], text[end:], only=len(found) == 1):
        return "the judge's object stands among other words"
    if any("{" in answer and squeezed(text[start:end]) in squeezed(answer) for answer in answers):
        return "the judge's object is one that it was shown"
    return last


def stands_free(before: str, after: str, *, only: bool) -> bool:
    """Whether an object between these texts is said, and not spoken of.

    It begins its line (after a colon also within one) and nothing but a code fence follows it; or, the
    ``only`` one of an answer that it opens, it ends its line and words may follow. An item of an array
    does neither.
    """
    line = before.rpartition("\n")[2].strip(FRAME)
    if line.casefold() not in ("", "json") and not line.endswith((":", "：")):
        return False
    frame = f"{FRAME}\r\n"
    opening, words = before.strip(frame), after.strip(frame)
    if opening.endswith(("[", ",")):
        return False
    opens = opening.casefold() in ("", "json")
    return not words or (only and opens and after.lstrip(FRAME).startswith(("\n", "\r")))


def squeezed(text: str) -> str:
    """The text without its blanks."""
    return "".join(text.split())


@functools.cache
def decoder() -> json.JSONDecoder:
    """A JSON decoder that takes raw line breaks in strings, as models write them, and no key twice."""
    return json.JSONDecoder(strict=False, object_pairs_hook=without_twins)


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; ``ValueError`` for a key that stands twice in it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def objects(text: str) -> list[tuple[int, int, dict[str, Any]]]:
    """Beginning, end and content of each top-level JSON object; none if any brace does not parse."""
    found: list[tuple[int, int, dict[str, Any]]] = []
    start = text.find("{")
    while start >= 0:
        try:
            content, end = decoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            return []
        found.append((start, end, content))
        start = text.find("{", end)
    return found


def last_object(text: str) -> dict[str, Any] | None:
    """The last top-level JSON object of the text; ``None`` if any brace of it does not parse."""
    found = objects(text)
    return found[-1][2] if found else None


def read_score(value: Any) -> float | None:
    """A score from 1 to 10: a number, or a text whose digits and point may be full-width."""
    if isinstance(value, str):
        text = value.translate(FULL_WIDTH).strip()
        value = float(text) if NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if LOWEST <= value <= HIGHEST else None
