"""Which conversations run, and under which names."""

from __future__ import annotations

import pytest

from .conftest import QUIET, Run, results, scores


def ids(result: pytest.RunResult) -> list[str]:
    """The ids that ``--co -q`` printed."""
    return [line for line in result.outlines if line.startswith("toy::")]


def test_without_a_model_nothing_of_ours_is_collected(project):
    """The plugin is silent until a model is named."""
    project.makepyfile(test_own="def test_own(): pass")
    result = project.runpytest_subprocess("-q")
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    assert not project.path.joinpath(".jmeb").exists()


def test_an_option_of_ours_without_a_model_is_a_mistake(project):
    """A forgotten --jmeb-model must not pass as a green run."""
    result = project.runpytest_subprocess("--jmeb-sample=1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: --jmeb-sample is given but no model; expected --jmeb-model NAME as well"]
    )


def test_without_a_path_only_the_suite_runs(run: Run, way, project):
    """Whatever testpaths says, and wherever tests lie."""
    project.makepyfile(test_own="def test_own(): assert False")
    project.path.joinpath("pytest.ini").write_text("[pytest]\ntestpaths = .\n")
    result = run(*way)
    result.assert_outcomes(passed=15)


@pytest.mark.parametrize("place", ["command line", "addopts", "PYTEST_ADDOPTS", "ini"])
def test_the_suite_runs_beside_paths_from_anywhere(run: Run, way, project, monkeypatch, place):
    """The gate is never switched off by a path that stands somewhere."""
    project.makepyfile(test_own="def test_own(): pass")
    args = ("test_own.py",) if place == "command line" else ()
    if place == "addopts":
        project.path.joinpath("pytest.ini").write_text("[pytest]\naddopts = test_own.py\n")
    if place == "PYTEST_ADDOPTS":
        monkeypatch.setenv("PYTEST_ADDOPTS", "test_own.py")
    if place == "ini":
        project.path.joinpath("pytest.ini").write_text(
            "[pytest]\njmeb_model = demo\ntestpaths = test_own.py\n"
        )
    result = run(*way, *args)
    result.assert_outcomes(passed=15 if place == "ini" else 16)


def test_a_venv_inside_the_repository_hides_nothing(project):
    """``pytest .`` ignores virtual environments; the suite that is installed in one runs all the same."""
    result = project.runpytest_subprocess(
        ".", "--jmeb-model=demo", "--jmeb-total=2", "--jmeb-gate=cases", "-p", "no:randomly"
    )
    result.assert_outcomes(passed=2)


def test_a_folder_named_like_the_suite_hides_nothing(run: Run, project):
    """``toy::…`` means the suite although a folder ``toy`` lies there."""
    assert project.path.joinpath("toy").is_dir()
    result = run("toy::X-1/plain/ja/0", "--co", "-q")
    assert ids(result) == ["toy::X-1/plain/ja/0"]


@pytest.mark.parametrize(
    "typed", ["toy::X-1/plain/ja/0", "../toy::X-1/plain/ja/0", "some/where/toy::X-1/plain/ja/0"]
)
def test_an_id_selects_its_conversation_from_any_folder(run: Run, typed):
    """Pytest prints ids relative to where it runs; whatever it printed selects again."""
    assert ids(run(typed, "--co", "-q")) == ["toy::X-1/plain/ja/0"]


def test_a_part_of_an_id_selects_all_below_it(run: Run):
    """Up to a slash, as with folders."""
    assert len(ids(run("toy::X-1", "--co", "-q"))) == 4
    assert len(ids(run("toy::X-1/story", "--co", "-q"))) == 2


def test_an_unknown_id_is_a_mistake_with_the_closest_match(run: Run, way):
    """Found on the controller before a worker starts."""
    result = run(*way, "toy::X-1/plain/ja/7")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "ERROR: no conversation 'toy::X-1/plain/ja/7' among the 12 selected; did you mean 'toy::X-1/plain/ja/0'?"
        ]
    )


def test_an_id_without_model_and_repeat_means_all_of_them(run: Run, project):
    """With several models and repeats the id grows; the short one covers them."""
    args = ("--jmeb-model=demo/eroding", "--jmeb-repeats=2", "--co", "-q")
    found = ids(run(*args, "toy::X-1/plain/ja/0"))
    assert found == [
        f"toy::X-1/plain/ja/0/{model}/r{repeat}"
        for model in ("demo-steadfast", "demo-eroding")
        for repeat in (0, 1)
    ]
    assert len(ids(run(*args, "--jmeb-id=toy::X-1/plain/ja/0"))) == 4
    assert len(ids(run(*args, "--jmeb-id=*demo-eroding/r1"))) == 12


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ('jmeb(language="ja")', 6),
        ('jmeb(language="ja", principle="x-principle")', 4),
        ('jmeb(guideline="X-1") and not jmeb(strategy="story")', 2),
        ("not jmeb", 0),
    ],
)
def test_the_mark_is_exact(run: Run, expression, count):
    """Every item carries language, principle, guideline and strategy."""
    assert len(ids(run("--co", "-q", "-m", expression))) == count


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ('jmeb(language="jp")', "-m: jmeb(language='jp'): unknown language (there is: en, ja)"),
        ('jmeb(langauge="ja")', "-m: jmeb(langauge=…): unknown facet; did you mean 'language'?"),
        ('jmeb(strategy="stroy")', "-m: jmeb(strategy='stroy'): unknown strategy; did you mean 'story'?"),
    ],
)
def test_an_unknown_value_in_a_mark_is_a_mistake(run: Run, way, expression, message):
    """It would select nothing, and a gate that selects nothing is silent."""
    result = run(*way, "-m", expression)
    assert result.ret == 4
    assert f"ERROR: {message}" in result.stderr.str()


def test_pytests_own_selection_works(run: Run):
    """-k, --deselect and --co as for any item."""
    assert len(ids(run("--co", "-q", "-k", "X-1 and ja"))) == 2
    assert len(ids(run("--co", "-q", "--deselect", "toy::X-1"))) == 8


def test_lf_runs_what_failed(run: Run, way, serve):
    """The ids in pytest's cache are the ids of the items, gates left out."""
    serve(scores(9, 5, 1))
    first = run(*way, "--jmeb-gate=cases", "--jmeb-id=*X-1*", model="it")
    first.assert_outcomes(failed=4)
    again = run(*way, "--lf", model="it")
    again.assert_outcomes(failed=4, skipped=3)


def test_collecting_leaves_nothing_behind(run: Run, way, project):
    """--co asks nothing, makes no run and starts no server."""
    result = run(*way, "--co")
    assert result.ret == 0
    assert not project.path.joinpath(".jmeb").exists()


HEAVY = ("openai", "anthropic", "scipy", "numpy", "matplotlib", "pandas", "jinja2", "aiohttp")


@pytest.mark.parametrize(
    ("args", "heavy"),
    [(("--co", "-q", "-p", "no:xdist"), HEAVY), (("-n2", "-q"), (*HEAVY, "orjson"))],
    ids=["collecting", "worker"],
)
def test_collecting_and_waiting_import_nothing_heavy(project, args, heavy):
    """Sixteen workers start on two cores: what they import decides."""
    project.makeconftest(
        f"""
        import sys
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput") or session.config.option.collectonly:
                found = sorted(set({heavy!r}) & set(sys.modules))
                open("heavy.txt", "a").write(" ".join(found) + ";")
        """
    )
    ours = ("--jmeb-model=demo", "--jmeb-suite=toy")
    assert project.runpytest_subprocess(*QUIET, *ours, *args, timeout=90).ret == 0
    assert set(project.path.joinpath("heavy.txt").read_text()) == {";"}


def test_several_suites_run_side_by_side(run: Run, project):
    """--jmeb-suite may be repeated; one of the two is bundled."""
    result = run("--jmeb-suite=jmeb", "--jmeb-total=2", "--jmeb-gate=cases")
    result.assert_outcomes(passed=4)
    assert [suite["name"] for suite in results(project)["run"]["suites"]] == ["toy", "jmeb"]


def test_dist_each_is_refused(run: Run):
    """It would hold every conversation once per worker."""
    result = run("-n2", "--dist", "each")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --dist each *"])


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_every_other_distribution_works(run: Run, dist):
    """Each conversation is reported once."""
    run("-n2", "--dist", dist).assert_outcomes(passed=15)
