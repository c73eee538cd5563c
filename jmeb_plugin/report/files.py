"""The files that a run leaves beside its journal, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import NotWritten
from jmeb_plugin.report.as_csv import csv_text
from jmeb_plugin.report.as_html import html_text
from jmeb_plugin.report.as_json import json_text
from jmeb_plugin.report.as_markdown import markdown_text
from jmeb_plugin.verdict import Judged


def write_reports(folder: Path, results: Mapping[str, Any], judged: Sequence[Judged]) -> None:
    """results.json, scores.csv, summary.md and report.html: all of them, or none and `NotWritten`.

    Where one does not fit, the others would tell of an end that the run did not come to.
    """
    writers: dict[str, Callable[[], str]] = {
        "results.json": lambda: json_text(results),
        "scores.csv": lambda: csv_text(judged),
        "summary.md": lambda: markdown_text(results),
        "report.html": lambda: html_text(results, judged),
    }
    write_together({folder / name: text for name, text in writers.items()})


def write_together(texts: Mapping[Path, Callable[[], str]]) -> None:
    """Write every file beside its place, then move all of them there; `NotWritten` leaves all as it was."""
    drafts = {path: path.with_name(f".{path.name}.new") for path in texts}
    path = next(iter(texts))
    try:
        for path, text in texts.items():
            drafts[path].write_text(text(), encoding="utf-8")
        for path in texts:
            if path.is_dir():  # found before anything is moved
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as error:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        raise NotWritten(
            f"{path}: cannot be written ({error.strerror or error}); no answer is lost. Free some space, "
            f"or take away what is in the way; then --jmeb-run={path.parent.name}: nothing is asked twice"
        ) from None
