"""A scriptable HTTP server on the loopback, and how a client is put to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message as EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from jmeb_plugin.clients import connect
from jmeb_plugin.clients.base import Client, Message, Reply, Request
from jmeb_plugin.endpoints import Endpoint, parse_endpoint

KEY = "sk-not-a-real-key-0123456789"
HELLO = Request((Message("user", "やあ"),))


@dataclass(frozen=True)
class Answer:
    """What the server does with one request. ``how``: ``ok``, ``drop``, ``truncate``, ``stall`` or ``hang``."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "ok"


DROP, TRUNCATE, STALL, HANG = (Answer({}, how=how) for how in ("drop", "truncate", "stall", "hang"))


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    path: str
    headers: EmailMessage
    body: Any


class Handler(BaseHTTPRequestHandler):
    """Plays the server's script."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def do_POST(self) -> None:
        """Record the request, then do what the script says next."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.path, self.headers, json.loads(raw))
        self.server.seen.append(seen)
        answer = self.server.rule(seen) if self.server.rule else self.server.next_answer()
        if answer.how == "hang":
            self.server.over.wait(30)
        if answer.how in ("hang", "drop"):
            self.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for head, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(head, value)
        cut = 100 if answer.how in ("truncate", "stall") else 0
        self.send_header("Content-Length", str(len(body) + cut))
        self.end_headers()
        self.wfile.write(body)
        if answer.how == "stall":
            self.server.over.wait(30)
        self.close_connection = bool(cut)

    def do_CONNECT(self) -> None:
        """A proxy's tunnel: pump bytes both ways until either side ends."""
        self.server.seen.append(Seen(self.path, self.headers, None))
        self.close_connection = True
        if self.server.tunnel != 200:
            self.send_response(self.server.tunnel)
            self.end_headers()
            return
        host, port = self.server.names.get(self.path, self.path).rsplit(":", 1)
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=pump, args=(there, self.connection))
            back.start()
            pump(self.connection, there)
            back.join()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy bytes until the source ends."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


class LoopbackServer(ThreadingHTTPServer):
    """Answers by a script, the last entry for ever, or by a rule; remembers what it was asked."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.seen: list[Seen] = []
        self.script: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.rule: Callable[[Seen], Answer] | None = None
        self.last = Answer(chat())
        self.over = threading.Event()
        self.tunnel = 200
        self.names: dict[str, str] = {}
        """Which address a proxy knows under which name."""
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def will(self, *answers: Answer) -> None:
        """What it answers from now on."""
        for answer in answers:
            self.script.put(answer)

    def next_answer(self) -> Answer:
        """The next entry of the script."""
        try:
            self.last = self.script.get_nowait()
        except queue.Empty:
            return self.last
        return self.last

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is part of the tests."""

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


def chat(text: Any = "はい", **more: Any) -> dict[str, Any]:
    """An answer in OpenAI's shape; ``more`` goes beside the choices, ``message`` and ``finish`` inside."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": more.pop("finish", "stop")}
    return {"model": "m", "choices": [choice], **more}


def refusal(message: str, **more: Any) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, **more}}


def endpoint(provider: str, **table: Any) -> Endpoint:
    """An endpoint as its TOML table describes it."""
    return parse_endpoint("it", {"provider": provider, **table}, "file.toml")


def with_client(made: Endpoint, use: Callable[[Client], Awaitable[Any]]) -> Any:
    """Connect, use the client, close it, all on one loop."""

    async def session() -> Any:
        client = connect(made)
        try:
            return await use(client)
        finally:
            await client.close()

    return asyncio.run(session())


def ask(made: Endpoint, request: Request = HELLO) -> Reply:
    """One request."""
    return with_client(made, lambda client: client.ask(request))


def ask_again(made: Endpoint) -> Reply:
    """The second of two requests, of which the first is answered."""

    async def both(client: Client) -> Reply:
        await client.ask(HELLO)
        return await client.ask(HELLO)

    return with_client(made, both)


def standing_together(made: Endpoint, server: LoopbackServer, many: int) -> int:
    """How many of that many requests stand at the server at once, none of them answered."""
    server.will(HANG)

    async def crowd(client: Client) -> int:
        tasks = [asyncio.create_task(client.ask(HELLO)) for _ in range(many)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while len(server.seen) < many:  # noqa: ASYNC110 - it changes in another thread
                    await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(server.seen)

    return int(with_client(made, crowd))
