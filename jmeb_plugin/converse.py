"""Hold a conversation: user turns in, transcript out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from jmeb_plugin.clients.base import Message, Reply
from jmeb_plugin.errors import CallFailed
from jmeb_plugin.transcript import WITHHELD, Turn

Ask = Callable[[tuple[Message, ...], int, int], Awaitable[Reply | None]]
"""``ask(messages, turn, attempt)``: the target's reply; ``None`` once no attempt is left."""


Questions = Callable[[tuple[Turn, ...]], Awaitable[str | None]]
"""``questions(turns so far)``: what the user says next; ``None`` at the end of the conversation."""


class NoAnswer(CallFailed):
    """The target gave no usable answer for a turn, so the conversation ends there."""


def scripted(questions: Sequence[str]) -> Questions:
    """Questions that are known beforehand, whatever is answered."""

    async def following(turns: tuple[Turn, ...]) -> str | None:
        return questions[len(turns)] if len(turns) < len(questions) else None

    return following


async def converse(
    questions: Questions, system: str, ask: Ask, heard: Callable[[int, tuple[Turn, ...]], None]
) -> tuple[tuple[Turn, ...], str]:
    """Put each question to the target, with its own earlier answers as history.

    ``heard(turn, turns so far)`` is called as soon as a turn's answer is there. Returns the turns
    and, where a question or an answer could not be had, why.
    """
    turns: tuple[Turn, ...] = ()
    while True:
        index = len(turns)
        try:
            question = await questions(turns)
            if question is None:
                return turns, ""
            turn = await take_turn(messages_for(system, turns, question), question, index, ask)
        except CallFailed as error:
            return turns, f"turn {index}: {error}"
        turns = (*turns, turn)
        heard(index, turns)


async def take_turn(messages: tuple[Message, ...], question: str, index: int, ask: Ask) -> Turn:
    """One exchange. An answer that is cut short or empty is asked for once more."""
    attempt, problem = 0, "no answer"
    while (reply := await ask(messages, index, attempt)) is not None:
        if reply.finish == "filter":
            return Turn(question, WITHHELD, withheld=True)
        if reply.text.strip() and reply.finish != "length":
            return Turn(question, reply.text)
        problem = "the answer was cut short" if reply.finish == "length" else "the answer was empty"
        attempt += 1
    raise NoAnswer(f"{problem}, also with twice the limit")


def messages_for(system: str, turns: Sequence[Turn], question: str) -> tuple[Message, ...]:
    """The chat so far and the new question."""
    messages = [Message("system", system)] if system else []
    for turn in turns:
        messages += [Message("user", turn.question), Message("assistant", turn.answer)]
    return (*messages, Message("user", question))
