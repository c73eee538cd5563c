"""The files that a run leaves beside its journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.report.as_csv import csv_text
from jmeb_plugin.report.as_json import json_text
from jmeb_plugin.report.as_markdown import markdown_text
from jmeb_plugin.verdict import Judged


def write_reports(folder: Path, results: Mapping[str, Any], judged: Sequence[Judged]) -> None:
    """results.json, scores.csv and summary.md, each whole or not at all."""
    for name, text in (
        ("results.json", json_text(results)),
        ("scores.csv", csv_text(judged)),
        ("summary.md", markdown_text(results)),
    ):
        whole = folder / f".{name}.new"
        whole.write_text(text, encoding="utf-8")
        whole.replace(folder / name)
