"""A model server on the loopback that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]
"""From the request's body to a text, to (status, text) or (status, text, headers), or to a `Fault`."""


class Fault(Enum):
    """How a server fails without a status."""

    DROP = "the connection ends before an answer"
    TRUNCATE = "the answer ends in the middle"
    HANG = "no answer ever comes"


class Http(ThreadingHTTPServer):
    """A server that does not print what a client that hung up did to it: tests read this process's stderr."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a broken connection; anything else is printed as ever."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class ModelServer:
    """Speaks OpenAI's protocol at `url` until `close`."""

    def __init__(self, answer: Answer, seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.down = False
        self.listen(0)

    def listen(self, port: int) -> None:
        """Accept connections."""
        self.http = Http(("127.0.0.1", port), self.handler())
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def go_down(self) -> None:
        """Refuse connections, and end those that stand without an answer."""
        self.down = True
        self.close()

    def come_back(self) -> None:
        """Listen again where it was."""
        self.down = False
        self.listen(self.http.server_port)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def close(self) -> None:
        """Give the port back."""
        self.http.shutdown()
        self.http.server_close()

    def asked(self, model: str) -> list[dict[str, Any]]:
        """The requests to one model."""
        return [request for request in self.requests if request["model"] == model]

    def hear(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        """What to answer, once it took its time; a verdict only where a judge is asked."""
        if self.down:
            return Fault.DROP
        with self.lock:
            self.requests.append(body)
            self.headers.append(headers)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        time.sleep(self.seconds)
        with self.lock:
            self.in_flight -= 1
        said = self.answer(body)
        verdict = isinstance(said, str) and said.startswith('{"score"')
        return "An answer." if verdict and not body["model"].startswith("judge") else said

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The handler that speaks for this server."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.reply(server.hear(body, dict(self.headers)))

            def reply(self, said: Any) -> None:
                if isinstance(said, Fault):
                    self.fail(said)
                    return
                status, text, headers = (*said, {})[:3] if isinstance(said, tuple) else (200, said, {})
                payload = json.dumps(completion(text) if status == 200 else text).encode()
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(payload)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(payload)
                except OSError:
                    self.close_connection = True

            def fail(self, fault: Fault) -> None:
                self.close_connection = True
                if fault is Fault.TRUNCATE:
                    self.send_response(200)
                    self.send_header("Content-Length", "999")
                    self.end_headers()
                    self.wfile.write(b'{"choices": [')
                elif fault is Fault.HANG:
                    time.sleep(30)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def completion(text: Any) -> dict[str, Any]:
    """A text as an answer of the protocol; a dict stands as it is."""
    if isinstance(text, dict):
        return text
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"model": "m", "choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}


def error(code: str, message: str = "no") -> dict[str, Any]:
    """An error of the protocol."""
    return {"error": {"code": code, "type": code, "message": message}}


def score(value: object, reason: str = "because") -> str:
    """A judge's verdict."""
    return json.dumps({"score": value, "reason": reason})
