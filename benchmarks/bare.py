"""The least that the same requests cost: W(n) over aiohttp in one loop, with nothing around it.

    python benchmarks/bare.py --url http://127.0.0.1:9009/v1 --suite FOLDER --cap 64

Three turns a conversation, two judges a turn, the rubric first: nine requests, as many bytes as the
plugin sends. What the plugin adds to this is what its journal, verdicts and reports cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import aiohttp

from jmeb_plugin.judges import judge_request, load_rubrics
from jmeb_plugin.suite import Conversation, load_suite
from jmeb_plugin.transcript import Turn

JUDGES = ("judge-a", "judge-b")


async def main() -> None:
    """Hold every conversation of the suite's first language."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--cap", type=int, default=64)
    options = parser.parse_args()
    suite = load_suite(options.suite)
    rubrics, places = load_rubrics(suite), asyncio.Semaphore(options.cap)
    connector = aiohttp.TCPConnector(limit=options.cap)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(model: str, messages: list[dict[str, str]]) -> str:
            body = json.dumps({"model": model, "messages": messages}, ensure_ascii=False).encode()
            async with places, session.post(f"{options.url}/chat/completions", data=body) as response:
                answer = json.loads(await response.read())
            return str(answer["choices"][0]["message"]["content"])

        async def judge(model: str, talk: Conversation, turns: list[Turn]) -> float:
            request = judge_request(suite, rubrics[talk.language], talk, turns, "0" * 16)
            messages = [{"role": m.role, "content": m.content} for m in request.messages]
            return float(json.loads(await ask(model, messages))["score"])

        async def hold(talk: Conversation) -> None:
            turns: list[Turn] = []
            messages: list[dict[str, str]] = []
            judging = []
            for question in talk.turns:
                messages.append({"role": "user", "content": question})
                turns.append(Turn(question, await ask("target", messages)))
                messages.append({"role": "assistant", "content": turns[-1].answer})
                judging += [
                    asyncio.ensure_future(judge(j, talk, list(turns))) for j in ("judge-a", "judge-b")
                ]
            await asyncio.gather(*judging)

        await asyncio.gather(*(hold(talk) for talk in suite.conversations))


if __name__ == "__main__":
    asyncio.run(main())
