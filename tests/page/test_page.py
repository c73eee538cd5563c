"""report.html in a real browser: what a reader can do with it, and what nobody can do to the reader.

One browser for all of it; Debian's chromium, which .ci/run installs.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jmeb_plugin.baseline import from_results
from jmeb_plugin.report.as_html import html_text
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case, Guideline, Suite, bundled, load_suite
from jmeb_plugin.summary import Compared, build_results
from tests.unit.builders import make_run, make_suite, record
from tests.unit.report.pages import LIMITS, measured, results_of, saying

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"
)

ATTACK = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
    "<svg/onload=window.hacked=3> javascript:window.hacked=4 {{ 7 * 7 }} <!-- \u202eback\u202c \u2028 \x00 \ud800."
)
SHOWN = "{{ 7 * 7 }} <!-- ⟨U+202E⟩back⟨U+202C⟩ ⟨U+2028⟩ ⟨U+0000⟩ \ufffd."
WORD = "腎臓"
WORDS = """[...document.querySelectorAll(".heat th[data-strategy] span")].flatMap((head) =>
    [...head.textContent.matchAll(/[A-Za-z]+/g)].map((word) => {
        const range = document.createRange();
        range.setStart(head.firstChild, word.index);
        range.setEnd(head.firstChild, word.index + word[0].length);
        return [word[0], range.getClientRects().length];
    }))"""
"""The words of the heat map's heads, and on how many lines each stands."""


def suite() -> Suite:
    """Two principles, eight guidelines, two strategies, two languages; one guideline's title is an attack."""
    made = make_suite(8, 2)
    titles = {f"G-{k}": {"ja": f"指針 {k}", "en": f"Guideline {k}"} for k in range(8)} | {
        "G-7": {"ja": ATTACK, "en": ATTACK}
    }
    talks = tuple(
        dataclasses.replace(
            talk,
            turns=(f"{WORD}の話です。" if talk.id == "G-1/s-1/ja/0" else "何の話でしょう。", *talk.turns[1:]),
        )
        for talk in made.conversations
    )
    guidelines = {
        k: Guideline(k, g.principle, titles[k], {"ja": "守る。", "en": "Keep it."})
        for k, g in made.guidelines.items()
    }
    return dataclasses.replace(made, guidelines=guidelines, conversations=talks)


def measure(case: Case) -> Record:
    """Guideline 0 fails, 1 is disputed, 7 attacks the page; each in its own words."""
    place, language = case.conversation.guideline, case.conversation.language
    kinds = {
        "G-0": record((9.0, 8.0), 6.0, 1.0),
        "G-1": record(9.0, (9.0, 3.0), 9.0),
        "G-7": record(9.0, 5.0, 1.0),
    }
    said = ATTACK if place == "G-7" else f"answer in {language}"
    return saying(kinds.get(place, record(9.5, 9.0, 8.5)), said, said, said, reason=f"{said} judged")


def write_page(folder: Path) -> Path:
    """The page of a run that is held against a baseline."""
    made = suite()
    before = measured(made, lambda case: record(9.0, 9.0, 9.0))
    judged = measured(made, measure)
    baseline = Compared(from_results(results_of(before, id="earlier")))
    path = folder / "report.html"
    results = build_results(make_run(), judged, LIMITS, [], {}, 0, baseline)
    results["gates"] = results_of(judged)["gates"]
    path.write_text(html_text(results, judged), encoding="utf-8")
    return path


class Reader:
    """A page with its complaints: console errors, exceptions, and whatever it asked for."""

    def __init__(self, page: playwright.Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request", lambda request: self.complaints.append(request.url) if request.url != url else None
        )
        page.route(lambda address: not address.startswith("file:"), lambda route: route.abort())

    def open(self, fragment: str = "") -> Reader:
        """Go to the page afresh, and wait until it can be used."""
        self.page.goto("about:blank")
        self.complaints.clear()
        self.page.goto(self.url + fragment)
        self.page.wait_for_selector("html[data-ready]")
        self.complaints = [text for text in self.complaints if not text.startswith(self.url)]
        return self

    def count(self) -> str:
        """What the live region says."""
        return self.page.inner_text("#count")

    def state(self) -> str:
        """The fragment of the address."""
        return self.page.url.partition("#")[2]

    def heads(self) -> list[str]:
        """The ids in the list."""
        return self.page.locator("#list .id").all_inner_texts()


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """The one browser."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page, on disk."""
    return write_page(tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture
def read(browser: playwright.Browser, url: str) -> Iterator[Callable[..., Reader]]:
    """Open the page as a reader of a language, with a fragment; nobody may have complained at the end."""
    readers: list[Reader] = []

    def start(fragment: str = "", language: str = "en-GB", **options: object) -> Reader:
        context = browser.new_context(
            locale=language, **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        readers.append(Reader(context.new_page(), url).open(fragment))
        return readers[-1]

    yield start
    complaints = [text for reader in readers for text in reader.complaints]
    for reader in readers:
        reader.page.context.close()
    assert complaints == []


def test_a_cell_of_the_heat_map_filters_the_list(read) -> None:
    """Cell, form, count, list and address agree; a second click takes the filter away."""
    reader = read()
    assert reader.count() == "32 of 32 conversations, 8 of them failed"
    cell = reader.page.locator('tr[data-guideline="G-0"] .cell').nth(1)
    assert (
        cell.get_attribute("aria-label") == "lowest turn 1.0 on average, 2 conversations, 2 failed: show them"
    )
    cell.click()
    assert reader.count() == "2 of 32 conversations, 2 of them failed"
    assert reader.heads() == ["toy::G-0/s-1/en/0", "toy::G-0/s-1/ja/0"]
    assert cell.get_attribute("aria-pressed") == "true"
    assert reader.page.input_value("[name=guideline]") == "G-0"
    assert "guideline=G-0" in reader.state()
    assert reader.page.evaluate("document.activeElement.id") == "conversations"
    cell.click()
    assert reader.count().startswith("32 of 32")


def test_the_address_brings_the_same_view_back(read) -> None:
    """Filters, order and the open conversation, in another window."""
    reader = read("#outcome=failed&language=ja&sort=id&open=toy%3A%3AG-7%2Fs-0%2Fja%2F0")
    assert reader.heads() == [f"toy::G-{g}/s-{s}/ja/0" for g in (0, 7) for s in (0, 1)]
    assert reader.page.input_value("[name=outcome]") == "failed"
    assert reader.page.locator('[aria-expanded="true"]').get_attribute("data-id") == "toy::G-7/s-0/ja/0"
    reader.page.select_option("[name=strategy]", "s-1")
    reader.page.wait_for_selector("#list li:nth-child(2):last-child")
    assert read(f"#{reader.state()}").heads() == reader.heads()


def test_a_failing_conversation_is_read_in_both_languages_after_a_notice(read) -> None:
    """No text stands in the page before it; then turns, both judges' scores and reasons, and why."""
    reader = read()
    reader.page.locator('[data-id="toy::G-0/s-0/en/0"]').click()
    notice = reader.page.inner_text(".caution")
    assert "can be harmful" in notice
    assert "lowest turn 1.0 < 3.0" in notice
    assert "answer in" not in reader.page.inner_text("body")
    reader.page.click(".caution button")
    reader.page.wait_for_selector(".pair")
    ours, other = reader.page.locator(".column").all_inner_texts()
    assert "answer in ja" in ours
    assert "answer in en" in other
    for text in (ours, other):
        assert text.count("judged") == 6
        assert "decay 7.5 > 5.0 (8.5 → 6.0 → 1.0)" in text
        assert "judge-a\t9.0" in text
        assert "judge-b\t8.0" in text
    reader.page.locator('[data-id="toy::G-1/s-0/en/0"]').click()
    assert "disputed" in reader.page.inner_text(".pair")
    assert reader.page.locator(".pair").count() == 1
    reader.page.click(".column a")
    reader.page.wait_for_selector('[data-id="toy::G-1/s-0/ja/0"][aria-expanded="true"]')
    assert "open=toy%3A%3AG-1" in reader.state()


def test_nothing_that_was_said_can_run_or_break_the_page(read) -> None:
    """Tags, handlers, ends of scripts and signs that turn text around are shown as text."""
    reader = read("#guideline=G-7&open=toy%3A%3AG-7%2Fs-0%2Fen%2F0")
    assert "<img src=x" in reader.page.inner_text(".heat")
    reader.page.click(".caution button")
    reader.page.wait_for_selector(".pair")
    assert reader.page.locator(".text.answer").first.inner_text().replace("\n", " ").endswith(SHOWN)
    assert reader.page.evaluate("window.hacked") is None
    assert reader.page.locator("main img, main svg[onload], #list svg").count() == 0
    assert reader.page.evaluate("document.scripts.length") == reader.page.locator("body > script").count()
    with pytest.raises(playwright.Error, match="TrustedHTML"):
        reader.page.evaluate("document.body.innerHTML = 'x'")
    reader.complaints.clear()


def test_both_languages_and_both_colours(read) -> None:
    """From the browser at first, then by the switches; every string changes, those of figures too."""
    reader = read(language="ja-JP", color_scheme="dark")
    page = reader.page
    assert page.inner_text("h1").endswith("安全ではない")
    assert reader.count() == "32 件中 32 件を表示（うち不合格 8 件）"
    assert page.locator("figure text", has_text="得点").count() == 2
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("text=English")
    assert (page.evaluate("document.documentElement.lang"), page.inner_text("h1")) == (
        "en",
        page.inner_text("h1"),
    )
    assert page.inner_text("h1").endswith("Unsafe")
    assert page.locator("option[value=failed]").inner_text() == "failed"
    page.select_option("#theme", "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    reader.open()
    assert page.inner_text("h1").endswith("Unsafe")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    strings = page.evaluate(
        "[...document.querySelectorAll('[data-ja]')].filter((n) => n.textContent !== n.dataset.en).length"
    )
    assert strings == 0


def test_the_keyboard_is_enough(read) -> None:
    """The keys j and k and the arrows move, Enter opens, / searches, Esc leaves and closes."""
    reader = read()
    keys = reader.page.keyboard
    focused = "document.activeElement.dataset.id ?? document.activeElement.name"
    keys.press("j")
    keys.press("j")
    keys.press("ArrowDown")
    keys.press("k")
    assert reader.page.evaluate(focused) == reader.heads()[1]
    assert reader.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.press("Enter")
    reader.page.wait_for_selector(".caution")
    keys.press("Tab")
    keys.press("Enter")
    reader.page.wait_for_selector(".pair")
    keys.press("Escape")
    assert reader.page.locator(".body").count() == 0
    assert reader.page.evaluate(focused) == reader.heads()[1]
    keys.press("/")
    assert reader.page.evaluate(focused) == "q"
    keys.type("jk/")
    assert reader.page.input_value("[name=q]") == "jk/"
    keys.press("Escape")
    assert reader.page.evaluate(focused) is None or reader.page.evaluate(focused) == ""


def test_the_list_is_searched_and_filtered(read) -> None:
    """By words of the id and of the questions, and by disagreement; Clear takes all back."""
    reader = read()
    reader.page.fill("[name=q]", f"s-1 {WORD}")
    reader.page.wait_for_selector("#list li:only-child")
    assert reader.heads() == ["toy::G-1/s-1/ja/0"]
    reader.page.click("[type=reset]")
    reader.page.wait_for_selector("#list li:nth-child(32)")
    reader.page.check("[name=disputed]")
    reader.page.wait_for_selector("#list li:nth-child(4):last-child")
    assert {head[:8] for head in reader.heads()} == {"toy::G-1"}
    assert reader.state() == "disputed=1"


def test_what_changed_since_the_baseline_is_one_click_away(read) -> None:
    """A link opens the conversation, whatever was filtered before."""
    reader = read("#language=ja")
    reader.page.locator(".links a", has_text="toy::G-0/s-0/en/0").click()
    reader.page.wait_for_selector(".caution")
    assert reader.page.locator('[aria-expanded="true"]').get_attribute("data-id") == "toy::G-0/s-0/en/0"


def test_on_paper_stand_verdict_gates_figures_and_failures(read) -> None:
    """Not the switches, the heat map or the list, and never a text that was said."""
    reader = read()
    reader.page.emulate_media(media="print")
    for part in (".verdict", "#gates", "figure >> nth=0", ".paper"):
        assert reader.page.locator(part).is_visible(), part
    for part in (".tools", "#heat", "#conversations"):
        assert not reader.page.locator(part).is_visible(), part
    assert reader.page.locator(".paper tbody tr").count() == 8
    assert reader.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(read, width: int) -> None:
    """The page is as wide as the window; wide tables scroll inside it."""
    reader = read(viewport={"width": width, "height": 800})
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1000, 1200, 1400])
def test_no_word_of_a_strategy_is_broken(browser, tmp_path: Path, width: int) -> None:
    """The heat map's heads show the bundled suite's strategies in whole words, also on a narrow screen."""
    ours = load_suite(bundled("jmeb"))
    made = dataclasses.replace(
        ours, conversations=tuple(t for t in ours.conversations if t.guideline == "B-13")
    )
    judged = measured(made, lambda case: record(9.0, 9.0, 9.0))
    path = tmp_path / "report.html"
    path.write_text(html_text(results_of(judged), judged), encoding="utf-8")
    context = browser.new_context(locale="en-GB", viewport={"width": width, "height": 900})
    reader = Reader(context.new_page(), path.as_uri()).open()
    words = reader.page.evaluate(WORDS)
    context.close()
    assert len(words) == 16
    assert [word for word, lines in words if lines > 1] == []


def test_without_scripts_the_verdict_and_the_failures_can_be_read(browser, url) -> None:
    """As where a CI server serves the page under a policy of its own."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    assert page.inner_text("h1").endswith("Unsafe")
    assert page.locator(".paper").is_visible()
    assert not page.locator("#filters").is_visible()
    context.close()


def test_readers_of_the_screen_find_their_way(read) -> None:
    """One heading 1, landmarks, a name for every control and figure, a caption for every table."""
    page = read().page
    assert page.locator("h1").count() == 1
    for landmark in (
        "main",
        "header",
        "nav",
        "footer",
        '[role="search"]',
        '[role="status"][aria-live="polite"]',
    ):
        assert page.locator(landmark).count() == 1, landmark
    unnamed = """[...document.querySelectorAll("button, select, input, a, figure, section, details")]
        .filter((n) => !(n.textContent.trim() || n.ariaLabel || n.labels?.length || n.getAttribute("aria-labelledby"))).length"""
    assert page.evaluate(unnamed) == 0
    assert page.evaluate("[...document.querySelectorAll('table')].filter((t) => !t.caption).length") == 0
    assert (
        page.evaluate(
            "[...document.querySelectorAll('[aria-labelledby]')].filter((n) => !document.getElementById(n.getAttribute('aria-labelledby'))).length"
        )
        == 0
    )
