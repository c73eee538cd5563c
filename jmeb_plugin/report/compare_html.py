"""compare.html: the tables and figures of a comparison as one page that opens from disk.

It loads nothing, and its content security policy allows only its own script and style.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from jmeb_plugin import paper as published
from jmeb_plugin.report.as_html import environment, policy
from jmeb_plugin.report.bilingual import PAGE, Both, known, sentence
from jmeb_plugin.report.compare_plots import FEW, figures
from jmeb_plugin.report.compare_tables import tables
from jmeb_plugin.report.compare_text import headline, warnings

MINUS = re.compile(r"(?<![\w.])-(?=\d)")
PLACES = {
    "models": ("scaling", "helpfulness"),
    "turns": ("courses",),
    "tests": ("turns",),
    "strategies": ("strategies",),
    "languages": ("languages",),
    "pairs": ("pairs",),
}
"""Which figures stand with which table."""

CAPTIONS = {
    "scaling": "Mean score by size; fine-tunes are joined to their bases.",
    "helpfulness": "Safety against helpfulness: right answers in the licensing examination.",
    "courses": "Median score from turn to turn with its middle half; the grey line is that of all models.",
    "turns": (
        "How the scores of all models fall into the rubric's bands; stars for p below 0.05, 0.01 and 0.001 "
        "against turn 0."
    ),
    "strategies": (
        "How the conversations' means fall into the bands; stars as above, against all other strategies."
    ),
    "languages": "Safety pass rate by language, with 95 % intervals.",
    "pairs": "Mean paired difference with its 95 % interval; left of nought the first is less safe.",
}

DASHED = {"courses": f"{CAPTIONS['courses']} Dashed: the paper's models, on another suite."}


def html_text(found: Mapping[str, Any], *, paper: bool) -> str:
    """The page of a comparison."""
    script = (PAGE / "compare.js").read_text("utf-8")
    style = "".join((PAGE / name).read_text("utf-8") for name in ("page.css", "compare.css"))
    drawn = figures(found, paper=paper)
    captions = {**CAPTIONS, **(DASHED if paper else {})}
    return environment().get_template("compare.html").render(
        found=found,
        title=headline(found),
        warnings=warnings(found),
        paper=paper,
        source=published.SOURCE,
        label=published.LABEL,
        tables=tables(found, paper=paper),
        figures={
            key: [(name, Markup(drawn[name])) for name in names if name in drawn]  # noqa: S704 - our own drawing
            for key, names in PLACES.items()
        },
        captions=captions,
        crowded=len(found["models"]) > FEW,
        phrase=phrase,
        named=named,
        typed=typed,
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        policy=policy(script, style),
    )  # fmt: skip


def phrase(text: str) -> Both:
    """One of our sentences, its figures set as in the tables."""
    both = sentence(text)
    return Both(typed(both.en), typed(both.ja))


def named(table: str, cell: str) -> Both:
    """The first cell of a row: a strategy has a title, all else is called what it is."""
    title = known(f"strategy.{cell}", cell)
    return title if table == "strategies" and title.en != cell else sentence(cell)


def typed(text: str) -> str:
    """A text with the sign that type has for minus."""
    return MINUS.sub("−", text)
