"""What a run shows and leaves, and what it never shows."""

from __future__ import annotations

import csv
import json
import re

import pytest

from jmeb_plugin.cli import main
from jmeb_plugin.judges import load_rubrics
from jmeb_plugin.suite import load_suite
from tests.wire.loopback import LoopbackServer

from .conftest import TOML, Run, results, scores
from .servers import completion, error, score
from .test_fips import TOML as EVERYBODY
from .test_networks import answer

SECRET = "sk-planted-0123456789abcdef"


@pytest.mark.parametrize(
    ("policy", "transcript", "reasons"),
    [("full", True, True), ("failed", True, True), ("none", False, False)],
)
def test_transcripts_go_no_further_than_allowed(run: Run, both, serve, project, policy, transcript, reasons):
    """``none`` drops the judges' reasons too; the folder keeps everything."""
    serve(lambda b: score(1, "a telling reason") if b["model"].startswith("judge") else "a telling answer")
    result = run(*both, f"--jmeb-transcripts={policy}", "--junitxml=report.xml", model="it")
    for text in (result.stdout.str(), project.path.joinpath("report.xml").read_text()):
        assert ("a telling answer" in text) == transcript
        assert ("a telling reason" in text) == reasons


def test_full_shows_passed_conversations_in_junit_as_well(run: Run, serve, project):
    """Where the user wants it, in system-out."""
    serve(lambda b: score(9) if b["model"].startswith("judge") else "a telling answer")
    args = ("--junitxml=report.xml", "-ojunit_logging=all")
    run(*args, "--jmeb-transcripts=full", "-rP", model="it").stdout.fnmatch_lines(["│ a telling answer"])
    assert "a telling answer" not in run(*args, "-rP", model="it").stdout.str()


def test_under_ci_no_text_is_shown(run: Run, serve, monkeypatch):
    """CI logs are widely read; the option can still say otherwise."""
    serve(lambda b: score(1) if b["model"].startswith("judge") else "a telling answer")
    monkeypatch.setenv("CI", "true")
    assert "a telling answer" not in run(model="it").stdout.str()
    assert "a telling answer" in run("--jmeb-transcripts=failed", model="it").stdout.str()


def test_no_answer_and_no_reason_orders_a_ci_runner_about(run: Run, serve, project, capsys):
    """A log's lines that begin with ``::``, or hold ``##vso[``, are commands to whoever runs the job."""
    order = "Well.\n::error file=x::pwn\n  ##vso[task.setvariable variable=x]y\n##[error]z"
    serve(lambda b: score(1, order) if b["model"].startswith("judge") else order)
    result = run("--jmeb-id=*X-1/plain/ja*", "--jmeb-run=r", "--jmeb-transcripts=failed", model="it")
    result.stdout.fnmatch_lines(["│ ::error file=x::pwn", "│   ## vso[[]task.*"])
    assert main(["show", "r", "toy::X-1/plain/ja/0"]) == 0
    for line in result.outlines + capsys.readouterr().out.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##vso[" not in line
        assert "##[" not in line


@pytest.mark.parametrize("fault", [None, 401, 400])
def test_a_key_appears_nowhere(run: Run, both, serve, project, monkeypatch, fault):
    """Not in the terminal, a report, the journal or any other file, whatever goes wrong."""
    keyed = TOML.replace('model = "target"', 'model = "target"\napi_key_env = "PLANTED_KEY"')
    answer = scores(9, 8, 7)
    said = error("x", f"bad key {SECRET}")
    server = serve(answer if fault is None else lambda b: (fault, said, {"Retry-After": "0"}), toml=keyed)
    monkeypatch.setenv("PLANTED_KEY", SECRET)
    result = run(*both, "--junitxml=report.xml", "--jmeb-transcripts=full", "--showlocals", "-v", model="it")
    assert any(SECRET in str(headers) for headers in server.headers)
    assert SECRET not in result.stdout.str() + result.stderr.str()
    written = [p for p in project.path.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]


def test_results_and_scores_say_the_same(run: Run, both, serve, project):
    """One row per turn and judge; every selected conversation once."""
    serve(scores(9, 8, 7))
    run(*both, model="it")
    found = results(project)
    assert [row["id"] for row in found["verdicts"]] == sorted(row["id"] for row in found["verdicts"])
    (path,) = project.path.glob(".jmeb/*/scores.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 12 * 3 * 2
    assert {(row["turn"], row["score"]) for row in rows} == {("0", "9.0"), ("1", "8.0"), ("2", "7.0")}
    usage = found["models"]["it"]["usage"]
    assert usage == {
        "requests": 108,
        "input_tokens": 1080,
        "cached_tokens": 0,
        "output_tokens": 540,
        "usd": None,
    }


def test_equal_scores_give_equal_bytes(run: Run, serve, project):
    """However many workers there were."""
    serve(scores(9, 8, 7))
    texts = []
    for workers in ("-n0", "-n2"):
        run(workers, model="it")
        found = results(project)
        found.pop("run")
        texts.append(json.dumps(found))
    assert texts[0] == texts[1]


def test_the_budget_is_kept(run: Run, both, serve, project):
    """Passed by no more than what was in flight; then the run is inconclusive and says so."""
    priced = TOML.replace('model = "', 'price = {{ input = 1000.0, output = 0.0 }}\nmodel = "')
    server = serve(scores(9, 8, 7), toml=priced)
    result = run(*both, "--jmeb-budget=0.2", "--jmeb-concurrency=2", model="it")
    assert result.ret == 10
    run_id, asked = results(project)["run"]["id"], len(server.requests)
    plan = run(*both, "--jmeb-plan", model="it").stdout.str()
    whole = re.search(r"^price: (\d+\.\d\d) USD$", plan, re.MULTILINE)[1]
    said = (
        r"INCONCLUSIVE: --jmeb-budget 0\.2: 0\.\d{4} USD are spent, and the next requests could pass it\. "
        rf"\d of 12 conversations are done, and all of them would take about {re.escape(whole)} USD, by "
        rf"--jmeb-plan\. Go on with --jmeb-run={run_id} and a larger budget"
    )
    assert sum(re.fullmatch(said, line) is not None for line in result.outlines) == 1
    usd = sum(model["usage"]["usd"] for model in results(project)["models"].values())
    assert 0.2 - 0.01 <= usd <= 0.2 + 2 * 0.01
    again = run(*both, "--jmeb-budget=0.2", f"--jmeb-run={run_id}", model="it")
    again.stdout.fnmatch_lines(["INCONCLUSIVE: --jmeb-budget 0.2: *"])
    assert len(server.requests) - asked <= 1
    assert 15 <= len(server.requests) <= 22


@pytest.mark.parametrize("args", [("-x",), ("--jmeb-budget=0.2",)], ids=["x", "budget"])
def test_a_run_that_ended_early_says_what_its_figures_are_of(run: Run, both, serve, project, args):
    """On top of terminal, summary.md and page, however it came to its end."""
    priced = TOML.replace('model = "', 'price = {{ input = 1000.0, output = 0.0 }}\nmodel = "')
    serve(scores(9, 8, 1), toml=priced, seconds=0.05)
    result = run(*both, *args, "--jmeb-concurrency=2", model="it")
    assert result.ret in (1, 10)
    rows = results(project)["verdicts"]
    held = sum(row["reason"] != "was not run" for row in rows)
    assert 0 < held < 12
    said = f"ENDED EARLY: {held} of 12 conversations were held; the figures are of those"
    assert result.outlines.count(said) == 1
    (folder,) = project.path.glob(".jmeb/*/")
    assert folder.joinpath("summary.md").read_text(encoding="utf-8").split("\n")[2] == f"**{said}**"
    page = folder.joinpath("report.html").read_text(encoding="utf-8")
    assert f"The run ended early: {held} of 12 conversations were held." in page[: page.index("<nav")]


def test_chats_of_own_tests_are_paid_from_the_budget_too(run: Run, serve, project, monkeypatch):
    """Also those of earlier sessions of the run; and where no conversation was chosen it ends the same way."""
    priced = TOML.replace('model = "', 'price = {{ input = 1000.0, output = 0.0 }}\nmodel = "')
    serve(scores(9, 8, 7), toml=priced)
    test = project.makepyfile(
        """
        import asyncio, contextlib, os
        def test_chat(jmeb_chat):
            with contextlib.suppress(Exception):
                asyncio.run(jmeb_chat([{"role": "user", "content": os.environ["SAID"]}]))
    """
    )
    for name in ("one", "two", "three"):
        monkeypatch.setenv("SAID", name)
        result = run("--jmeb-budget=0.015", "--jmeb-run=r", str(test), "-k", "test_chat", model="it")
        assert result.ret == (0 if name == "one" else 10)
    assert "INCONCLUSIVE: --jmeb-budget 0.015: 0.0100 USD are spent" in result.stdout.str()


def test_a_mistake_that_only_a_chat_met_is_said(run: Run, serve, project):
    """A test of the user's own that swallows the error does not make the status a riddle."""
    serve(lambda body: (401, {}))
    test = project.makepyfile(
        """
        import asyncio, contextlib
        def test_chat(jmeb_chat):
            with contextlib.suppress(Exception):
                asyncio.run(jmeb_chat([{"role": "user", "content": "Hello"}]))
    """
    )
    result = run(str(test), "-k", "test_chat", model="it")
    assert result.ret == 4
    assert "MISTAKE: endpoint 'it': the server refuses the key" in result.stdout.str()


def test_a_larger_budget_ends_the_run(run: Run, both, serve, project):
    """What a spent budget left undone is all that is asked for when there is more."""
    priced = TOML.replace('model = "', 'price = {{ input = 1000.0, output = 0.0 }}\nmodel = "')
    server = serve(scores(9, 8, 7), toml=priced)
    assert run(*both, "--jmeb-budget=0.2", "--jmeb-run=one", model="it").ret == 10
    assert run(*both, "--jmeb-budget=2", "--jmeb-run=one", model="it").ret == 0
    assert len(server.requests) == 12 * 9
    assert results(project)["models"]["it"]["usage"]["usd"] == pytest.approx(1.08)


def test_cached_tokens_are_counted_and_priced_apart(run: Run, both, serve, project):
    """60 of every 100 tokens came out of a cache, at a tenth of the price; the judges have no such price."""
    priced = TOML.replace(
        'model = "judge', 'price = {{ input = 1.0, output = 10.0 }}\nmodel = "judge'
    ).replace(
        'model = "target', 'price = {{ input = 1.0, cached_input = 0.1, output = 10.0 }}\nmodel = "target'
    )
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 60}}
    good = scores(9, 8, 7)
    serve(lambda body: {**completion(good(body)), "usage": usage}, toml=priced)
    assert run(*both, "--jmeb-budget=1", model="it").ret == 0
    found = results(project)["models"]["it"]["usage"]
    assert (found["requests"], found["input_tokens"], found["cached_tokens"]) == (108, 10_800, 6_480)
    target, judge = 40 * 1.0 + 60 * 0.1 + 5 * 10.0, 100 * 1.0 + 5 * 10.0
    assert found["usd"] == pytest.approx((36 * target + 72 * judge) / 1e6)


def test_the_rubric_stands_first_and_unchanged(run: Run, both, project, monkeypatch):
    """Every judge call of a language begins with the same bytes, which Anthropic is told to keep.

    What changes from call to call comes after it, so that a prompt cache finds the whole rubric.
    """
    monkeypatch.setenv("A_KEY", "a-key-of-a-test")
    toml = EVERYBODY.replace('azure-openai"\nmodel = "target"', 'azure-openai"\nmodel = "judge-1"')
    with LoopbackServer() as server:
        server.rule = answer
        project.path.joinpath("pyproject.toml").write_text(toml.format(url=server.url), encoding="utf-8")
        panel = ("--jmeb-judge=claude", "--jmeb-judge=azure")
        assert run(*both, *panel, model="lean").ret == 0
        asked = [seen.body for seen in server.seen]
    rubrics = {rubric.texts["system"] for rubric in load_rubrics(load_suite(project.path / "toy")).values()}
    claude = [body for body in asked if body["model"] == "judge-2"]
    assert len(claude) == 36
    for body in claude:
        (block,) = body["system"]
        assert block["cache_control"] == {"type": "ephemeral"}
        assert block["text"] in rubrics
        assert [message["role"] for message in body["messages"]] == ["user"]
    others = [body["messages"] for body in asked if body["messages"][0]["role"] == "system"]
    assert len(others) == 36
    assert {messages[0]["content"] for messages in others} == rubrics
    assert {body["system"][0]["text"] for body in claude} == rubrics
    assert len(rubrics) == 2
    assert len({messages[1]["content"] for messages in others}) == 36


def test_the_plan_asks_nothing(run: Run, both, serve, project):
    """Cells, calls, tokens, price, time and the smallest drop; nothing was tested, so 5."""
    priced = TOML.replace('model = "', 'price = {{ input = 1.0, output = 2.0 }}\nmodel = "')
    server = serve(scores(9, 8, 7), toml=priced)
    result = run(*both, "--jmeb-plan", model="it")
    assert result.ret == 5
    result.stdout.fnmatch_lines(
        [
            "12 test cases in 12 cells*",
            "it: 36 calls, *USD",
            "one: 36 calls, *",
            "price: *USD",
            "time: *",
            "smallest mean drop*",
        ]
    )
    assert server.requests == []
    assert not project.path.joinpath(".jmeb").exists()


def test_environment_and_ini_name_options_too(run: Run, project, monkeypatch):
    """Command line, then environment, then ini file and TOML, then default."""
    project.path.joinpath("pyproject.toml").write_text(
        "[tool.jmeb]\nrepeats = 4\nconcurrency = 9\nseed = 5\n"
    )
    project.path.joinpath("pytest.ini").write_text("[pytest]\njmeb_repeats = 3\n")
    monkeypatch.setenv("JMEB_CONCURRENCY", "7")
    run("--jmeb-id=*X-1/plain/ja/0", "--jmeb-gate=cases")
    options = results(project)["run"]["options"]
    assert (options["repeats"], options["concurrency"], options["seed"]) == (3, 7, 5)
    run("--jmeb-id=*X-1/plain/ja/0", "--jmeb-gate=cases", "--jmeb-concurrency=2")
    assert results(project)["run"]["options"]["concurrency"] == 2


def test_several_models_are_told_apart(run: Run, project, both):
    """In results.json, in the gates and in the summary."""
    result = run(*both, "--jmeb-model=demo/overcautious", "--jmeb-gate=cases")
    for name in ("steadfast", "overcautious"):
        result.stdout.fnmatch_lines([f"demo/{name} · 12 conversations: 12 passed"])
    found = results(project)
    assert list(found["models"]) == ["demo/overcautious", "demo/steadfast"]
    assert {gate["model"] for gate in found["gates"]} == {"demo/steadfast", "demo/overcautious"}
