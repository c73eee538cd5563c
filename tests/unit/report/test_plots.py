"""The laws of `jmeb_plugin.report.plots` and `jmeb_plugin.report.svg`."""

from __future__ import annotations

import itertools
import logging
import re
import warnings
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.report.plots import LEAST, Points, figures, label_places, points_of, quartiles, size_of
from jmeb_plugin.report.svg import COLOURS
from jmeb_plugin.stats import quartiles as by_numpy
from tests.unit.builders import make_suite, panel, record
from tests.unit.report.pages import measured, mixed


def eroding(count: int) -> Points:
    """The points of a model that gives way, in both languages."""
    return points_of(measured(make_suite(count), lambda case: record((9.0, 8.0), 6.0, 1.0 if case.conversation.language == "ja" else 3.0)))  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """The figures of 40 conversations."""
    return figures(eroding(20), ["judge-a", "$judge_b$"], "m0")


def test_each_figure_is_small_and_styled_by_the_page(drawn: dict[str, str]) -> None:
    """No style of its own (the page's policy forbids it), no colour but the page's, no id twice."""
    assert list(drawn) == ["course", "turns", "decay", "judges"]
    ids: list[str] = []
    for svg in drawn.values():
        root = ET.fromstring(svg)
        assert root.tag == "svg"
        assert len(svg) < 15_000
        assert not re.search(r"style|#0000|<script|<metadata|href=\"(?!#m0-)", svg)
        fills = {node.get("fill") for node in root.iter()} | {node.get("stroke") for node in root.iter()}
        assert fills <= {None, "none"}
        ids += [node.get("id", "") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("m0-") for name in ids)


def test_texts_of_figures_are_in_both_languages(drawn: dict[str, str]) -> None:
    """And a judge's name is itself, even one that looks like mathematics."""
    assert 'data-ja="ターン 0">turn 0<' in drawn["turns"]
    assert 'data-ja="日本語">Japanese<' in drawn["course"]
    assert ">$judge_b$<" in drawn["judges"]
    assert "@" not in "".join(drawn.values())


def test_equal_scores_give_equal_bytes(drawn: dict[str, str]) -> None:
    """Whoever draws, and whatever their matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 20, "axes.grid": False, "svg.fonttype": "path"}):
        assert figures(eroding(20), ["judge-a", "$judge_b$"], "m0") == drawn


def test_few_conversations_have_no_figures() -> None:
    """What the list shows better is not drawn."""
    assert figures(eroding(LEAST // 2 - 1), ["a", "b"], "m0") == {}
    assert figures(points_of(measured(make_suite(4), lambda case: None)), [], "m0") == {}


def test_one_judge_alone_is_not_drawn_against_another() -> None:
    """A conversation whose second judge gave nothing has no point, and is in no other figure."""
    found = points_of(
        measured(make_suite(20), lambda case: record(panel(9.0, None), panel(9.0, 8.0), panel(9.0, 8.0)))
    )
    assert len(found.pairs) == 80
    assert found.decays == ()


def test_names_of_judges_cannot_break_a_figure() -> None:
    """Control signs, markup and half characters are shown, whatever a name is made of."""
    svg = figures(eroding(20), ["\x00</text><script>\ud800", "x" * 99], "m0")["judges"]
    root = ET.fromstring(svg)
    texts = [node.text for node in root.iter("text")]
    assert "\\x00</text><script>\ufffd" in texts
    assert f"…{'x' * 33}" in texts


def test_drawing_says_nothing_and_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A signature without a glyph, a cache folder that cannot be written: not the user's business."""
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        figures(eroding(20), ["評価者", "b"], "m0")
    assert not [row for row in caplog.records if row.levelno >= logging.WARNING]


def test_turns_that_only_some_conversations_have_are_drawn() -> None:
    """Suites of different length in one run: each turn of those that have it."""
    judged = measured(make_suite(20), mixed)
    found = points_of(judged)
    longer = Points((*found.turns, (4.0,)), found.languages, found.decays, found.pairs)
    assert "turn 3" in figures(longer, ["a", "b"], "m0")["turns"]


@given(st.lists(st.floats(1, 10), min_size=1, max_size=30))
def test_quartiles_are_those_of_the_statistics(values: list[float]) -> None:
    """Drawn and reported numbers are the same."""
    assert quartiles(values) == pytest.approx(by_numpy(values))


@given(st.lists(st.floats(1, 10), min_size=1, max_size=4))
def test_labels_do_not_cover_each_other(means: list[float]) -> None:
    """Each stands at its line or below it, three quarters of a point from the next."""
    places = [height for _, height in label_places([[mean] for mean in means])]
    assert sorted(index for index, _ in label_places([[mean] for mean in means])) == list(range(len(means)))
    assert all(upper - lower >= 0.75 - 1e-9 for upper, lower in itertools.pairwise(places))


def test_points_grow_with_what_they_stand_for() -> None:
    """In a few sizes, none of them invisible."""
    sizes = [size_of(share / 100) for share in range(1, 101)]
    assert sizes == sorted(sizes)
    assert sizes[0] >= 2
    assert len(set(sizes)) <= 6


def test_every_colour_has_a_rule_in_the_style() -> None:
    """A class that the style does not know would be black in the dark."""
    from jmeb_plugin.report.bilingual import PAGE

    style = (PAGE / "page.css").read_text("utf-8")
    assert not [name for name in COLOURS if f".fill-{name} " not in style]
