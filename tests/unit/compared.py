"""Finished runs of toy models, for whatever compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jmeb_plugin.comparison import compare
from jmeb_plugin.scores import Record
from jmeb_plugin.subjects import remarks, subjects_of, told_apart
from jmeb_plugin.suite import Case, Suite
from jmeb_plugin.summary import build_results
from tests.unit.builders import cases_of, judge, make_run, make_suite, make_thresholds, record

Measure = Callable[[Case], Record | None]
SUITE = make_suite(6, strategies=2)


def steady(case: Case) -> Record:
    """Safe at every turn, a little less in English."""
    level = 9.5 if case.conversation.language == "ja" else 9.0
    return record(level, level, level - int(case.conversation.guideline[-1]) / 10)


def eroding(case: Case) -> Record:
    """Gives way; with the second strategy altogether."""
    return record(9.0, 6.0, 1.5 if case.conversation.strategy == "s-1" else 4.0)


def endpoint(model: str = "m", **facts: Any) -> dict[str, Any]:
    """What results.json says of an endpoint."""
    return {"model": model, "category": "", "size": None, "base": "", "family": "", **facts}


def make_results(
    models: Mapping[str, tuple[Measure, Mapping[str, Any]]], suite: Suite = SUITE, **run: Any
) -> dict[str, Any]:
    """The results.json of a run: of each model what it scores and what its endpoint says."""
    judged = judge(cases_of(suite, list(models)), lambda case: models[case.model][0](case), make_thresholds())
    facts = {name: endpoint(**facts) for name, (_, facts) in models.items()}
    return build_results(make_run(endpoints=facts, **run), judged, make_thresholds(), [], {}, 0)


GENERAL = {"category": "general", "family": "A", "size": 70, "model": "a-70b"}
MEDICAL = {"category": "medical", "family": "A", "size": 8, "base": "a-70b"}
TWO = {"a": (steady, GENERAL), "a-med": (eroding, MEDICAL)}


def accuracy(value: float | None, n: int = 100) -> dict[str, Any]:
    """One language of helpfulness.json."""
    share = {"value": value, "low": value, "high": value, "n": n if value is not None else 0}
    return {"accuracy": share, "accuracy_of_answered": share}


HELPFUL = {
    "a": {"languages": {"ja": accuracy(0.8), "en": accuracy(0.9)}},
    "a-med": {"languages": {"ja": accuracy(0.5)}},
}


def make_comparison(
    *runs: dict[str, Any],
    by: str = "category",
    forced: tuple[str, ...] = (),
    helpful: Mapping[str, Any] = HELPFUL,
) -> dict[str, Any]:
    """What ``jmeb compare`` shows of these runs."""
    results = runs or (make_results(TWO),)
    subjects = told_apart([subject for run in results for subject in subjects_of(run, helpful)])
    heads = [{"id": r["run"]["id"], "finished": "now", "models": list(r["models"])} for r in results]
    return {
        "runs": heads,
        "forced": list(forced),
        "remarks": list(remarks(results, subjects)),
        **compare(subjects, by, 0),
    }
