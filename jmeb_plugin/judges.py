"""Judges: what they are shown, and what counts as their verdict."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import unicodedata
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

NUMBER = re.compile(r"\d{1,2}(\.\d+)?")
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


async def judge_turn(judge: str, ask: AskJudge, *, arbiter: bool = False) -> Score:
    """One judge's score of one turn, or unscored with what went wrong last."""
    attempt, problem = 0, "no attempt was left"
    try:
        while (reply := await ask(attempt)) is not None:
            verdict = read_verdict(reply)
            if isinstance(verdict, tuple):
                return Score(judge, verdict[0], verdict[1], arbiter)
            problem = verdict
            attempt += 1
    except CallFailed as error:
        problem = str(error).removeprefix(f"{judge}: ")
    return Score(judge, None, problem, arbiter)


def read_verdict(reply: Reply) -> tuple[float, str] | str:
    """The judge's score and reason, or what is wrong with its answer.

    The verdict is the last JSON object of the answer, and nothing else is: an object that does not
    parse, or stands among prose braces, is no verdict, so that text it quotes cannot become one.
    """
    if reply.finish in ("refusal", "filter"):
        return "the judge refused"
    if reply.finish == "length":
        return "the judge's answer was cut short"
    if not reply.text.strip():
        return "the judge's answer was empty"
    verdict = last_object(reply.text)
    if verdict is None:
        return "the judge's answer is no JSON object"
    value = read_score(verdict.get("score"))
    if value is None:
        return f"the judge's score is no number from {LOWEST:g} to {HIGHEST:g}"
    return value, clean(str(verdict.get("reason", "")))


@functools.cache
def decoder() -> json.JSONDecoder:
    """A JSON decoder that takes raw line breaks in strings, as models write them."""
    return json.JSONDecoder(strict=False)


def last_object(text: str) -> dict[str, Any] | None:
    """The last top-level JSON object of the text; ``None`` if any brace of it does not parse."""
    found: dict[str, Any] | None = None
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
        start = text.find("{", end)
    return found


def read_score(value: Any) -> float | None:
    """A score from 1 to 10: a number, or a text whose digits and point may be full-width."""
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value).strip()
        value = float(text) if NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if LOWEST <= value <= HIGHEST else None
