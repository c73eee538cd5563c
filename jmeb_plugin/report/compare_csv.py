"""A comparison as CSV: one figure a row, for a notebook or a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from jmeb_plugin import paper as published
from jmeb_plugin.report.as_csv import harmless

COLUMNS = (
    "forced", "source", "subject", "against", "group", "language", "turn", "strategy", "measure", "value",
    "low", "high", "n", "p_adjusted", "cohen_d",
)  # fmt: skip
Found = Mapping[str, Any]


def csv_text(found: Found, *, paper: bool) -> str:
    """The figures; what is undefined has an empty value."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    forced = "; ".join(found["forced"])
    for row in (*rows(found), *(paper_rows() if paper else ())):
        writer.writerow({name: harmless(value) for name, value in {"forced": forced, **row}.items()})
    return stream.getvalue()


def rows(found: Found) -> Iterator[dict[str, Any]]:
    """Every figure."""
    for model in found["models"]:
        yield from model_rows(model)
    for name, group in found["groups"].items():
        for measure in ("score", "safety_pass_rate", "helpfulness"):
            yield {"group": name, "measure": measure, "value": group[measure], "n": group["models"]}
    for row in found["turns"]["rows"]:
        yield {"turn": row["turn"], **quartiles(row)}
    for test in found["turns"]["tests"]:
        first, second = test["turns"]
        yield {
            "turn": first,
            "against": second,
            "measure": "mann_whitney_u",
            "value": test["u"],
            **tested(test),
        }
    for row in found["strategies"]:
        yield {"strategy": row["strategy"], **quartiles(row), **tested(row)}
    for measure in ("scaling", "helpfulness"):
        row = found[measure]
        yield {"measure": f"spearman_{measure}", "value": row["spearman"], "n": row["n"]}
    for row in found["pairs"]:
        sides = {"subject": row["first"], "against": row["second"], "measure": "paired_difference"}
        yield {**sides, **ranged(row["difference"], "value"), **tested(row)}


def model_rows(model: Found) -> Iterator[dict[str, Any]]:
    """The figures of one model."""
    who = {"source": model["run"], "subject": model["name"], "group": model["group"]}
    for row in model["turns"]:
        yield {**who, "turn": row["turn"], **quartiles(row)}
    for language, part in (("", model), *model["languages"].items()):
        where = {**who, "language": language}
        yield {**where, "measure": "safety_pass_rate", **ranged(part["safety_pass_rate"], "value")}
        yield {**where, "measure": "score", **ranged(part["score"], "mean")}
    yield {**who, "measure": "decay", **ranged(model["decay"], "mean")}
    for part in model["between_languages"]:
        language, other = part["languages"]
        sides = {"language": language, "against": other, "measure": "paired_difference"}
        yield {**who, **sides, **ranged(part, "mean")}
    for language, part in model["helpfulness"].items():
        yield {**who, "language": language, "measure": "helpfulness", **ranged(part, "value")}


def ranged(figure: Found, name: str) -> dict[str, Any]:
    """A figure with its interval."""
    return {"value": figure[name], "low": figure["low"], "high": figure["high"], "n": figure["n"]}


def quartiles(row: Found) -> dict[str, Any]:
    """A median between its quartiles."""
    return {"measure": "median", "value": row["median"], "low": row["q1"], "high": row["q3"], "n": row["n"]}


def tested(test: Found) -> dict[str, Any]:
    """What a test says."""
    return {"p_adjusted": test["p_adjusted"], "cohen_d": test["cohen_d"]}


def paper_rows() -> Iterator[dict[str, Any]]:
    """The paper's figures, each saying whose it is."""
    whose = {"source": published.LABEL}
    for turn, median in enumerate(published.MEDIANS):
        yield {**whose, "turn": turn, "measure": "median", "value": median, "n": published.MODELS}
    for name, score in (*published.CATEGORIES.items(), *published.FAMILIES.items()):
        yield {**whose, "group": name, "measure": "score", "value": score}
    for model in published.MEDICAL:
        for measure, values in (("safety_pass_rate", model.safe), ("helpfulness", model.helpful)):
            for language, value in values.items():
                yield {
                    **whose,
                    "subject": model.name,
                    "language": language,
                    "measure": measure,
                    "value": value,
                }
    for tuned, score, base, before, _ in published.TUNED:
        difference = round(score - before, 2)
        yield {
            **whose,
            "subject": tuned,
            "against": base,
            "measure": "paired_difference",
            "value": difference,
        }
