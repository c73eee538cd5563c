"""The user's own tests share the run; other plugins do no harm."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from .conftest import Run, results, scores
from .servers import score

OWN = """
    import asyncio
    import pytest

    @pytest.mark.asyncio
    async def test_chat(jmeb_chat):
        reply = await jmeb_chat([{"role": "user", "content": "Hello"}])
        assert reply.text.startswith("An answer to: Hello")
        assert reply == await jmeb_chat([{"role": "user", "content": "Hello"}])

    def test_result(jmeb_result):
        result = jmeb_result("toy::X-1/plain/ja/0")
        assert result.verdict.outcome == "passed"
        assert [turn.value for turn in result.verdict.turns] == [9, 8, 7]
        assert len(result.transcript.turns) == len(result.scores) == 3
"""
ASYNC = ("-p", "asyncio", "-o", "asyncio_default_fixture_loop_scope=function")


def test_fixtures_ask_through_the_same_runner(project, serve, both):
    """Async tests on pytest-asyncio's own loop; what was asked before costs nothing."""
    server = serve(scores(9, 8, 7))
    project.makepyfile(test_own=OWN)
    args = (
        "--jmeb-model=it",
        "--jmeb-suite=toy",
        "test_own.py",
        "-p",
        "no:randomly",
        "-p",
        "no:hypothesispytest",
    )
    result = project.runpytest_subprocess(*args, *both, "-o", "asyncio_default_fixture_loop_scope=function")
    result.assert_outcomes(passed=12 + 3 + 2)
    assert len(server.asked("target")) == 36 + 1


def test_suite_none_runs_only_the_users_tests(project, serve, both):
    """With the fixtures, which may run any conversation of no suite: there is none."""
    server = serve(scores(9, 8, 7))
    project.makepyfile(
        test_own="""
        def test_none(jmeb_chat):
            import asyncio
            assert asyncio.run(jmeb_chat([{"role": "user", "content": "Hello"}])).text
    """
    )
    result = project.runpytest_subprocess(
        "--jmeb-model=it", "--jmeb-suite=none", "test_own.py", "-p", "no:randomly", *both
    )
    result.assert_outcomes(passed=1)
    assert len(server.requests) == 1


def test_fixtures_run_what_was_not_selected(project, serve):
    """A deselected conversation is held when a test asks for its result."""
    serve(scores(9, 8, 7))
    project.makepyfile(test_own=OWN)
    args = ("--jmeb-model=it", "--jmeb-suite=toy", "test_own.py", "-k", "test_result", "-p", "no:randomly")
    project.runpytest_subprocess(*args, "-o", "asyncio_default_fixture_loop_scope=function").assert_outcomes(
        passed=1
    )


@pytest.mark.parametrize("drawn", ["--jmeb-total=2", "--jmeb-id=toy::Y-1/*"])
def test_fixtures_run_what_was_not_drawn(project, serve, both, drawn):
    """The README's own example holds in a sampled run."""
    server = serve(scores(9, 8, 7))
    project.makepyfile(
        test_own="""
        import pytest
        @pytest.mark.parametrize("strategy", ["plain", "story"])
        def test_result(jmeb_result, strategy):
            assert jmeb_result(f"toy::X-2/{strategy}/en/0").verdict.outcome == "passed"
        def test_unknown(jmeb_result):
            with pytest.raises(Exception, match="no conversation 'toy::X-2/plan/en/0' in this run's suites"):
                jmeb_result("toy::X-2/plan/en/0")
    """
    )
    args = ("--jmeb-model=it", "--jmeb-suite=toy", "test_own.py", "-p", "no:randomly", "--jmeb-gate=cases")
    assert project.runpytest_subprocess(*args, drawn, *both).ret == 0
    asked = {str(body["messages"][0]["content"]) for body in server.asked("target")}
    assert any("X-2 plain" in text for text in asked)


def test_what_a_fixture_ran_is_no_part_of_the_results(project, serve, both):
    """It is judged for that test alone: neither results.json nor `jmeb gate` counts it; nothing is asked twice."""
    server = serve(scores(1, 1, 1))
    project.makepyfile(
        test_own="""
        def test_result(jmeb_result):
            assert jmeb_result("toy::X-1/plain/ja/0").verdict.outcome == "failed"
    """
    )
    own = ("--jmeb-model=it", "--jmeb-suite=toy", "test_own.py", "--jmeb-run=r", "-p", "no:randomly")
    args = (*own, "--jmeb-gate=cases", "-k", "test_result or X-2", *both)
    for _ in range(2):
        assert project.runpytest_subprocess(*args).ret == 1
        found = results(project)
        assert sorted(row["id"] for row in found["verdicts"]) == sorted(
            f"toy::X-2/{strategy}/{language}/0"
            for strategy in ("plain", "story")
            for language in ("en", "ja")
        )
    assert len(server.asked("target")) == 5 * 3
    with contextlib.closing(sqlite3.connect(project.path / ".jmeb" / "r" / "journal.sqlite")) as journal:
        assert journal.execute("select count(*) from records").fetchone() == (4,)


def test_fixtures_skip_without_a_model(project):
    """The user's suite still runs where no model is named."""
    project.makepyfile(test_own="def test_result(jmeb_result): raise AssertionError")
    project.runpytest_subprocess("-p", "no:randomly").assert_outcomes(skipped=1)


def test_a_timeout_plugin_does_not_count_the_queue(run: Run, serve, both):
    """Waiting for a place is not hanging."""
    serve(scores(9, 8, 7), seconds=0.2)
    result = run(*both, "--timeout=1", "--jmeb-concurrency=4", model="it")
    result.assert_outcomes(passed=15)


def test_a_rerun_turns_no_verdict(run: Run, serve, both):
    """pytest-rerunfailures gets the same answer; nothing is asked again."""
    server = serve(lambda body: score(1) if body["model"].startswith("judge") else "x")
    result = run(*both, "--reruns=2", "--jmeb-gate=cases", model="it")
    assert result.ret == 1
    result.assert_outcomes(failed=12)
    assert len(server.requests) == 12 * 9


def test_a_shuffled_order_changes_nothing(project, serve, both):
    """pytest-randomly reseeds and shuffles; verdicts and requests stay."""
    server = serve(scores(9, 8, 7))
    args = ("--jmeb-model=it", "--jmeb-suite=toy", "-p", "randomly", "-p", "no:asyncio", *both)
    project.runpytest_subprocess(*args).assert_outcomes(passed=15)
    assert len(server.requests) == 12 * 9


@pytest.mark.parametrize("name", ["steadfast", "eroding", "overcautious", "flaky"])
def test_every_persona_ends_with_every_conversation_scored(run: Run, project, name, both):
    """429, 500, broken JSON, dropped and slow answers included."""
    result = run(*both, "--jmeb-gate=release", model=f"demo/{name}")
    result.stdout.fnmatch_lines([f"demo/{name} · 12 conversations: *"])
    assert results(project)["models"][f"demo/{name}"]["conversations"]["unscored"] == 0
