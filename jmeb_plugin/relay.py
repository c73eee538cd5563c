"""The relay: xdist's workers ask the controller's runner over the loopback.

A connection is opened by proving knowledge of the run's key (HMAC-SHA256 over a challenge, both
ways), then carries one question and one answer at a time as JSON, each behind its length in four
bytes. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jmeb_plugin.errors import JmebError, Stopped

MAX_BYTES = 64 * 1024 * 1024
HANDSHAKE_SECONDS = 10.0
"""What a whole handshake may take."""

MOST_KNOCKING, PATIENCE = 32, 1.0
"""So many handshakes at once; then the oldest is let go once it has had so many seconds."""

PAUSE = 0.1
"""Seconds to wait where the system has no file or no thread left for a connection."""

Answer = Callable[[Mapping[str, Any]], Any]
"""What serves a question: plain data in, plain data out; a `JmebError` travels back as its message."""


class Relay:
    """Serves questions on 127.0.0.1, each connection in a thread of its own.

    Anybody on the machine can knock, so those who have not proved anything yet take few files and threads
    of the run; a worker that waits for a place stands in the listener's queue meanwhile.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.key = secrets.token_bytes(32)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.knocking: dict[socket.socket, float] = {}
        """The connections in their handshake, and when each began."""
        self.room = threading.Condition()
        self.closing = False
        threading.Thread(target=self.listen, name="jmeb-relay", daemon=True).start()

    @property
    def address(self) -> dict[str, Any]:
        """What a worker needs to connect, as plain data."""
        return {"port": self.listener.getsockname()[1], "key": self.key.hex()}

    def listen(self) -> None:
        """Accept until closed; a peer that dies in between ends only its own connection."""
        while not self.closing:
            self.make_room()
            try:
                peer, _ = self.listener.accept()
            except OSError:
                if not self.closing:
                    time.sleep(PAUSE)
                continue
            with self.room:
                self.knocking[peer] = time.monotonic()
            try:
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()
            except RuntimeError:
                self.let_in(peer)
                peer.close()
                time.sleep(PAUSE)

    def make_room(self) -> None:
        """Wait until another may knock, or the oldest has had its time and is let go."""
        with self.room:
            while len(self.knocking) >= MOST_KNOCKING and not self.closing:
                oldest, since = next(iter(self.knocking.items()))
                left = since + PATIENCE - time.monotonic()
                if left > 0:
                    self.room.wait(left)
                    continue
                del self.knocking[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)

    def let_in(self, peer: socket.socket) -> None:
        """The peer's handshake is over: its place is free."""
        with self.room:
            self.knocking.pop(peer, None)
            self.room.notify()

    def serve(self, peer: socket.socket) -> None:
        """One connection, from its handshake to its end."""
        with peer, contextlib.suppress(OSError, EOFError, ValueError, RecursionError):
            try:
                until = time.monotonic() + HANDSHAKE_SECONDS
                challenge(peer, self.key, b"worker", until)
                respond(peer, self.key, b"controller", until)
            finally:
                self.let_in(peer)
            peer.settimeout(None)
            while True:
                send(peer, self.reply(receive(peer)))

    def reply(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one question, or the error it ended in."""
        try:
            return {"answer": self.answer(question)}
        except JmebError as error:
            return {"error": str(error)}

    def close(self) -> None:
        """Accept nobody any more."""
        self.closing = True
        with self.room:
            self.room.notify()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class RelayClient:
    """A worker's connection. Raises `Stopped` when the controller is gone or its runner closed."""

    def __init__(self, address: Mapping[str, Any]) -> None:
        key = bytes.fromhex(address["key"])
        self.peer = socket.socket()
        try:
            until = time.monotonic() + HANDSHAKE_SECONDS
            self.peer.settimeout(HANDSHAKE_SECONDS)
            self.peer.connect(("127.0.0.1", address["port"]))
            respond(self.peer, key, b"worker", until)
            challenge(self.peer, key, b"controller", until)
            self.peer.settimeout(None)
        except (OSError, EOFError, ValueError) as error:
            self.peer.close()
            raise Stopped(f"the controller cannot be reached ({type(error).__name__})") from None

    def ask(self, question: Mapping[str, Any]) -> Any:
        """One question, and its answer."""
        try:
            send(self.peer, question)
            reply = receive(self.peer)
        except (OSError, EOFError, ValueError) as error:
            raise Stopped(f"the controller is gone ({type(error).__name__})") from None
        if "error" in reply:
            raise Stopped(reply["error"])
        return reply["answer"]

    def close(self) -> None:
        """End the connection."""
        self.peer.close()


def challenge(peer: socket.socket, key: bytes, who: bytes, until: float) -> None:
    """Let the peer prove that it knows the key, in the role ``who``. Raises ValueError if not."""
    nonce = secrets.token_bytes(32)
    peer.sendall(nonce)
    if not hmac.compare_digest(exactly(peer, 32, until), proof(key, who, nonce)):
        raise ValueError("the peer does not know the key")


def respond(peer: socket.socket, key: bytes, who: bytes, until: float) -> None:
    """Prove that we know the key, in the role ``who``."""
    peer.sendall(proof(key, who, exactly(peer, 32, until)))


def proof(key: bytes, who: bytes, nonce: bytes) -> bytes:
    """The answer to a challenge; the role keeps it from being sent back."""
    return hmac.digest(key, who + nonce, "sha256")


def send(peer: socket.socket, data: Mapping[str, Any]) -> None:
    """Send plain data."""
    raw = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    peer.sendall(struct.pack("!I", len(raw)) + raw)


def receive(peer: socket.socket) -> dict[str, Any]:
    """Receive plain data. Raises EOFError when the peer is gone, ValueError for anything else."""
    (length,) = struct.unpack("!I", exactly(peer, 4))
    if length > MAX_BYTES:
        raise ValueError("a message that long is not ours")
    data: Any = json.loads(exactly(peer, length))
    if not isinstance(data, dict):
        raise ValueError("a message that is no object is not ours")  # noqa: TRY004 - the caller knows one error
    return data


def exactly(peer: socket.socket, count: int, until: float | None = None) -> bytes:
    """That many bytes; all of them ``until`` then (`time.monotonic`), where it is given."""
    found = bytearray()
    while len(found) < count:
        if until is not None:
            peer.settimeout(max(until - time.monotonic(), 0.001))
        part = peer.recv(min(count - len(found), 65536))
        if not part:
            raise EOFError("the peer has gone")
        found += part
    return bytes(found)
