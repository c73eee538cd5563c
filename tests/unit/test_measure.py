"""Measuring one conversation: what becomes of the judges where it fails."""

from __future__ import annotations

import asyncio

import pytest

from jmeb_plugin.errors import JmebError, KeyRefused, Outage, Stopped
from jmeb_plugin.measure import seen_through
from jmeb_plugin.scores import Score


@pytest.mark.parametrize(
    ("error", "kept"), [(KeyRefused("no"), True), (Outage("gone"), True), (Stopped("the end"), False)]
)
def test_what_ends_the_run_gives_up_no_judge_at_work(error: JmebError, kept: bool) -> None:
    """His answer may still come, and is paid for; whatever else fails leaves nobody at work."""

    async def work() -> bool:
        answer = asyncio.Event()

        async def judge() -> Score:
            await answer.wait()
            return Score("j", 9.0, "")

        task = asyncio.create_task(judge())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(answer.set)
        with pytest.raises(type(error)):
            async with seen_through([[task]]):
                raise error
        return not task.cancelled()

    assert asyncio.run(work()) is kept
