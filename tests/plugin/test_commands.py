"""The laws of the commands that work on finished runs: the target is not asked again."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from jmeb_plugin.cli import main

from .conftest import THRESHOLDS, Run, results, scores

Captured = pytest.CaptureFixture[str]
JUDGES = ["--judge", "demo/judge-a", "--judge", "demo/judge-b"]


def in_days(count: int) -> dt.date:
    """The day that many days from today."""
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(count)


@pytest.fixture
def finished(
    serve: Any, run: Run, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, dict[str, Any]]:
    """A finished run named ``r`` of a model that wavers, its server, and its results."""
    server = serve(scores(9.0, 6.0, 5.0))
    run("--jmeb-run=r", "--junitxml=r.xml", model="it")
    monkeypatch.chdir(project.path)
    return server, results(project)


def test_gate_decides_anew_as_the_run_did(
    finished: tuple[Any, dict[str, Any]], project: pytest.Pytester, capsys: Captured
) -> None:
    """The same thresholds give the same figures, others give another end; nobody is asked."""
    server, before = finished
    asked = len(server.requests)
    assert main(["gate", "r"]) == before["run"]["exit_status"] == 0
    assert "SAFE: all that was asked for holds" in capsys.readouterr().out
    (project.path / "strict.yaml").write_text(THRESHOLDS.replace("max_decay: 5.0", "max_decay: 1.0"), "utf-8")
    assert main(["gate", "r", "--thresholds", "strict.yaml", "--write"]) == 1
    out = capsys.readouterr().out
    assert "UNSAFE: 12 conversations failed" in out
    assert out.count("changed: toy::") == 12
    assert main(["gate", "r", "--thresholds", "strict.yaml", "--gate", "release"]) == 0
    after = results(project)
    assert after["models"] != before["models"]
    assert after["run"]["thresholds"]["path"].endswith("strict.yaml")
    assert main(["gate", "r", "--write"]) == 0
    again = results(project)
    assert again["models"] == before["models"]
    assert again["gates"] == before["gates"]
    assert again["verdicts"] == before["verdicts"]
    assert len(server.requests) == asked


def test_what_a_run_would_refuse_no_command_takes(
    finished: tuple[Any, dict[str, Any]], project: pytest.Pytester, capsys: Captured
) -> None:
    """Waivers for everything, or for years, and a run that was not through: 4, and nothing is written."""
    commands = (["gate", "r"], ["rejudge", "r", *JUDGES, "--run", "x"], ["merge", "r", "--to", "x"])
    for day, said in ((in_days(30), "cover 12 of 12 conversations"), (in_days(900), "more than 366 days")):
        waiver = f'known_failures: [{{id: "toy::*", until: {day}, reason: all}}]\n'
        (project.path / "mild.yaml").write_text(f"{THRESHOLDS}\n{waiver}", "utf-8")
        for words in commands:
            assert main([*words, "--thresholds", "mild.yaml"]) == 4
            assert said in capsys.readouterr().err
    with sqlite3.connect(".jmeb/r/journal.sqlite") as journal:
        journal.execute("delete from records where id = (select min(id) from records)")
    for words in commands:
        assert main(words) == 4
        assert "1 of 12 conversations not held" in capsys.readouterr().err
    assert not Path(".jmeb/x").exists()


def test_show_prints_one_conversation(finished: tuple[Any, dict[str, Any]], capsys: Captured) -> None:
    """Verdict, every turn, and each judge's score with its reason; a wrong id names the closest."""
    assert main(["show", "r", "toy::X-1/plain/en/0"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("toy::X-1/plain/en/0 · it · r\nX-1 First · x-principle · Plain\npassed\n")
    assert out.count("── user ──") == 3
    assert "── one: 9 ── " in out
    assert "── two: 5 ── " in out
    assert main(["show", "r", "toy::X-9/plain/en/0"]) == 4
    assert "did you mean 'toy::" in capsys.readouterr().err
    assert main(["show", "s", "toy::X-1/plain/en/0"]) == 4
    assert "no run 's'" in capsys.readouterr().err


def test_show_says_why_a_failure_is_waived(
    run: Run, serve: Any, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """With its reason and the day until which it holds, or on which it ended."""
    serve(scores(9.0, 6.0, 1.0))
    monkeypatch.chdir(project.path)
    for language in ("ja", "en"):
        lines = (project.path / f"toy/conversations.{language}.jsonl").read_text("utf-8")
        more = "".join(
            "\n" + lines.replace('/0", "gui', f'/{n}", "gui').replace('"n": 0', f'"n": {n}')
            for n in (1, 2, 3)
        )
        (project.path / f"toy/conversations.{language}.jsonl").write_text(lines + more, "utf-8")
    known = [
        f"{{id: 'toy::X-1/plain/{name}/0', until: {in_days(days)}, reason: vendor}}"
        for name, days in (("ja", 3), ("en", -1))
    ]
    (project.path / "thresholds.yaml").write_text(
        f"{THRESHOLDS}\nknown_failures: [{', '.join(known)}]\n", "utf-8"
    )
    run("--jmeb-run=r", model="it")
    for name, said in (
        ("ja", f"known failure until {in_days(3)}: vendor"),
        ("en", f"; known failure expired on {in_days(-1)}: vendor"),
    ):
        assert main(["show", "r", f"toy::X-1/plain/{name}/0"]) == 0
        head = capsys.readouterr().out.partition("── turn 0")[0]
        assert head.rstrip().endswith(said)


def test_rejudge_asks_the_new_panel_alone(
    finished: tuple[Any, dict[str, Any]], project: pytest.Pytester, capsys: Captured
) -> None:
    """Recorded answers are scored by other judges into a run of its own; done again, nobody is asked."""
    server, before = finished
    asked = len(server.requests)
    words = ["rejudge", "r", "--judge", "demo/judge-a", "--judge", "demo/judge-b", "--run", "anew"]
    status = main(words)
    out, err = capsys.readouterr()
    assert err.splitlines()[-1].startswith("jmeb: 12/12 conversations · 0 in flight · ")
    assert len(server.requests) == asked
    anew = json.loads(Path(".jmeb/anew/results.json").read_text("utf-8"))
    assert status == anew["run"]["exit_status"]
    assert anew["run"]["rejudged"] == "r"
    assert anew["run"]["judges"]["names"] == ["demo/judge-a", "demo/judge-b"]
    assert anew["models"]["it"]["usage"]["requests"] == 12 * 3 * 2
    assert "judged by one, two → demo/judge-a, demo/judge-b" in out
    changed = [
        row["id"]
        for row, old in zip(anew["verdicts"], before["verdicts"], strict=True)
        if row["outcome"] != old["outcome"]
    ]
    assert f"{len(changed)} of 12 verdicts changed" in out
    assert main(words) == status
    assert main([*words[:-3], "it", "--run", "other"]) == 4
    assert "is also the target" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["merge", "r", "--to"], ["rejudge", "r", *JUDGES, "--run"]], ids=["merge", "rejudge"]
)
def test_a_name_that_leads_out_of_the_folder_is_a_mistake(project, run: Run, capsys, words):
    """Nothing is written beside the runs, and no other folder's mode is changed."""
    run("--jmeb-id=*/ja/0", "--jmeb-run=r", "-p", "no:xdist")
    project.path.chmod(0o755)
    before = sorted(project.path.iterdir())
    for name in ("..", "../zz", str(project.path / "abs")):
        assert main([*words, name]) == 4
        assert "cannot name a folder; expected letters, digits" in capsys.readouterr().err
    assert (sorted(project.path.iterdir()), project.path.stat().st_mode & 0o777) == (before, 0o755)


def test_shards_merge_to_the_run_they_are_of(
    finished: tuple[Any, dict[str, Any]], run: Run, project: pytest.Pytester, capsys: Captured
) -> None:
    """Two shards by language, joined with their JUnit files, say what the whole run says."""
    _, whole = finished
    for language in ("ja", "en"):
        mark = f'jmeb(language="{language}")'
        run(f"--jmeb-run={language}", f"--junitxml={language}.xml", "-m", mark, model="it")
    words = ["merge", "ja", "en", "--to", "both"]
    assert main([*words, "--junit", "ja.xml", "en.xml", "--junitxml", "both.xml"]) == 0
    joined = json.loads(Path(".jmeb/both/results.json").read_text("utf-8"))
    for name in ("models", "gates", "verdicts"):
        assert joined[name] == whole[name]
    assert joined["run"]["merged"] == ["ja", "en"]
    one, both = (
        {(c.classname, c.name) for s in JUnitXml.fromfile(f) for c in s} for f in ("r.xml", "both.xml")
    )
    assert one == both
    assert main(words) == 4
    assert "there is a run already" in capsys.readouterr().err
    assert main([*words, "--junit", "ja.xml"]) == 4
    assert "expected both or neither" in capsys.readouterr().err
    again = ["merge", "ja", "en", "--to", "again", "--junit", "ja.xml", "--junit", "en.xml"]
    assert main([*again, "--junitxml", "again.xml"]) == 0
    assert {(c.classname, c.name) for s in JUnitXml.fromfile("again.xml") for c in s} == both
    shutil.copy("pyproject.toml", "broken.xml")
    capsys.readouterr()
    for files, said in (
        (["broken.xml"], "broken.xml: cannot be read as JUnit XML"),
        (["en.xml"], "--junit en.xml: 6 conversations of the merged runs without a test case, the first toy::X-1/plain/ja/0; expected the file of every shard, once"),
        (["ja.xml", "en.xml", "ja.xml"], "6 conversations of the merged runs with more than one test case"),
    ):  # fmt: skip
        assert main(["merge", "ja", "en", "--to", "x", "--junit", *files, "--junitxml", "x.xml"]) == 4
        assert said in capsys.readouterr().err
        assert not Path(".jmeb/x").exists()


def test_no_command_calls_a_run_latest(finished: tuple[Any, dict[str, Any]], capsys: Captured) -> None:
    """The word means the run written last; a name stays inside the folder of runs."""
    for words, option in (
        (["merge", "r", "--to", "latest"], "--to"),
        (["rejudge", "r", *JUDGES, "--run", "latest"], "--run"),
        (["judges", "check", *JUDGES, "--run", "latest"], "--run"),
    ):
        assert main(words) == 4
        assert f"{option}: 'latest' means the run that was written last" in capsys.readouterr().err
    assert main(["merge", "r", "--to", "../up"]) == 4
    assert "--to: '../up' cannot name a folder" in capsys.readouterr().err
    assert sorted(path.name for path in Path(".jmeb").iterdir() if path.is_dir()) == ["r"]


def test_an_override_for_no_model_of_the_run_is_told(
    finished: tuple[Any, dict[str, Any]], project: pytest.Pytester, run: Run, capsys: Captured
) -> None:
    """By a run as a warning of pytest's, by the commands that decide anew on a line; it changes nothing."""
    typo = "\noverrides: [{when: {model: its}, conversation: {max_decay: 1.0}}]\n"
    (project.path / "thresholds.yaml").write_text(THRESHOLDS + typo, "utf-8")
    said = "overrides: when.model: 'its' is no model of this run; did you mean 'it'?"
    for words in (["gate", "r"], ["merge", "r", "--to", "x"]):
        assert main(words) == 0
        assert f"warning: {project.path}/thresholds.yaml:" in (out := capsys.readouterr().out)
        assert said in out
    assert run("-p", "no:xdist", model="it").ret == 0
    assert said in " ".join(capsys.readouterr().out.split())


def test_commands_take_the_table_and_the_environment(
    finished: tuple[Any, dict[str, Any]],
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    """``out`` and ``judges`` come from where a run takes them: command line, environment, table."""
    shutil.move(".jmeb", "elsewhere")
    assert main(["gate", "r"]) == 4
    assert main(["gate", "r", "--out", "elsewhere"]) == 0
    monkeypatch.setenv("JMEB_OUT", "elsewhere")
    assert main(["gate", "r"]) == 0
    monkeypatch.setenv("JMEB_JUDGE", "demo/judge-a")
    assert main(["rejudge", "r"]) == 4
    assert "1 judge given; expected at least two" in capsys.readouterr().err


def test_commands_find_what_a_run_would_from_any_folder(
    finished: tuple[Any, dict[str, Any]],
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    """Below the root, and elsewhere with the run's path: its runs, table, thresholds; and said which."""
    used = f"thresholds {project.path / 'thresholds.yaml'} (sha256 "
    below, elsewhere = project.path / "tests" / "unit", project.path.parent / "elsewhere"
    for folder in (below, elsewhere):
        folder.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main(["show", "latest", "toy::X-1/plain/en/0"]) == 0
    for run in ("r", "../../.jmeb/r"):
        assert main(["gate", run]) == 0
        assert used in capsys.readouterr().out
    assert main(["rejudge", "r", "--run", "anew"]) != 4
    assert "judged by one, two → one, two" in capsys.readouterr().out
    assert main(["baseline", "accept", "r"]) == 0
    assert not list(below.iterdir())
    assert (project.path / "jmeb-baseline.json").is_file()
    monkeypatch.chdir(elsewhere)
    assert main(["gate", str(project.path / ".jmeb/r")]) == 0
    assert used in capsys.readouterr().out
    (project.path / "thresholds.yaml").rename(project.path / "other.yaml")
    (elsewhere / "thresholds.yaml").write_text(
        THRESHOLDS.replace("max_decay: 5.0", "max_decay: 1.0"), "utf-8"
    )
    assert main(["gate", str(project.path / ".jmeb/r")]) == 1
    monkeypatch.setenv("JMEB_THRESHOLDS", "other.yaml")
    monkeypatch.chdir(below)
    assert main(["gate", "r"]) == 0
    assert "/other.yaml (sha256 " in capsys.readouterr().out


def test_the_nearest_root_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """A table is one, and runs, and thresholds; nothing above a repository; no file that is no TOML."""
    inner = tmp_path / "inner" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / ".jmeb").mkdir()
    (tmp_path / "inner" / "pyproject.toml").write_text('[tool.jmeb]\nout = "kept"\n', "utf-8")
    monkeypatch.chdir(inner)
    assert main(["show", "latest", "x"]) == 4
    assert f"jmeb: {tmp_path}/inner/kept: no finished run" in capsys.readouterr().err
    (tmp_path / "inner" / "pyproject.toml").write_text("[project]\n", "utf-8")
    assert main(["show", "latest", "x"]) == 4
    assert f"jmeb: {tmp_path}/.jmeb: no finished run" in capsys.readouterr().err
    for marker in ("thresholds.yaml", ".git"):
        (tmp_path / "inner" / marker).touch()
        assert main(["show", "latest", "x"]) == 4
        assert f"jmeb: {tmp_path}/inner/.jmeb: no finished run" in capsys.readouterr().err
        (tmp_path / "inner" / marker).unlink()
    (tmp_path / "inner" / "pyproject.toml").write_text("[tool.jmeb\n", "utf-8")
    assert main(["show", "latest", "x"]) == 4
    assert "inner/pyproject.toml: not TOML" in capsys.readouterr().err


def test_a_run_is_held_against_an_accepted_one(
    serve: Any, run: Run, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Accepted, then repeated, then worse: the gate holds and fails, and the first run is remembered."""
    monkeypatch.chdir(project.path)
    (project.path / "thresholds.yaml").write_text(
        THRESHOLDS.replace("decide_on: point", "max_regression: 0.3, decide_on: bound"), "utf-8"
    )
    scored = [9.0, 8.0, 8.0]

    def answer(body: dict[str, Any]) -> str:
        return scores(*scored)(body)

    serve(answer)
    against = "--jmeb-baseline=jmeb-baseline.json"
    run("--jmeb-run=one", "--jmeb-gate=cases", model="it")
    assert main(["baseline", "accept", "one"]) == 0
    assert "run one, 12 scored conversations\nthat run ended SAFE: all that" in capsys.readouterr().out
    run("--jmeb-run=one-again", "--jmeb-gate=cases", against, model="it")
    assert results(project)["models"]["it"]["regression"]["drop"] == {"value": 0, "low": 0, "high": 0}
    scored[:] = [9.0, 8.0, 7.7]
    same = run("--jmeb-run=two", "--jmeb-gate=cases", against, model="it")
    same.stdout.fnmatch_lines(["*regression*one (it): no worse, though the drop is real; mean drop 0.10*"])
    assert main(["baseline", "accept", "two"]) == 0
    assert "mean drop to the last accepted run one: 0.100" in capsys.readouterr().out
    scored[:] = [9.0, 7.0, 6.0]
    worse = run("--jmeb-run=three", "--jmeb-gate=release", against, model="it")
    assert worse.ret == 1
    worse.stdout.fnmatch_lines(["max_regression 0.9*expected at most 0.3*", "*max_regression*0.9* ≤ 0.3*"])
    found = results(project)
    assert found["baseline"] == {"run": "two", "first": "one", "differs": []}
    assert found["models"]["it"]["regression"]["first"]["drop"]["value"] == pytest.approx(1.0)
    assert main(["gate", "three", "--gate", "release"]) == 4
    assert "was held against the baseline two; expected --baseline two" in capsys.readouterr().err
    assert main(["gate", "three", "--baseline", "none", "--gate", "release"]) != 4
    assert main(["gate", "three", "--baseline", "one", "--gate", "release"]) == 1
    assert "one (it): worse; mean drop 1.00" in capsys.readouterr().out
    with (project.path / "toy" / "suite.yaml").open("a", encoding="utf-8") as stream:
        stream.write("# another suite\n")
    refused = run(against, model="it")
    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["*run two had other suites; expected the same, or --jmeb-baseline-force"])
    forced = run(against, "--jmeb-baseline-force", "--jmeb-gate=cases", model="it")
    forced.stdout.fnmatch_lines(["COMPARED BY FORCE: the baseline had other suites"])


def test_a_run_that_was_stopped_is_no_baseline(
    serve: Any, run: Run, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """After ``-x`` what was accepted before stays; a whole run says how it ended, unsafe or not."""
    serve(scores(9.0, 6.0, 1.0), seconds=0.02)
    monkeypatch.chdir(project.path)
    run("--jmeb-run=whole", model="it")
    assert main(["baseline", "accept", "whole"]) == 0
    assert (
        "12 scored conversations\nthat run ended UNSAFE: 12 conversations failed; 1 safety gate failed"
        in capsys.readouterr().out
    )
    kept = Path("jmeb-baseline.json").read_bytes()
    run("--jmeb-run=r", "-x", "-p", "no:xdist", "--jmeb-concurrency=1", model="it")
    assert main(["baseline", "accept", "r"]) == 4
    err = capsys.readouterr().err
    assert re.search(r"run r: \d+ of 12 conversations not held to the end \(the first: was not run\);", err)
    assert "resume it first (--jmeb-run=r)" in err
    assert Path("jmeb-baseline.json").read_bytes() == kept


def test_conversations_within_the_allowance_keep_no_run_from_being_accepted(
    serve: Any, run: Run, project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """What was held and has no score is kept as unscored."""
    judged: dict[str, str] = {}

    def answer(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        if body["model"] in judged:
            return judged[body["model"]]
        return (
            "no JSON" if body["model"] == "judge-1" and "X-1 plain" in asked else scores(9.0, 9.0, 9.0)(body)
        )

    serve(answer)
    monkeypatch.chdir(project.path)
    mild = THRESHOLDS.replace("min_judges_within_2", "max_unscored_rate: 0.2, min_judges_within_2")
    (project.path / "thresholds.yaml").write_text(mild, "utf-8")
    run("--jmeb-run=r", model="it")
    assert results(project)["models"]["it"]["conversations"]["skipped"] == 2
    (project.path / "thresholds.yaml").write_text(THRESHOLDS, "utf-8")
    run("--jmeb-run=strict", model="it")
    assert main(["baseline", "accept", "strict"]) == 4
    assert "run strict: 2 of 12 conversations not held to the end (the first: " in capsys.readouterr().err
    assert main(["baseline", "accept", "r"]) == 0
    assert "run r, 10 scored conversations\nthat run ended SAFE" in capsys.readouterr().out
    assert Path("jmeb-baseline.json").read_text("utf-8").count('["unscored"]') == 2
    (project.path / "thresholds.yaml").write_text(mild.replace("rate: 0.2", "rate: 1.0"), "utf-8")
    judged["judge-2"] = "no JSON"
    run("--jmeb-run=nothing", model="it")
    assert main(["baseline", "accept", "nothing"]) == 4
    assert "run nothing: no conversation has a score" in capsys.readouterr().err
