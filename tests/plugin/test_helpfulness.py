"""The laws of ``jmeb helpfulness``: through the same runner and journal as every other question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import scipy.stats  # noqa: F401 - pytester forgets what is loaded later, and numpy loads only once

from jmeb_plugin.cli import main
from tests.unit.builders import make_run
from tests.unit.test_exam import question, write

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def exam(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up examination of two blocks in the folder ``exam``."""
    folder = project.path / "exam"
    folder.mkdir()
    monkeypatch.chdir(project.path)
    return write(folder, A=[question("999A1", "c"), question("999A2", "a", "c")], B=[question("999B1", "e")])


def test_a_model_is_asked_as_the_paper_does_and_never_twice(exam: Path, serve: Any, capsys: Captured) -> None:
    """Parameters, schema, both readings, a file for the run; again, nobody is asked but for what failed."""
    broken = [True]

    def answer(body: dict[str, Any]) -> Any:
        text = body["messages"][-1]["content"]
        if "999B1" in text:
            return "e, of course"
        if "999A2" in text and broken[0]:
            return 400, {"error": {"message": "no"}}
        return '{"answer": ["c"]}'

    server = serve(answer)
    words = ["helpfulness", "--model", "it", "--data", "exam", "--run", "h"]
    assert main(words) == 10
    said = capsys.readouterr()
    assert "jmeb: 6/6 questions" in said.err
    assert "exam · ja: 3 questions\n" in said.out
    assert "accuracy 33.3 % (95 % interval 6.1 % to 79.2 %; 1 of 3); 1 unreadable, 1 failed (" in said.out
    assert "without these 100.0 % of 1" in said.out
    assert "by block: A 50.0 %, B 0.0 %" in said.out
    body = server.asked("target")[0]
    assert [body[name] for name in ("temperature", "top_p", "max_tokens")] == [0.1, 0.9, 2048]
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["answer"]
    broken[0] = False
    asked = len(server.requests)
    assert main(words) == 0
    assert len(server.requests) == asked + 2
    found = json.loads(Path(".jmeb/h/helpfulness.json").read_text("utf-8"))["models"]["it"]
    assert found["languages"]["en"]["answers"]["999A2"] == ["wrong", "c"]
    assert found["usage"]["requests"] == 6
    assert main([*words, "--limit", "1"]) == 4
    assert "was started with another exam" in capsys.readouterr().err


def test_figures_are_attached_to_the_run_they_are_of(exam: Path, serve: Any, capsys: Captured) -> None:
    """Only models of that run; a second language is added to the first."""
    serve(lambda _: '{"answer": "c"}')
    run = Path(".jmeb/r")
    run.mkdir(parents=True)
    results = {"run": make_run(), "models": {"it": {}, "demo/steadfast": {}}, "gates": [], "verdicts": []}
    (run / "results.json").write_text(json.dumps(results), encoding="utf-8")
    words = ["helpfulness", "--data", "exam", "--attach", "r", "--limit", "2"]
    assert main([*words, "--model", "demo/eroding"]) == 4
    assert "the run has no model 'demo/eroding'" in capsys.readouterr().err
    for language in ("ja", "en"):
        assert main([*words, "--model", "it", "--language", language, "--own-parameters"]) == 0
    assert main([*words, "--model", "demo"]) == 0
    models = json.loads((run / "helpfulness.json").read_text("utf-8"))["models"]
    assert {name: sorted(model["languages"]) for name, model in models.items()} == {
        "it": ["en", "ja"],
        "demo/steadfast": ["en", "ja"],
    }
    assert models["it"]["endpoint"]["parameters"] == {}


def test_mistakes_are_told_before_anybody_is_asked(exam: Path, serve: Any, capsys: Captured) -> None:
    """No model, a budget without a price, an unreadable limit."""
    server = serve(lambda _: "no")
    words = ["helpfulness", "--data", "exam"]
    for more, message in (
        ([], "no model; expected --model NAME"),
        (["--model", "it", "--budget", "1"], "--budget: it without price"),
        (["--model", "it", "--limit", "few"], "--limit: expected a whole number from 1, found 'few'"),
        (["--model", "it", "--attach", "nowhere"], "no run 'nowhere'"),
    ):
        assert main([*words, *more]) == 4
        assert message in capsys.readouterr().err
    assert not server.requests
