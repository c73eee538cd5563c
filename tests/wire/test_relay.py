"""The relay: who may ask, and what becomes of those who wait."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time

import pytest

from jmeb_plugin.errors import SettingsError, Stopped
from jmeb_plugin.relay import Relay, RelayClient


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


def test_a_silent_peer_keeps_nobody_waiting(relay):
    """Handshakes happen in each connection's own thread."""
    with socket.create_connection(("127.0.0.1", relay.address["port"])):
        client = RelayClient(relay.address)
        assert client.ask({"x": 1}) == {"x": 1}
        client.close()


@pytest.mark.parametrize("sent", [b"", b"\x00", struct.pack("!I", 2**31), struct.pack("!I", 4) + b"{{{{"])
def test_garbage_ends_its_own_connection_only(relay, sent):
    """Whatever a peer sends after the handshake."""
    client = RelayClient(relay.address)
    client.peer.sendall(sent)
    client.peer.shutdown(socket.SHUT_WR)
    assert client.peer.recv(1) == b""
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
