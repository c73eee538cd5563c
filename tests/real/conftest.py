"""Whole sessions against a real model; skipped where it is not installed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.real.server import SmallModel, missing

QUIET = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:randomly", "-p", "no:cacheprovider")

TOML = """
[tool.jmeb.endpoints.small]
provider = "openai"
base_url = "{url}"
model = "smollm2"
temperature = 0.0
max_tokens = 64
timeout = 600
max_concurrency = 1
# one short sentence, so that no answer is cut off
extra_body = {{ grammar = 'root ::= [^.\\n]{{1,40}} "."' }}

[tool.jmeb.endpoints.small-judge]
provider = "openai"
base_url = "{url}"
model = "smollm2-as-judge"
temperature = 0.0
max_tokens = 96
timeout = 600
max_concurrency = 1
"""


@dataclass(frozen=True)
class Outcome:
    """What a session left behind: its exit status, results.json and the journal's rows."""

    ret: int
    results: dict[str, Any]
    answers: list[dict[str, Any]]

    def of(self, role: str) -> list[dict[str, Any]]:
        """The journal's rows of one role, in the order of their writing."""
        return [row for row in self.answers if row["role"] == role]


@pytest.fixture
def small_model(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A repository whose endpoints ``small`` and ``small-judge`` are a running SmolLM2."""
    if reason := missing():
        pytest.skip(reason)
    for name in ("CI", "PYTEST_ADDOPTS", "JMEB_MODEL", "JMEB_JUDGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with SmallModel(pytester.path / "server.log") as server:
        pytester.path.joinpath("pyproject.toml").write_text(TOML.format(url=server.url), encoding="utf-8")
        yield pytester


def run(project: pytest.Pytester, *args: str) -> Outcome:
    """A session with two workers on conversations of the bundled suite."""
    ours = ("--jmeb-model=small", "--jmeb-run=one", "--jmeb-gate=cases", "-n2")
    ended = project.runpytest_subprocess(*QUIET, *ours, *args, timeout=600)
    folder = project.path / ".jmeb" / "one"
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("select * from answers order by id")]
    answers = [{**row, "reply": json.loads(row["reply"])} for row in rows]
    results = json.loads(folder.joinpath("results.json").read_text(encoding="utf-8"))
    return Outcome(int(ended.ret), results, answers)
