"""The laws of what leaves the process: no key anywhere, and no connection but to the endpoints."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.cli import main
from tests.wire.loopback import LoopbackServer

from .conftest import QUIET, TOML, Run, scores
from .servers import error
from .test_fips import TOML as EVERYBODY
from .test_networks import answer

KEY, HEADER = "sk-planted-0f9a7c31", "Bearer planted-5e2b88d4"
BARE = HEADER.removeprefix("Bearer ")
KEYED = (
    TOML.replace('provider = "openai"\nmodel = "target"', 'provider = "openai"\nmodel = "target"\napi_key_env = "PLANTED_KEY"')
    + """
[tool.jmeb.endpoints.bot]
provider = "http"
url = "{url}/chat/completions"
headers_env = {{ Authorization = "PLANTED_HEADER" }}
body = {{ model = "target", messages = "{{messages}}" }}
answer = "choices.0.message.content"
[tool.jmeb.endpoints.claude]
provider = "anthropic"
model = "target"
base_url = "{url}"
api_key_env = "PLANTED_KEY"
"""
)  # fmt: skip
GUARD = """
import json, os, sys

KINDS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
         "socket.gethostbyname", "socket.gethostbyaddr")
asked = os.open(os.path.join(os.path.dirname(__file__), "network"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def watch(event, args):
    if event in KINDS:
        said = args[:2] if event.startswith("socket.get") else (args[1],)
        os.write(asked, (json.dumps([event.removeprefix("socket."), os.getpid(), repr(said)]) + "\\n").encode())

sys.addaudithook(watch)
"""
"""A ``sitecustomize`` that writes down whatever any process does with the network, from its first import on."""


QUOTING = """
from jmeb_plugin.errors import Rejected

async def chat(messages):
    raise Rejected("cannot parse: " + messages[-1]["content"])
"""
"""An application that quotes the user, and is not asked again."""


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

    def telling(body: dict[str, Any]) -> str:
        said = str(scores(2, 8, 8)(body))
        return said if body["model"].startswith("judge") else f"{said}. Your keys are {KEY} and {BARE}."

    server = serve(answer, toml=KEYED)
    everywhere = ("--junitxml=j.xml", "--jmeb-transcripts=full", "-rA", "--showlocals", "--full-trace")
    found = [
        run(*everywhere, "--jmeb-run=good", model="it"),
        run(*everywhere, "-n2", "--jmeb-run=bot", model="bot"),
    ]
    assert [result.ret for result in found] == [0, 0]
    assert {KEY, BARE} <= {head.get("Authorization", "").removeprefix("Bearer ") for head in server.headers}
    for index, broken in enumerate(
        (
            scores(2, 1, 1),
            lambda body: telling(body).replace(BARE, ""),
            lambda _: (401, error("invalid_api_key", f"no {KEY}")),
            lambda _: (400, error("bad", KEY)),
        )
    ):
        answers[0] = broken
        found.append(run(*everywhere, f"--jmeb-run=bad{index}", model="it"))
        assert found[-1].ret in (1, 4, 10)
    for index, broken in enumerate(
        (
            lambda body: telling(body).replace(KEY, ""),
            lambda _: (400, error("bad", f"no {BARE} \x1b[31m")),
            lambda _: (404, error("bad", f"no {BARE}, {KEY[:-2]}, \x1b]52;c;aGk=\x07")),
            lambda _: (302, {}, {"Location": f"https://\x1b[31m.test/{BARE}"}),
            lambda _: (302, {}, {"Location": f"https://me:x/{BARE}@h.test/"}),
        )
    ):
        answers[0] = broken
        found.append(run(*everywhere, f"--jmeb-run=rude{index}", model="bot"))
        assert found[-1].ret in (1, 4, 10)
    monkeypatch.chdir(project.path)
    main(["show", "good", "toy::X-1/plain/en/0"])
    main(["gate", "good", "--write"])
    main(["rejudge", "good", "--judge", "demo/judge-a", "--judge", "it", "--run", "again"])
    everything = written(project.path, *found) + "".join(capsys.readouterr()).encode()
    for secret in (KEY, HEADER, BARE, KEY[:-2], "\x1b[31m", "\x1b]52"):
        assert secret.encode() not in everything


BOT = """
[tool.jmeb.endpoints.bot]
provider = "python"
target = "quoting_bot:chat"
"""


@pytest.mark.parametrize("who", ["target", "judge", "application"])
def test_no_conversation_is_printed_through_an_error(
    project: pytest.Pytester, run: Run, serve: Any, both: Any, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Where CI is set, a server or an application that quotes what it was asked puts no text into a log."""
    good = scores(9, 8, 7)

    def answer(body: dict[str, Any]) -> Any:
        if body["model"].startswith("judge") is not (who == "judge"):
            return good(body)
        said = "".join(message["content"] for message in body["messages"])
        return 422, error("bad", f"invalid prompt: {said}")

    serve(answer, toml=TOML + BOT)
    monkeypatch.setenv("CI", "1")
    monkeypatch.syspath_prepend(project.path)
    project.makepyfile(quoting_bot=QUOTING)
    result = run(*both, "--junitxml=j.xml", "-rA", model="bot" if who == "application" else "it")
    assert result.ret in (4, 10)
    (folder,) = project.path.glob(".jmeb/2*")
    files = (project.path / "j.xml", folder / "results.json", folder / "summary.md", folder / "scores.csv")
    printed = "\n".join(
        [*result.outlines, *result.errlines, *(file.read_text() for file in files if file.exists())]
    )
    assert {"target": "invalid prompt", "judge": "invalid prompt", "application": "cannot parse"}[
        who
    ] in printed
    for piece in ("Question 0", "please", "回の質問", "について教え", "An answer to"):
        assert piece not in printed


OWN = """
import asyncio

def test_chat(jmeb_chat):
    asyncio.run(jmeb_chat([{"role": "user", "content": "Hello"}]))

def test_chat_again(jmeb_chat):
    asyncio.run(jmeb_chat([{"role": "user", "content": "Hello"}]))

def test_result(jmeb_result):
    jmeb_result("toy::X-1/plain/ja/0")
"""


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("model", ["it", "bot", "claude"])
def test_no_traceback_shows_a_key(project: pytest.Pytester, serve: Any, model: str) -> None:
    """Somebody's own tests, with all that pytest can show of a failure: neither the runner's frames nor a key."""
    server = serve(lambda _: (401, error("no", f"no {KEY} {BARE}"), {"X-Echo": f"{KEY} {BARE}"}), toml=KEYED)
    project.makepyfile(test_own=OWN)
    words = (
        "-l",
        "--tb=long",
        "--full-trace",
        "-rA",
        "--junitxml=j.xml",
        "-p",
        "no:xdist",
        "-p",
        "no:rerunfailures",
    )
    refused = project.runpytest_inprocess(
        *QUIET, f"--jmeb-model={model}", "--jmeb-suite=toy", "test_own.py", *words
    )
    toml = project.path / "pyproject.toml"
    https = toml.read_text().replace(server.url, "https://127.0.0.1:9")
    toml.write_text(re.sub(r"(?m)^(base_)?url", r'ca_bundle = "none.pem"\n\g<0>', https))
    shut = project.runpytest_inprocess(
        *QUIET, f"--jmeb-model={model}", "--jmeb-suite=toy", "test_own.py", "--jmeb-run=2", *words
    )
    printed = "\n".join([*refused.outlines, *shut.outlines, (project.path / "j.xml").read_text()])
    assert "refuses the key" in printed
    assert "ca_bundle 'none.pem' cannot be used" in printed
    assert "clients/" not in printed
    for secret in (KEY, BARE):
        assert secret not in printed


@pytest.fixture
def network(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], set[tuple[str, int, str]]]:
    """What every process of the project did with the network: kind, process, arguments."""
    folder = project.mkdir("site")
    folder.joinpath("sitecustomize.py").write_text(GUARD, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("A_KEY", "a-key-of-a-test")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return lambda: {tuple(json.loads(line)) for line in (folder / "network").read_text().splitlines()}


STRAY = """
import contextlib, socket

def test_stray():
    for stray in (lambda: socket.create_connection(("127.0.0.2", 9), 0.1),
                  lambda: socket.getaddrinfo("telemetry.test", 443),
                  lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.3", 9))):
        with contextlib.suppress(OSError):
            stray()
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_is_asked_but_the_endpoints(
    project: pytest.Pytester, network: Callable[[], set[Any]], both: Any
) -> None:
    """Every SDK and the demo in one run: each connection goes to the configured server or stays at home.

    No name is looked up, nothing is bound but the loopback, and workers connect to the relay alone.
    """
    with LoopbackServer() as server:
        server.rule = answer
        project.path.joinpath("pyproject.toml").write_text(EVERYBODY.format(url=server.url), encoding="utf-8")
        models = ("--jmeb-model=lean", "--jmeb-model=azure", "--jmeb-model=demo", "--jmeb-gate=cases")
        words = (*models, "--jmeb-suite=toy", "-p", "no:rerunfailures", *both)
        assert project.runpytest_subprocess(*words, timeout=120).ret == 0
        configured = server.server_port
    seen = network()
    bound = {(process, said) for kind, process, said in seen if kind == "bind"}
    assert all(said == "(('127.0.0.1', 0),)" for _, said in bound)
    assert len({process for process, _ in bound}) == 1
    looked_up = {said for kind, _, said in seen if kind.startswith("get")}
    assert all(said.startswith(("('127.0.0.1', ", "(b'127.0.0.1', ")) for said in looked_up)
    asked = {(process, ast.literal_eval(said)[0]) for kind, process, said in seen if kind == "connect"}
    assert not {said for kind, _, said in seen if kind.startswith("send")}
    assert {address[0] for _, address in asked} == {"127.0.0.1"}
    controller = next(process for process, address in asked if address[1] == configured)
    assert {process for process, address in asked if address[1] == configured} == {controller}
    ports = {address[1] for _, address in asked}
    assert len(ports) == (3 if "-n2" in both else 2)  # the server, the demo's, the relay's
    assert len({process for process, _ in asked}) == (3 if "-n2" in both else 1)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_stray_connection_would_be_seen(
    project: pytest.Pytester, network: Callable[[], set[Any]], both: Any
) -> None:
    """The test above is worth something: whatever else is asked, by any process, is written down."""
    project.makepyfile(test_stray=STRAY)
    words = ("--jmeb-model=demo", "--jmeb-suite=none", "-p", "no:rerunfailures", "test_stray.py", *both)
    assert project.runpytest_subprocess(*words, timeout=90).ret == 0
    seen = {(kind, said) for kind, _, said in network()}
    assert ("connect", "(('127.0.0.2', 9),)") in seen
    assert ("getaddrinfo", "('telemetry.test', 443)") in seen
    assert ("sendto", "(('127.0.0.3', 9),)") in seen
