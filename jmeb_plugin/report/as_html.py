"""report.html: one page that opens from disk, with every verdict and everything that was said.

It loads nothing from anywhere. Its content security policy allows its own script and style, by their
hashes, and nothing else; whatever a model said is data in compressed `blocks`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from jmeb_plugin.report.bilingual import PAGE, said
from jmeb_plugin.report.blocks import blocks
from jmeb_plugin.report.heat import HeatMap, heat_map
from jmeb_plugin.report.plots import load_drawing
from jmeb_plugin.report.views import (
    counts,
    failure_rows,
    limits_view,
    model_view,
    signed,
    suite_views,
    unlisted,
    verdict_view,
    waiver_views,
    warnings,
)
from jmeb_plugin.report.words import number, p_value, percent
from jmeb_plugin.transcript import clean, printable
from jmeb_plugin.verdict import Judged


def html_text(results: Mapping[str, Any], judged: Sequence[Judged]) -> str:
    """The page of a run: its results, and the conversations they were decided of."""
    script = "".join((PAGE / name).read_text("utf-8") for name in ("reader.js", "page.js"))
    style = (PAGE / "page.css").read_text("utf-8")
    return environment().get_template("page.html").render(
        run=results["run"],
        verdict=verdict_view(results),
        warnings=warnings(results),
        counts=counts(results),
        suites=suite_views(results),
        limits=limits_view(results["run"]["thresholds"]),
        waivers=waiver_views(results),
        baseline=results.get("baseline"),
        models=[
            model_view(results, name, index, of_model(judged, name))
            for index, name in enumerate(results["models"])
        ],
        maps=list(heat_maps(judged)),
        failures=failure_rows(judged),
        unlisted=unlisted(judged),
        blocks=blocks(judged),
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        policy=policy(script, style),
    )  # fmt: skip


def load_page() -> None:
    """Have the page's templates compiled, and what its figures are drawn with loaded."""
    environment().get_template("page.html")
    environment().get_template("model.html")
    load_drawing()


@functools.cache
def environment() -> Environment:
    """The templates; every value is escaped, and control signs in it are shown instead of obeyed."""
    found = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        finalize=lambda value: printable(clean(value)) if type(value) is str else value,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals.update(said=said, number=number, percent=percent, p_value=p_value, signed=signed)
    return found


def policy(script: str, style: str) -> str:
    """A content security policy under which only this script and this style count."""
    return (
        f"default-src 'none'; script-src '{sha256(script)}'; style-src '{sha256(style)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def sha256(text: str) -> str:
    """A hash as a content security policy writes it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def of_model(judged: Sequence[Judged], model: str) -> list[Judged]:
    """A model's conversations."""
    return [entry for entry in judged if entry.case.model == model]


def heat_maps(judged: Sequence[Judged]) -> Iterator[HeatMap]:
    """One heat map for each model and suite."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for entry in judged:
        groups.setdefault((entry.case.model, entry.case.suite.name), []).append(entry)
    for (model, _), own in sorted(groups.items()):
        yield heat_map(own[0].case.suite, model, own)
