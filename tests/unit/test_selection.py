"""The laws of `jmeb_plugin.selection`: which cases a run has, and what thresholds may say of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from jmeb_plugin.errors import SettingsError, ThresholdsError
from jmeb_plugin.selection import Wish, check_against, load_suites, marked, select
from jmeb_plugin.suite import Suite
from jmeb_plugin.thresholds import KnownFailure, Override, Thresholds
from tests.unit.builders import TODAY, cases_of, make_suite, make_thresholds, write_suite

NOTHING = make_thresholds()


def ids(wish: Wish, *suites: Suite) -> list[str]:
    """The ids that a wish selects."""
    return [case.id for case in select(wish, suites or (make_suite(),), NOTHING).cases]


def waive(pattern: str, until: dt.date = TODAY, line: int = 7) -> KnownFailure:
    """A waiver."""
    return KnownFailure(pattern, until, "r", line)


# -- suites ------------------------------------------------------------------------------------------------


def test_suites_are_loaded_in_their_order(tmp_path: Path) -> None:
    """A bundled name and a path stand side by side; ``none`` alone is no suite."""
    write_suite(tmp_path)
    found = load_suites(Wish([(".", tmp_path), ("jmeb", tmp_path)], ["m"]))
    assert [suite.name for suite in found] == ["toy", "jmeb"]
    assert load_suites(Wish([("none", tmp_path)], ["m"])) == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["none", "jmeb"], "--jmeb-suite none: expected it alone, without another suite"),
        (["jmeb", "jmeb"], "--jmeb-suite: two suites are named 'jmeb'; expected different names"),
    ],
)
def test_suites_that_cannot_stand_together_are_refused(names: list[str], message: str) -> None:
    """No suite beside another, and two of one name, are refused."""
    with pytest.raises(SettingsError, match=f"^{message}$"):
        load_suites(Wish([(name, Path()) for name in names], ["m"]))


# -- selecting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "count", "partial"),
    [
        (Wish([], ["m"]), 8, ""),
        (Wish([], ["m"], ids=["toy::G-0/*"]), 4, "--jmeb-id"),
        (Wish([], ["m"], ids=["*/en/0", "*/ja/0"]), 4, "--jmeb-id"),
        (Wish([], ["m"], typed=["toy::G-0"]), 4, "ids on the command line"),
        (Wish([], ["m"], typed=["toy::G-0/s-0/en/0", "toy::G-1/s-0/"]), 5, "ids on the command line"),
        (Wish([], ["m"], ids=["*/en/*"], typed=["toy::G-0"]), 2, "--jmeb-id"),
        (Wish([], ["m"], sample=1), 4, ""),
        (Wish([], ["m"], total=2), 2, ""),
        (Wish([], ["m", "n"], total=2, repeats=3), 12, ""),
    ],
)
def test_a_wish_selects(wish: Wish, count: int, partial: str) -> None:
    """Globs and typed ids pick single conversations, which makes gates partial; samples do not."""
    found = select(wish, (make_suite(per_cell=2),), NOTHING)
    assert (len(found.cases), found.partial) == (count, partial)


def test_each_suite_is_sampled() -> None:
    """A sample is drawn from every suite."""
    one, two = make_suite(name="one"), make_suite(4, name="two")
    assert len(ids(Wish([], ["m"], total=2), one, two)) == 4


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish([], ["m"], ids=["toy::G-0"]), r"no conversation 'toy::G-0' among the 4 selected"),
        (Wish([], ["m"], ids=["toy::G-0/s-0/en/1"]), r"did you mean 'toy::G-0/s-0/en/0'\?"),
        (Wish([], ["m"], typed=["toy::G-0/*"]), r"no conversation 'toy::G-0/\*'"),
        (Wish([], ["m"], typed=["toy::G"]), r"no conversation 'toy::G'"),
        (Wish([], ["m"], ids=["*/en/*"], typed=["toy::G-0/s-0/ja"]), r"^--jmeb-id and the ids on the command line have no"),
        (Wish([], ["a/b", "a b"]), r"--jmeb-model: 'a/b' and 'a b' give the same id; expected different names"),
    ],
)  # fmt: skip
def test_what_selects_nothing_is_refused(wish: Wish, message: str) -> None:
    """A glob or an id that means no conversation is a mistake, with the closest; so are equal labels."""
    with pytest.raises(SettingsError, match=message):
        ids(wish)


# -- marks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("", 4),
        ("jmeb", 4),
        ("not jmeb", 0),
        ("other", 0),
        ("jmeb(language='ja')", 2),
        ("jmeb(language='ja', principle='p-1')", 1),
        ("jmeb(guideline='G-0') or jmeb(strategy='s-0') and jmeb(language='en')", 3),
        ("not jmeb(language='ja')", 2),
        ("(", 0),
    ],
)
def test_mark_expressions_select_exactly(expression: str, count: int) -> None:
    """``-m`` selects by facet, with and, or and not; what is no expression selects nothing."""
    assert len(marked(expression, cases_of(make_suite()))) == count


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("jmeb(lang='ja')", r"-m: jmeb\(lang=…\): unknown facet; did you mean 'language'\?"),
        ("jmeb(guideline='G-7')", r"-m: jmeb\(guideline='G-7'\): unknown guideline; did you mean 'G-[01]'\?"),
        ("not jmeb(language=3)", r"-m: jmeb\(language=3\): unknown language"),
    ],
)
def test_unknown_marks_are_refused(expression: str, message: str) -> None:
    """A facet or value that no suite has is a mistake, not an empty selection."""
    with pytest.raises(SettingsError, match=message):
        marked(expression, cases_of(make_suite()))


# -- thresholds against cases ------------------------------------------------------------------------------


def test_a_waiver_for_nobody_is_a_warning() -> None:
    """A known failure that matches no conversation of the suites warns; one not selected does not."""
    suite = make_suite(20)
    found = make_thresholds(known=[waive("toy::G-77/*", line=9), waive("toy::G-1/s-0/en/0")])
    expected = ["thresholds.yaml:9: known failure 'toy::G-77/*' matches no conversation of this run"]
    assert check_against(found, cases_of(suite), TODAY) == expected
    assert check_against(found, cases_of(suite)[:1], TODAY) == expected
    assert select(Wish([], ["m"]), (suite,), found).warnings == tuple(expected)


@pytest.mark.parametrize(("days", "refused"), [(366, False), (367, True)])
def test_a_waiver_reaches_366_days(days: int, refused: bool) -> None:
    """A waiver may reach 366 days ahead and no further."""
    found = make_thresholds(known=[waive("toy::G-0/s-0/en/0", TODAY + dt.timedelta(days))])
    cases = cases_of(make_suite(20))
    if not refused:
        assert check_against(found, cases, TODAY) == []
        return
    with pytest.raises(
        ThresholdsError, match=r"^thresholds.yaml:7: until 2028-01-17: more than 366 days ahead$"
    ):
        check_against(found, cases, TODAY)


@pytest.mark.parametrize(
    ("patterns", "until", "covered"),
    [
        (["toy::G-0/*"], TODAY, 0),
        (["toy::G-0/*", "toy::G-1/s-0/en/0"], TODAY, 3),
        (["toy::G-0/*", "toy::G-0/s-0/en/0"], TODAY, 0),
        (["*/en/*"], TODAY, 20),
        (["*/en/*/b/r1"], TODAY, 20),
        (["*/en/*"], TODAY - dt.timedelta(1), 0),
    ],
)
def test_at_most_a_twentieth_is_waived(patterns: list[str], until: dt.date, covered: int) -> None:
    """Waivers that still hold cover 5 % of the suites' conversations at most, for whatever model or repeat."""
    found = make_thresholds(known=[waive(pattern, until) for pattern in patterns])
    cases = cases_of(make_suite(20), ["a", "b"], 2)
    if not covered:
        assert check_against(found, cases, TODAY) == []
        return
    with pytest.raises(
        ThresholdsError, match=f"thresholds.yaml:7: known_failures cover {covered} of 40 conv.*at most 5%"
    ):
        check_against(found, cases, TODAY)


def test_the_twentieth_is_of_the_suite_not_of_the_selection() -> None:
    """One known failure may be run alone, and a small sample does not make a broad waiver narrow."""
    cases = cases_of(make_suite(20))
    one = [case for case in cases if case.id == "toy::G-0/s-0/en/0"]
    assert check_against(make_thresholds(known=[waive("toy::G-0/s-0/en/0")]), one, TODAY) == []
    with pytest.raises(ThresholdsError, match="cover 20 of 40"):
        check_against(make_thresholds(known=[waive("*/en/*")]), one, TODAY)


def test_a_part_of_the_suite_is_held_against_the_whole() -> None:
    """Read back from a run: an id counts as one of the suite, a pattern by its share of what is there."""
    suite = make_suite(20)
    part = replace(suite, conversations=suite.conversations[:10])
    cases = [replace(case, suite=part) for case in cases_of(part)]
    one = make_thresholds(known=[waive(cases[0].id)])
    assert check_against(one, cases, TODAY, 40) == []
    with pytest.raises(ThresholdsError, match="cover 1 of 10"):
        check_against(one, cases, TODAY)
    with pytest.raises(ThresholdsError, match="cover 1 of 10"):
        check_against(make_thresholds(known=[waive(f"{cases[0].id}*")]), cases, TODAY, 40)


def override(**when: str) -> Thresholds:
    """Thresholds with one override, in line 4."""
    return make_thresholds(overrides=[Override(when, {"max_decay": 6.0}, {}, 4)])


@pytest.mark.parametrize("facet", ["language", "principle", "guideline", "strategy"])
def test_an_override_for_nobody_is_refused(facet: str) -> None:
    """An override names what the suites have, except models: one file serves many pipelines."""
    cases = cases_of(make_suite())
    message = f"^thresholds.yaml:4: overrides: when.{facet}: 'nope' is unknown"
    with pytest.raises(ThresholdsError, match=message):
        check_against(override(**{facet: "nope"}), cases, TODAY)
    assert check_against(override(model="m", language="en"), cases, TODAY) == []
    assert check_against(override(language="nope"), [], TODAY) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("my-endpoit", "; did you mean 'my-endpoint'?"),
        ("my-endpoint", None),
        ("qwen", " (there is: my-endpoint)"),
    ],
)
def test_an_override_for_no_model_of_the_run_is_a_warning(name: str, hint: str | None) -> None:
    """It may be another pipeline's, or a slip of the pen; either way it changes nothing here."""
    cases = [replace(case, model="my-endpoint") for case in cases_of(make_suite())]
    line = f"thresholds.yaml:4: overrides: when.model: {name!r} is no model of this run{hint}"
    assert check_against(override(model=name), cases, TODAY) == ([line] if hint else [])
    twice = make_thresholds(overrides=[*override(model=name).overrides, *override(model=name).overrides])
    assert check_against(twice, cases, TODAY) == ([line] if hint else [])
    assert check_against(override(model=name), [], TODAY) == []
