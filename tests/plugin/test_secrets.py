"""The laws of what leaves the process: no key anywhere, and no connection but to the endpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.cli import main

from .conftest import TOML, Run, scores
from .servers import error

KEY, HEADER = "sk-planted-0f9a7c31", "Bearer planted-5e2b88d4"
KEYED = (
    TOML.replace('provider = "openai"\nmodel = "target"', 'provider = "openai"\nmodel = "target"\napi_key_env = "PLANTED_KEY"')
    + """
[tool.jmeb.endpoints.bot]
provider = "http"
url = "{url}/chat/completions"
headers_env = {{ Authorization = "PLANTED_HEADER" }}
body = {{ model = "target", messages = "{{messages}}" }}
answer = "choices.0.message.content"
"""
)  # fmt: skip
GUARD = """
import socket
asked = open("connections.txt", "a")

def watched(name):
    old = getattr(socket.socket, name)
    def connect(self, address):
        print(json.dumps(address if isinstance(address, str) else list(address[:2])), file=asked, flush=True)
        return old(self, address)
    return connect

import json
for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, watched(name))
"""


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds a key and a header."""
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setenv("PLANTED_HEADER", HEADER)


def written(folder: Path, *results: pytest.RunResult) -> bytes:
    """Everything that was written below the folder, and everything that was printed."""
    printed = "\n".join(line for result in results for line in (*result.outlines, *result.errlines))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert any(path.name == "journal.sqlite" for path in files)
    return b"\n".join([printed.encode(), *(path.read_bytes() for path in files)])


@pytest.mark.usefixtures("planted")
def test_no_secret_is_written_or_printed(
    project: pytest.Pytester,
    run: Run,
    serve: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On success, when a model fails, when a key is refused, when servers break, and by the commands after."""
    answers: list[Any] = [scores(9, 8, 7)]

    def answer(body: dict[str, Any]) -> Any:
        return answers[0](body)

    server = serve(answer, toml=KEYED)
    everywhere = ("--junitxml=j.xml", "--jmeb-transcripts=full", "-rA", "--showlocals", "--full-trace")
    found = [
        run(*everywhere, "--jmeb-run=good", model="it"),
        run(*everywhere, "-n2", "--jmeb-run=bot", model="bot"),
    ]
    assert [result.ret for result in found] == [0, 0]
    assert {KEY, HEADER.removeprefix("Bearer ")} <= {
        head.get("Authorization", "").removeprefix("Bearer ") for head in server.headers
    }
    for index, broken in enumerate(
        (
            scores(2, 1, 1),
            lambda _: (401, error("invalid_api_key", f"no {KEY}")),
            lambda _: (400, error("bad", KEY)),
        )
    ):
        answers[0] = broken
        found.append(run(*everywhere, f"--jmeb-run=bad{index}", model="it"))
        assert found[-1].ret in (1, 4, 10)
    monkeypatch.chdir(project.path)
    main(["show", "good", "toy::X-1/plain/en/0"])
    main(["gate", "good", "--write"])
    main(["rejudge", "good", "--judge", "demo/judge-a", "--judge", "it", "--run", "again"])
    everything = written(project.path, *found) + "".join(capsys.readouterr()).encode()
    for secret in (KEY, HEADER, HEADER.removeprefix("Bearer ")):
        assert secret.encode() not in everything


def test_nothing_is_asked_but_the_endpoints(project: pytest.Pytester, serve: Any) -> None:
    """Every connection of a run and its workers goes to the configured server, or from a worker home."""
    server = serve(scores(9, 8, 7))
    project.makeconftest(GUARD)
    words = ("--jmeb-model=it", "--jmeb-suite=toy", "-n2", "-p", "no:rerunfailures")
    assert project.runpytest_subprocess(*words, timeout=90).ret == 0
    asked = {tuple(json.loads(line)) for line in (project.path / "connections.txt").read_text().splitlines()}
    port = server.http.server_port
    assert ("127.0.0.1", port) in asked
    assert all(host == "127.0.0.1" for host, _ in asked)
    assert len({other for _, other in asked} - {port}) <= 1
