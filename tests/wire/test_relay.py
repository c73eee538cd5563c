"""The relay: who may ask, and what becomes of those who wait."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time

import pytest

from jmeb_plugin import relay as door
from jmeb_plugin.errors import SettingsError, Stopped
from jmeb_plugin.relay import Relay, RelayClient, exactly


@pytest.fixture
def relay():
    """A relay that gives questions back, waits where it is told to, and fails where it is told to."""
    gate = threading.Event()

    def answer(question):
        if question.get("wait"):
            gate.wait(5)
        if question.get("fail"):
            raise SettingsError("no such thing")
        return question

    made = Relay(answer)
    made.gate = gate
    yield made
    gate.set()
    made.close()


def test_a_question_comes_back_with_its_answer(relay):
    """As plain data, any text included."""
    client = RelayClient(relay.address)
    assert client.ask({"text": "日本語 \x00 🙂"}) == {"text": "日本語 \x00 🙂"}
    client.close()


def test_an_error_comes_back_as_its_message(relay):
    """What ended the run is told to whoever waits."""
    client = RelayClient(relay.address)
    with pytest.raises(Stopped, match="no such thing"):
        client.ask({"fail": True})
    assert client.ask({"still": "there"})
    client.close()


def test_many_wait_at_once(relay):
    """One that waits keeps nobody else waiting."""
    waiting = RelayClient(relay.address)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(waiting.ask({"wait": 1})))
    thread.start()
    other = RelayClient(relay.address)
    assert other.ask({"quick": 1}) == {"quick": 1}
    assert answers == []
    relay.gate.set()
    thread.join(5)
    assert answers == [{"wait": 1}]
    other.close()
    waiting.close()


def test_a_stranger_is_refused(relay):
    """Without the key nothing is answered; with it the next is served."""
    with pytest.raises(Stopped, match="cannot be reached"):
        RelayClient({**relay.address, "key": "00" * 32})
    client = RelayClient(relay.address)
    assert client.ask({}) == {}
    client.close()


def test_a_proof_cannot_be_sent_back(relay):
    """A peer that answers the challenge with the challenge knows no key."""
    with socket.create_connection(("127.0.0.1", relay.address["port"]), timeout=5) as peer:
        peer.sendall(peer.recv(32))
        assert peer.recv(1) == b""


class Wiretap:
    """Passes a worker's handshake on to the relay, and keeps what each side said."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.said: dict[str, bytes] = {}
        self.port = port
        self.thread = threading.Thread(target=self.pass_on)
        self.thread.start()

    def pass_on(self) -> None:
        """One connection, as far as its handshake."""
        worker, _ = self.listener.accept()
        with worker, socket.create_connection(("127.0.0.1", self.port)) as relay:
            self.said["challenge"] = exactly(relay, 32)
            worker.sendall(self.said["challenge"])
            self.said["proof"] = exactly(worker, 32)
            relay.sendall(self.said["proof"])
            self.said["counter"] = exactly(worker, 32)
            relay.sendall(self.said["counter"])
            worker.sendall(exactly(relay, 32))


def refused(peer: socket.socket) -> bool:
    """Whether the relay ended the connection without a word."""
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("which", ["proof", "challenge", "counter"])
def test_what_was_overheard_is_of_no_use(relay, which):
    """Every connection has a challenge of its own, so that no proof is good for another."""
    tap = Wiretap(relay.address["port"])
    RelayClient({**relay.address, "port": tap.listener.getsockname()[1]}).close()
    tap.thread.join(5)
    tap.listener.close()
    with socket.create_connection(("127.0.0.1", relay.address["port"]), timeout=5) as peer:
        assert peer.recv(32) != tap.said["challenge"]
        peer.sendall(tap.said[which])
        assert refused(peer)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 32,
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 9,
        struct.pack("!I", 2**31) * 99,
        b"\xff" * 70_000,
    ],
)
def test_a_strangers_words_are_refused_before_they_are_read(relay, sent):
    """Nothing that comes before a proof is taken for a question, or for a length."""
    with socket.create_connection(("127.0.0.1", relay.address["port"]), timeout=5) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(sent)
        assert len(exactly(peer, 32)) == 32
        assert refused(peer)
    client = RelayClient(relay.address)
    assert client.ask({"x": 1}) == {"x": 1}
    client.close()


@pytest.mark.parametrize("sent", [b"", b"\x00" * 31])
def test_a_half_open_connection_is_given_up(relay, sent, monkeypatch):
    """Who does not end its handshake is let go, so that no thread waits for ever."""
    monkeypatch.setattr(door, "HANDSHAKE_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", relay.address["port"]), timeout=5) as peer:
        exactly(peer, 32)
        peer.sendall(sent)
        assert refused(peer)


def test_a_handshake_has_one_deadline(relay, monkeypatch):
    """Whoever sends a byte now and then is let go as well."""
    monkeypatch.setattr(door, "HANDSHAKE_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", relay.address["port"]), timeout=5) as peer:
        exactly(peer, 32)
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for _ in range(31):
                peer.sendall(b"x")
                time.sleep(0.05)
        assert refused(peer)
        assert time.monotonic() - began < 1.9


def test_strangers_take_few_places_and_no_workers(relay, monkeypatch):
    """Of hundreds that knock and say nothing 32 are let in at a time, and those with the key get through."""
    monkeypatch.setattr(door, "PATIENCE", 0.2)
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", relay.address["port"]))
        client = RelayClient(relay.address)
        assert client.ask({"x": 1}) == {"x": 1}
        assert threading.active_count() - before <= door.MOST_KNOCKING + 8
        client.close()


def test_many_workers_connect_at_once(relay):
    """None of them is taken for a stranger, although more knock than there are places."""
    clients = []
    threads = [threading.Thread(target=lambda: clients.append(RelayClient(relay.address))) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [client.ask({"n": n}) for n, client in enumerate(clients)] == [{"n": n} for n in range(64)]
    for client in clients:
        client.close()


def test_no_file_and_no_thread_left_is_waited_out(relay, monkeypatch):
    """The listener neither spins nor ends: it pauses, and serves the next."""
    calls = []

    class Short:
        """A listener for which the system has no file left, the first times."""

        def accept(self):
            calls.append(time.monotonic())
            if len(calls) < 4:
                raise OSError(24, "Too many open files")
            return listener.accept()

        def __getattr__(self, name):
            return getattr(listener, name)

    listener, start = relay.listener, threading.Thread.start
    relay.listener = Short()
    client = RelayClient(relay.address)  # taken by the accept that had begun
    assert client.ask({"x": 1}) == {"x": 1}
    other = RelayClient(relay.address)
    assert calls[3] - calls[0] >= 3 * door.PAUSE
    lost = []

    def none_left(thread):
        if not lost:
            lost.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(Stopped, match="cannot be reached"):
        RelayClient(relay.address)
    last = RelayClient(relay.address)
    assert last.ask({"x": 2}) == {"x": 2}
    assert not relay.knocking
    for each in (client, other, last):
        each.close()


def test_a_silent_peer_keeps_nobody_waiting(relay):
    """Handshakes happen in each connection's own thread."""
    with socket.create_connection(("127.0.0.1", relay.address["port"])):
        client = RelayClient(relay.address)
        assert client.ask({"x": 1}) == {"x": 1}
        client.close()


DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x00",
        struct.pack("!I", 2**31),
        struct.pack("!I", 2**32 - 1),
        struct.pack("!I", 4) + b"{{{{",
        struct.pack("!I", 2) + b"[]",
        struct.pack("!I", 4) + b"null",
        struct.pack("!I", 4) + b"\xff\xfe\xfd\xfc",
        struct.pack("!I", len(DEEP)) + DEEP,
    ],
)
def test_garbage_ends_its_own_connection_only(relay, sent):
    """Whatever a peer sends after the handshake."""
    client = RelayClient(relay.address)
    client.peer.sendall(sent)
    client.peer.shutdown(socket.SHUT_WR)
    assert refused(client.peer)
    client.close()
    other = RelayClient(relay.address)
    assert other.ask({"x": 1}) == {"x": 1}
    other.close()


def test_a_controller_that_is_gone_is_noticed():
    """A worker that waits is woken by the end of the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = {"port": listener.getsockname()[1], "key": "00" * 32}
    failures = []

    def connect():
        try:
            RelayClient(address)
        except Stopped as error:
            failures.append(str(error))

    thread = threading.Thread(target=connect)
    thread.start()
    peer, _ = listener.accept()
    peer.close()
    listener.close()
    thread.join(5)
    assert failures
    assert "cannot be reached" in failures[0]


def test_it_listens_on_the_loopback_only(relay):
    """Nobody outside the machine can even knock."""
    assert relay.listener.getsockname()[0] == "127.0.0.1"


def test_a_closed_relay_accepts_nobody(relay):
    """Its port is given back."""
    port = relay.address["port"]
    relay.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.01)
    pytest.fail("the port still accepts")


def test_nothing_is_pickled(relay):
    """An answer is JSON behind its length."""
    client = RelayClient(relay.address)
    raw = json.dumps({"x": 1}).encode()
    client.peer.sendall(struct.pack("!I", len(raw)) + raw)
    (length,) = struct.unpack("!I", client.peer.recv(4))
    assert json.loads(client.peer.recv(length)) == {"answer": {"x": 1}}
    client.close()
