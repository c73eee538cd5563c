"""The embedded endpoint: real HTTP on the loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import web

from jmeb_plugin.demo import JUDGES, MAKERS, protocol
from jmeb_plugin.demo.exam import choose
from jmeb_plugin.demo.faults import Fault, Tries
from jmeb_plugin.demo.judges import judge
from jmeb_plugin.demo.makers import make
from jmeb_plugin.demo.personas import answer
from jmeb_plugin.demo.protocol import Chat

MAX_BODY = 8 * 1024 * 1024


class _Dialect(NamedTuple):
    """How one of the two protocols says things."""

    answer: Callable[[Chat, str], bytes]
    error: Callable[[int, str], bytes]


_OPENAI_KINDS = {404: "model_not_found", 429: "rate_limit_exceeded"}
_ANTHROPIC_KINDS = {404: "not_found_error", 429: "rate_limit_error", 500: "api_error"}


def _openai_error(status: int, message: str) -> bytes:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return protocol.openai_error(message, kind, _OPENAI_KINDS.get(status))


def _anthropic_error(status: int, message: str) -> bytes:
    kind = _ANTHROPIC_KINDS.get(status, "invalid_request_error")
    return protocol.anthropic_error(message, kind)


_DIALECTS = {
    "/v1/chat/completions": _Dialect(protocol.openai_answer, _openai_error),
    "/v1/messages": _Dialect(protocol.anthropic_answer, _anthropic_error),
}


class DemoServer:
    """Serves the personas and the judges on 127.0.0.1 from `start` until `stop`.

    An answer depends on model and messages alone. Usable as a context manager; a stopped server
    can be started again, on another port.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._port = 0
        self._tries = Tries()

    @property
    def url(self) -> str:
        """The base URL, ending in ``/v1``; raises `RuntimeError` before `start`."""
        if self._thread is None:
            raise RuntimeError("the demo server is not running; call start() first")
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Return when the server listens; a second call does nothing."""
        if self._thread is not None:
            return
        ready: Future[int] = Future()
        thread = threading.Thread(target=self._run, args=(ready,), name="jmeb-demo", daemon=True)
        thread.start()
        try:
            self._port = ready.result()
        except BaseException:
            thread.join()
            raise
        self._thread = thread

    def stop(self) -> None:
        """Close every connection and end the thread; a second call does nothing."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = self._loop = self._stopping = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, ready: Future[int]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: Future[int]) -> None:
        """Listen until `stop`. A bare `web.Server` has no router to pay for at each request."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=0.05
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
            await site.start()
            ready.set_result(runner.addresses[0][1])
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if (dialect := _DIALECTS.get(request.path)) and request.method == "POST":
            return await self._chat(request, dialect)
        if request.path == "/v1/models" and request.method == "GET":
            return _json(200, protocol.model_list())
        message = f"there is no {request.method} {request.path} here"
        return _json(404, protocol.openai_error(message, "invalid_request_error", "not_found"))

    async def _chat(self, request: web.BaseRequest, dialect: _Dialect) -> web.StreamResponse:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY:
                return _json(413, dialect.error(413, "the body is too large"))
        try:
            chat = protocol.read_chat(bytes(body))
        except protocol.Malformed as error:
            return _json(400, dialect.error(400, str(error)))
        if not protocol.known(chat.model):
            return _json(404, dialect.error(404, f"the model '{chat.model}' does not exist"))
        if chat.model == "flaky" and (fault := self._tries.next_fault(chat.key)):
            return await _misbehave(request, dialect, fault, chat)
        return _json(200, dialect.answer(chat, _say(chat)))


def _say(chat: Chat) -> str:
    if chat.model in JUDGES:
        return judge(chat.model, chat.messages)
    if chat.model in MAKERS:
        return make(chat.model, chat.messages)
    return choose(chat.model, chat.messages) or answer(chat.model, chat.messages)


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


async def _misbehave(
    request: web.BaseRequest, dialect: _Dialect, fault: Fault, chat: Chat
) -> web.StreamResponse:
    """Answer as ``fault`` has it."""
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return _json(200, dialect.answer(chat, _say(chat)))
    if fault.kind == "broken":
        return _json(200, dialect.answer(chat, _say(chat))[:-25])
    if fault.kind == "busy":
        response = _json(429, dialect.error(429, "slow down, please"))
        response.headers["Retry-After"] = str(int(fault.seconds))
        if fault.in_milliseconds:
            response.headers["retry-after-ms"] = f"{1000 * fault.seconds:.0f}"
        return response
    if fault.kind == "drop" and request.transport is not None:
        request.transport.abort()
    return _json(500, dialect.error(500, "the demo server stumbled, as flaky does"))
