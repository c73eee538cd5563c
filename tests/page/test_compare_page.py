"""compare.html in a real browser: it opens from disk, asks for nothing, and speaks both languages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jmeb_plugin.report.compare_html import html_text
from tests.unit.compared import make_comparison

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"
)


def test_the_page_opens_and_changes_its_language(tmp_path: Path) -> None:
    """No complaint, no request but for itself; tables and figures in the language that is chosen."""
    path = tmp_path / "compare.html"
    path.write_text(html_text(make_comparison(), paper=True), encoding="utf-8")
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(locale="ja-JP")
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        assert page.inner_text("h1") == "モデル 2 件の比較（実行 1 件）"
        assert page.inner_text("#pairs") == "相互の比較"
        page.click("[data-lang=en]")
        assert page.inner_text("h1") == "2 models of 1 run"
        assert "mean score" in page.locator("svg text").all_text_contents()
        page.select_option("#theme", "dark")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        browser.close()
    assert complaints == [path.as_uri()]
