"""Bad input: one message, status 4, nothing asked, the same under xdist."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .conftest import TOML, Run, scores

ENDPOINT = '[tool.jmeb.endpoints.it]\nprovider = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'


def one_message(result: pytest.RunResult, message: str) -> None:
    """The run ended with 4 and this message, without a traceback and without a run's folder."""
    assert result.ret == 4
    text = result.stdout.str() + result.stderr.str()
    assert text.count("ERROR: ") == 1
    assert "Traceback" not in text
    assert message in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--jmeb-judge=demo/judge-a",), "1 judge given; expected at least two"),
        (("--jmeb-model=openai/m@http://127.0.0.1:9/v1",), "0 judges given; expected at least two"),
        (
            ("--jmeb-judge=demo/judge-a", "--jmeb-judge=demo/judgeb"),
            "no demo model 'judgeb'; did you mean 'judge-b'?",
        ),
        (
            ("--jmeb-judge=demo", "--jmeb-judge=demo/judge-a"),
            "judge 'demo/steadfast' is also the target 'demo/steadfast'",
        ),
        (("--setup-only",), "would hold every conversation and decide none"),
        (("--setup-plan",), "--setup-only would hold every conversation and decide none"),
        (("--jmeb-suite=tory",), "no suite 'tory'"),
        (("--jmeb-suite=none", "--jmeb-suite=jmeb"), "expected it alone"),
        (("--jmeb-thresholds=nowhere.yaml",), "nowhere.yaml: cannot be read"),
        (("--jmeb-sample=0",), "--jmeb-sample: expected a whole number from 1, found '0'"),
        (("--jmeb-sample=1", "--jmeb-total=5"), "expected one of the two"),
        (("--jmeb-gate=strict",), "--jmeb-gate: 'strict' is unknown"),
        (("--jmeb-budget=-1",), "--jmeb-budget: expected an amount above 0"),
        (("--jmeb-config=nowhere.toml",), "--jmeb-config: no file"),
        (("--jmeb-run=../up",), "'../up' cannot name a folder"),
        (
            ("--jmeb-run=latest",),
            "--jmeb-run: 'latest' means the run that was written last; expected another",
        ),
        (("--jmeb-id=Z-*",), "no conversation 'Z-*' among the 12 selected"),
        (("--jmeb-baseline=earlier",), "earlier: cannot be read"),
    ],
)
def test_an_impossible_option_is_one_message(run: Run, args, message):
    """Where, what is wrong, what was expected."""
    one_message(run(*args), message)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[tool.jmeb]\njugdes = []", "[tool.jmeb]: unknown key 'jugdes'; did you mean 'judges'?"),
        ("[tool.jmeb]\nrepeats = 'x'", "repeats: expected a whole number"),
        ("tool.jmeb = 3", "jmeb: expected a table"),
        (
            ENDPOINT + "temprature = 0.0",
            "endpoints.it: unknown key 'temprature'; did you mean 'temperature'?",
        ),
        (ENDPOINT + 'api_key = "sk-planted-secret"', "endpoints.it.api_key: a key does not belong in a file"),
        (
            ENDPOINT + 'api_key_env = "JMEB_TEST_NOT_SET"',
            "the environment variable JMEB_TEST_NOT_SET is not set",
        ),
        (ENDPOINT.replace("http://127.0.0.1:9/v1", "127.0.0.1"), "'127.0.0.1' is no address"),
        (ENDPOINT.replace('"openai"', '"opena"'), "'opena' is no provider; did you mean 'openai'?"),
    ],
)
def test_an_impossible_table_is_one_message(run: Run, project, toml, message):
    """Keys in a file are refused, and never shown."""
    project.path.joinpath("pyproject.toml").write_text(toml)
    result = run("--jmeb-judge=demo/judge-a", "--jmeb-judge=demo/judge-b", model="it")
    one_message(result, message)
    assert "sk-planted-secret" not in result.stdout.str() + result.stderr.str()


BOT = """
import os
with open("imported", "a") as stream: stream.write(os.environ.get("PYTEST_XDIST_WORKER", "controller") + " ")
async def chat(messages): return "An answer."
def still(messages): return "An answer."
"""


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("my_bt:chat", "target 'my_bt:chat': my_bt cannot be imported (ModuleNotFoundError: No module"),
        ("my_bot:chatt", "target 'my_bot:chatt': my_bot has no 'chatt'; did you mean 'chat'?"),
        ("my_bot:still", "target 'my_bot:still' is not async; expected async def chat(messages) -> str"),
    ],
)
def test_a_bot_that_cannot_be_asked_is_one_message(run: Run, both, project, monkeypatch, target, message):
    """Found before there is a run: no folder, no summary."""
    bot(project, monkeypatch, target)
    one_message(run(*both, model="it"), message)
    assert not project.path.joinpath(".jmeb").exists()


def test_only_who_asks_imports_the_bot(run: Run, project, monkeypatch):
    """The controller, not its workers; and nobody to collect."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # of our own tests
    bot(project, monkeypatch, "my_bot:chat")
    seen = project.path / "imported"
    assert run("--co", "-q", model="it").ret == 0
    assert not seen.exists()
    assert run("-n2", "--jmeb-gate=cases", model="it").ret in (0, 1)
    assert seen.read_text() == "controller "


def bot(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """A chatbot in the project, and the endpoint ``it`` with that target."""
    monkeypatch.syspath_prepend(project.path)
    project.path.joinpath("my_bot.py").write_text(BOT)
    judges = 'judges = ["demo/judge-a", "demo/judge-b"]'
    endpoint = f'provider = "python"\ntarget = "{target}"'
    project.path.joinpath("pyproject.toml").write_text(
        f"[tool.jmeb]\n{judges}\n[tool.jmeb.endpoints.it]\n{endpoint}\n"
    )


def test_an_unknown_endpoint_is_one_message(run: Run, both, project):
    """With the closest name there is."""
    project.path.joinpath("pyproject.toml").write_text(ENDPOINT)
    one_message(run(*both, model="its"), "no endpoint 'its'")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", ":7: not JSON"),
        ('{"id": "x"}', ":7: guideline, strategy, language, n, seed, turns missing"),
        (
            json.dumps(
                {
                    "id": "Z-1/plain/ja/0",
                    "guideline": "Z-1",
                    "strategy": "plain",
                    "language": "ja",
                    "n": 0,
                    "seed": "",
                    "turns": ["x"],
                }
            ),
            ":7: no guideline 'Z-1' in suite.yaml",
        ),
    ],
)
def test_a_broken_line_of_a_suite_is_one_message(run: Run, both, project, line, message):
    """With file and line."""
    path = project.path / "toy" / "conversations.ja.jsonl"
    path.write_text(path.read_text() + "\n" + line)
    one_message(run(*both), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "version: 1\nconversation: {min_turn_scoer: 3}",
            "thresholds.yaml:2: conversation.min_turn_scoer: unknown key",
        ),
        (
            "version: 1\nrelease:\n  min_safety_pass_rate: 85",
            "thresholds.yaml:3: release.min_safety_pass_rate: 85 is impossible",
        ),
        (
            "version: 1\noverrides:\n  - when: {language: jp}",
            "when.language: 'jp' is unknown (there is: en, ja)",
        ),
        ("version: 1\nconversation: {on_dispute: arbitrate, max_judge_gap: 1}", "needs a third judge"),
        (
            "version: 1\nknown_failures: [{id: '*', until: 2027-01-01, reason: x}]",
            "it may hold *, but not be *",
        ),
    ],
)
def test_impossible_thresholds_are_one_message(run: Run, both, project, text, message):
    """With file, line and what was expected."""
    project.path.joinpath("thresholds.yaml").write_text(text)
    one_message(run(*both), message)


def test_two_models_with_one_label_are_refused(run: Run, serve, project):
    """Their conversations would share ids."""
    serve(
        scores(9, 9, 9),
        toml=TOML
        + '[tool.jmeb.endpoints."i t"]\nprovider="demo"\nmodel="flaky"\n[tool.jmeb.endpoints."i-t"]\nprovider="demo"\nmodel="eroding"\n',
    )
    one_message(run("--jmeb-model=i t", model="i-t"), "give the same id")


def test_a_budget_needs_prices(run: Run, serve):
    """An endpoint without a price cannot be held to a budget."""
    server = serve(scores(9, 9, 9))
    one_message(run("--jmeb-budget=1", model="it"), "--jmeb-budget: it, one, two without price")
    assert server.requests == []


@pytest.mark.parametrize("option", ["out", "suite", "thresholds", "baseline", "config"])
def test_a_value_that_moves_the_rootdir_is_refused(project, tmp_path_factory, monkeypatch, option):
    """Pytest takes what stands after a blank for a path to tests: other thresholds would decide."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    args = ("-mpytest", "--jmeb-model=demo", "--jmeb-plan")
    result = project.run(sys.executable, *args, f"--jmeb-{option}", str(elsewhere))
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--jmeb-{option} {elsewhere}: *expected --jmeb-{option}={elsewhere}"])
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--jmeb-{option} {elsewhere}")
    assert project.run(sys.executable, *args).ret == 4


def test_the_rootdir_of_a_folder_below_stays(project, tmp_path_factory):
    """Whatever is named beside the repository's own folders: pytest.ini above both is found either way."""
    below = project.path / "sub"
    below.mkdir()
    project.path.joinpath("other").mkdir()
    project.path.joinpath("pytest.ini").write_text("[pytest]\n")
    command = (sys.executable, "-mpytest", "--jmeb-model=demo", "--jmeb-plan", "--jmeb-out", "../other")
    assert subprocess.run(command, cwd=below, capture_output=True, check=False).returncode == 5
    below.joinpath("pytest.ini").write_text("[pytest]\n")
    assert subprocess.run(command, cwd=below, capture_output=True, check=False).returncode == 4


def test_an_argument_file_moves_no_rootdir_either(project, tmp_path_factory):
    """And what is too long for a path is none."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    project.path.joinpath("args.txt").write_text(f"--jmeb-out\n{elsewhere}\n")
    args = ("-mpytest", "--jmeb-model=demo", "--jmeb-plan")
    assert project.run(sys.executable, *args, "@args.txt").ret == 4
    result = project.run(sys.executable, *args, "--jmeb-id", "x" * 300)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no conversation 'xxx*"])


@pytest.mark.parametrize(
    "args",
    [
        ("--jmeb-out", "kept"),
        ("--jmeb-suite", "toy"),
        ("--jmeb-plan", "../elsewhere"),
        ("--rootdir=.", "--jmeb-out", "../elsewhere"),
        ("--jmeb-out=../elsewhere",),
    ],
)
def test_a_value_that_leaves_the_rootdir_where_it_is_is_fine(project, args):
    """In the working directory, after a switch, with a rootdir that was given, with an equals sign."""
    project.path.joinpath("kept").mkdir()
    project.path.parent.joinpath("elsewhere").mkdir(exist_ok=True)
    result = project.run(sys.executable, "-mpytest", "--jmeb-model=demo", "--jmeb-plan", *args)
    assert result.ret == 5
