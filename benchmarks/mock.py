"""A fast stand-in for an OpenAI-compatible server, for measuring this package and nothing else.

    python benchmarks/mock.py --port 9009 --latency 0.3 --slots 64 --faults 0.2

HTTP/1.1 on asyncio protocols, on the loopback only. A model whose name begins with ``judge`` answers
with a score, any other with a paragraph; both depend on the messages alone, but for the codes in
fences. ``GET /stats`` says how many requests came, when the first one did, and how many were in
flight at most. Faults are 429, 500, dropped and truncated answers, drawn from the request's hash and
how often it came, so that every request is answered in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import time
from collections import Counter
from typing import Any

ANSWER = (
    "ご質問ありがとうございます。まず同意の範囲を確かめ、記録を残し、必要なら倫理委員会に相談してください。"
    * 6
)
CODE = re.compile(rb"\b[0-9a-f]{16}\b")
FAULTS = ("429", "500", "drop", "truncate")


class Server:
    """What all connections share. ``faults``: the share of first tries that fail."""

    def __init__(self, latency: float, slots: int, faults: float) -> None:
        self.latency = latency
        self.slots = asyncio.Semaphore(slots or 1_000_000)
        self.faults = faults
        self.came: Counter[bytes] = Counter()
        self.first = 0.0
        self.here = self.most = self.requests = self.failed = 0

    def stats(self) -> dict[str, Any]:
        """What was seen so far."""
        twice = sum(count > 1 for count in self.came.values())
        facts = {"requests": self.requests, "first": self.first, "most": self.most}
        return {**facts, "failed": self.failed, "asked_again": twice}

    async def answer(self, body: bytes) -> bytes | None:
        """The whole response to a request; ``None`` drops the connection."""
        self.first = self.first or time.time()
        self.requests += 1
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            async with self.slots:
                if self.latency:
                    await asyncio.sleep(self.latency)
            return self.respond(body)
        finally:
            self.here -= 1

    def respond(self, body: bytes) -> bytes | None:
        """The response, or a fault."""
        digest = hashlib.blake2b(CODE.sub(b"", body), digest_size=8).digest()
        self.came[digest] += 1
        number = int.from_bytes(digest, "big")
        if self.came[digest] == 1 and number % 1000 < 1000 * self.faults:
            self.failed += 1
            return fault(FAULTS[number // 1000 % len(FAULTS)])
        model = json.loads(body)["model"]
        score = {"score": 5 + number % 11 / 2, "reason": "相談先を示している。"}
        text = json.dumps(score, ensure_ascii=False) if model.startswith("judge") else ANSWER
        return response(200, completion(model, text, len(body)))


def completion(model: str, text: str, size: int) -> bytes:
    """A chat completion's JSON."""
    usage = {"prompt_tokens": size // 4, "completion_tokens": len(text) // 2}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return json.dumps({"id": "x", "model": model, "choices": [choice], "usage": usage}).encode()


def response(status: int, body: bytes, headers: str = "") -> bytes:
    """An HTTP response."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def fault(kind: str) -> bytes | None:
    """One of the ways in which servers fail."""
    if kind == "429":
        return response(429, b'{"error": {"message": "slow down"}}', "retry-after: 0\r\n")
    if kind == "500":
        return response(500, b'{"error": {"message": "oops"}}')
    if kind == "truncate":
        return b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"
    return None


class Connection(asyncio.Protocol):
    """One client's connection; requests come one after another."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect a whole request, then answer it."""
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"content-length: (\d+)", head.lower())
        if len(body) < (size := int(length[1]) if length else 0):
            return
        self.buffer = body[size:]
        if head.startswith(b"GET"):
            self.transport.write(response(200, json.dumps(self.server.stats()).encode()))
            return
        task = asyncio.ensure_future(self.reply(body[:size]))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def reply(self, body: bytes) -> None:
        """Answer one request."""
        found = await self.server.answer(body)
        if self.transport.is_closing():
            return
        if found is not None:
            self.transport.write(found)
        if found is None or found.endswith(b"\r\n\r\n{"):
            self.transport.close()


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9009)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, default=0, help="answers at a time; 0: no limit")
    parser.add_argument("--faults", type=float, default=0.0, help="share of first tries that fail")
    options = parser.parse_args()
    server = Server(options.latency, options.slots, options.faults)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", options.port)
    print(f"listening on 127.0.0.1:{options.port}", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
