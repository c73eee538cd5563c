"""The laws of compare.html and its figures: one page, both languages, nothing that was not measured."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from jmeb_plugin.report.as_html import sha256
from jmeb_plugin.report.bilingual import sentence
from jmeb_plugin.report.compare_html import CAPTIONS, DASHED, html_text, named, typed
from jmeb_plugin.report.compare_plots import columns_of, figures, stars
from jmeb_plugin.report.compare_scatter import box, clear
from jmeb_plugin.report.compare_tables import tables
from jmeb_plugin.report.compare_text import headline
from jmeb_plugin.suite import bundled, load_suite
from tests.unit.compared import HELPFUL, TWO, accuracy, make_comparison, make_results, steady

EVERY = ["courses", "turns", "strategies", "languages", "pairs", "scaling", "helpfulness"]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A comparison with something in every figure."""
    helpful = {**HELPFUL, "c": {"languages": {"en": accuracy(0.4)}}}
    models = {**TWO, "c": (steady, {"category": "general", "size": 0.5, "family": "C"})}
    return make_comparison(make_results(models), helpful=helpful)


@pytest.fixture(scope="module")
def page(found: dict[str, Any]) -> str:
    """Its page, the paper's figures laid beside."""
    return html_text(found, paper=True)


def test_every_figure_is_styled_by_the_page(found: dict[str, Any]) -> None:
    """No style, no colour and no id but the page's; the paper's models are labelled as another suite's."""
    drawn = figures(found, paper=True)
    assert list(drawn) == EVERY
    ids: list[str] = []
    for svg in drawn.values():
        root = ET.fromstring(svg)
        assert not re.search(r"style=|#0000|<script|<metadata", svg)
        assert {node.get("fill") for node in root.iter()} | {node.get("stroke") for node in root.iter()} <= {
            None,
            "none",
        }
        ids += [node.get("id", "") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert "@" not in "".join(drawn.values())
    for name in ("scaling", "helpfulness"):
        assert 'data-ja="論文（別の会話集）">paper (another suite)<' in drawn[name]
    plain = figures(found, paper=False)
    assert not any(">paper (another suite)<" in svg for svg in plain.values())
    assert plain == figures(found, paper=False)


def test_only_what_was_measured_is_drawn() -> None:
    """Without sizes, accuracies, a second language, strategy or group there is nothing to draw of them."""
    one = make_comparison(make_results({"a": (steady, {})}), helpful={})
    assert list(figures(one, paper=True)) == ["courses", "turns", "strategies", "languages"]
    nothing = make_comparison(make_results({"a": (lambda case: None, {})}), helpful={})
    assert figures(nothing, paper=True) == {}
    assert "<svg" not in html_text(nothing, paper=True)


def test_the_page_is_whole_and_allows_nothing_but_itself(page: str) -> None:
    """No address in it but the paper's number, script and style by their hashes, each table and figure once."""
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\((?!#)""", page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert f"&#39;{sha256(style)}&#39;" in policy
    assert f"&#39;{sha256(script)}&#39;" in policy
    assert page.count("<svg") == len(EVERY)
    assert page.count('<table class="compared">') == 7
    assert "None" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_everything_of_ours_is_said_in_both_languages(found: dict[str, Any]) -> None:
    """Titles, heads, notes, captions and remarks; names are names."""
    ours = [headline(found), *CAPTIONS.values(), *DASHED.values(), "Comparison"]
    for by in ("category", "base", "family"):
        for table in tables({**found, "by": by}, paper=True):
            ours += [table.title, *table.head, *table.notes]
    same = {"n", "U", "p", "Cohen's d"}
    assert {text for text in ours if sentence(text).ja == text} == same
    two = make_comparison(make_results(TWO))
    assert all(sentence(note).ja != note for table in tables(two, paper=True) for note in table.notes)
    note = load_suite(bundled("jmeb")).note
    for remark in (f"suite jmeb 0.1.0: {note}", "a: 3 conversations have no score and are left out"):
        assert sentence(remark).ja != remark
    assert named("strategies", "temporal-override").ja != "temporal-override"
    assert named("strategies", "all seven").ja == "7 手法すべて"
    assert typed("-0.5 [-1.0, 2.0] a-1 1-2") == "−0.5 [−1.0, 2.0] a-1 1-2"


def test_a_forced_comparison_says_so_before_anything_else() -> None:
    """And a name is never markup."""
    forced = make_comparison(
        make_results({"<b>a</b>": (steady, {})}), helpful={}, forced=("run r2 had other judges than run r1",)
    )
    page = html_text(forced, paper=False)
    assert page.index("FORCED: run r2 had other judges than run r1") < page.index("<table")
    assert "<b>a</b>" not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page


def test_panels_stars_and_labels() -> None:
    """Rows of panels are evenly filled, stars go by the levels of papers, labels keep off each other."""
    assert [columns_of(count) for count in (1, 5, 6, 7, 12, 13, 22)] == [1, 5, 6, 4, 6, 5, 6]
    assert [stars(p) for p in (None, 0.05, 0.049, 0.009, 0.0009)] == ["", "", " *", " **", " ***"]
    place = box((0.5, 0.5, "left"), 0.2, 0.1)
    assert place == pytest.approx((0.5, 0.45, 0.7, 0.55))
    assert clear(place, [box((0.71, 0.5, "left"), 0.1, 0.1), box((0.5, 0.61, "center"), 0.2, 0.1)])
    assert not clear(place, [box((0.69, 0.5, "left"), 0.1, 0.1)])
    assert not clear(box((0.95, 0.5, "left"), 0.2, 0.1), [])
