"""The laws of the commands that work on finished runs: the target is not asked again."""

from __future__ import annotations

import datetime as dt
import json
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
    assert "UNSAFE: 12 conversations and 0 safety gates failed" in out
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
        assert "1 of 12 conversations were not held" in capsys.readouterr().err
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
    shutil.copy("pyproject.toml", "broken.xml")
    assert main(["merge", "ja", "--to", "x", "--junit", "broken.xml", "--junitxml", "x.xml"]) == 4
    assert "broken.xml: cannot be read as JUnit XML" in capsys.readouterr().err


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
    assert "run one, 12 scored conversations" in capsys.readouterr().out
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
