"""The laws of `jmeb_plugin.dataset.importing.hub`, with a hub of our own on the loopback."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jmeb_plugin.dataset.importing.hub import fetch
from jmeb_plugin.errors import SettingsError

REVISION = "a" * 40
FILES = {
    "data/talks.jsonl": b'{"history": [{"user": "May I see my file?", "bot": "Of course."}]}\n',
    "README.md": b"A data set.",
}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as one download needs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Facts of the data set, the list of its files, a file, or that there is none."""
        path = self.path.partition("?")[0]
        name = path.removeprefix(f"/datasets/org/name/resolve/{REVISION}/")
        if name in FILES:
            tag = hashlib.sha256(FILES[name]).hexdigest()
            self.reply(200, FILES[name], {"ETag": f'"{tag}"', "X-Repo-Commit": REVISION})
        elif path.startswith("/api/datasets/org/name/tree/"):
            tree = [
                {"type": "file", "oid": "b" * 40, "size": len(body), "path": name}
                for name, body in FILES.items()
            ]
            self.reply(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/api/datasets/org/name/revision/"):
            facts = {"id": "org/name", "sha": REVISION, "siblings": [{"rfilename": name} for name in FILES]}
            self.reply(200, json.dumps(facts).encode(), {"Content-Type": "application/json"})
        else:
            self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815 - http.server's own name

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """An answer, without its body where only the head was asked for."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    """Where the hub is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def jmeb(folder: Path, hub: str, *typed: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the hub's client reads its environment once."""
    environment = {
        "HF_ENDPOINT": hub,
        "HF_HOME": str(folder / "hf"),
        "PATH": "",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-m", "jmeb_plugin.cli", "suite", "import", *typed, "--set", "language=en"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_data_set_is_fetched_and_its_revision_noted(tmp_path, hub):
    """``hf://org/name`` is a folder like any other; one that is not there is one message."""
    pytest.importorskip("huggingface_hub")
    found = jmeb(tmp_path, hub, "hf://org/name", "--to", "suite")
    assert found.returncode == 0, found.stderr
    assert f"note: imported from hf://org/name@{REVISION}\n" in (tmp_path / "suite/suite.yaml").read_text(
        "utf-8"
    )
    assert "May I see my file?" in (tmp_path / "suite/conversations.en.jsonl").read_text("utf-8")
    gone = jmeb(tmp_path, hub, "hf://org/none", "--to", "other")
    assert (gone.returncode, gone.stderr.startswith("jmeb: hf://org/none: not to be had: ")) == (4, True)
    assert gone.stderr.count("\n") == 1
    assert not (tmp_path / "other").exists()


def test_without_the_package_the_extra_is_named(monkeypatch):
    """And another way."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SettingsError, match=r"pip install 'pytest-jmeb\[hf\]', or download the files"):
        fetch("hf://org/name")
