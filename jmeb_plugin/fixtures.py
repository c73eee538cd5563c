"""Fixtures: the user's own tests share the run's endpoint, limits and journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from jmeb_plugin.clients.base import Reply
from jmeb_plugin.scores import Record
from jmeb_plugin.session import STATE, JmebSession
from jmeb_plugin.verdict import Result, decide_case

Messages = Sequence[Mapping[str, str]]


def running(config: pytest.Config) -> JmebSession:
    """The run, or a skip where no model was named."""
    found = config.stash.get(STATE, None)
    if found is None:
        pytest.skip("needs --jmeb-model")
    return found


@pytest.fixture
def jmeb_chat(pytestconfig: pytest.Config) -> Callable[..., Awaitable[Reply]]:
    """Ask the model under test.

    ``reply = await jmeb_chat(messages, model="")``

    Messages are dicts of role and content. The answer goes through the run's limits and journal, so
    that asking the same again costs nothing.
    """
    state = running(pytestconfig)

    async def chat(messages: Messages, model: str = "") -> Reply:
        return await asyncio.to_thread(state.chat, messages, model)

    return chat


@pytest.fixture
def jmeb_result(pytestconfig: pytest.Config) -> Callable[[str], Result]:
    """Transcript, scores and verdict of a conversation.

    ``result = jmeb_result(id)``

    It is run if it has not been, whether or not pytest selected it.
    """
    state = running(pytestconfig)

    def result(case_id: str) -> Result:
        case = state.case(case_id)
        record = Record.from_json(state.ask({"wait": case.id, "start": True}))
        verdict = decide_case(case, record, state.selection.thresholds, state.day, expected=False)
        return Result(record.transcript, record.scores, verdict)

    return result
