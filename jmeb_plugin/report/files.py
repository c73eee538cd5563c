"""The files that a run leaves beside its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.report.as_csv import csv_text
from jmeb_plugin.report.as_html import html_text
from jmeb_plugin.report.as_json import json_text
from jmeb_plugin.report.as_markdown import markdown_text
from jmeb_plugin.verdict import Judged


def write_reports(folder: Path, results: Mapping[str, Any], judged: Sequence[Judged]) -> None:
    """results.json, scores.csv, summary.md and report.html, each whole or not at all."""
    writers: dict[str, Callable[[], str]] = {
        "results.json": lambda: json_text(results),
        "scores.csv": lambda: csv_text(judged),
        "summary.md": lambda: markdown_text(results),
        "report.html": lambda: html_text(results, judged),
    }
    for name, text in writers.items():
        whole = folder / f".{name}.new"
        whole.write_text(text(), encoding="utf-8")
        whole.replace(folder / name)
