"""What a run is about: its suites, cases, thresholds and rubrics, decided before anything is asked."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.anchors import Anchor, draw_anchors, load_anchors
from jmeb_plugin.errors import SettingsError, ThresholdsError, closest, plain
from jmeb_plugin.figures import counted
from jmeb_plugin.sampling import sample_cells, sample_total
from jmeb_plugin.suite import (
    Case,
    Suite,
    find_suite,
    load_suite,
    make_cases,
    matches,
    model_label,
)
from jmeb_plugin.thresholds import SLICES, Thresholds, load_thresholds, same

MAX_WAIVED_SHARE = 0.05
MAX_WAIVED_DAYS = 366


@dataclass(frozen=True)
class Wish:
    """What the user asked to select; ``typed`` are ids given as arguments of pytest."""

    suites: Sequence[tuple[str, Path]]
    models: Sequence[str]
    ids: Sequence[str] = ()
    typed: Sequence[str] = ()
    sample: int | None = None
    total: int | None = None
    seed: int = 0
    repeats: int = 1


@dataclass(frozen=True)
class Selection:
    """The cases of a run and what they are held against.

    ``partial`` says which choice of single conversations keeps the gates from speaking for the
    suite; empty where the whole suite, or a drawn sample of it, was selected.
    """

    suites: tuple[Suite, ...]
    cases: tuple[Case, ...]
    thresholds: Thresholds
    partial: str
    warnings: tuple[str, ...]
    wish: Wish

    def find(self, case_id: str) -> Case | None:
        """A case of the suites, selected or not; an id without model and repeat means the first of them."""
        name, _, rest = case_id.partition("::")
        for suite in self.suites if rest else ():
            talks = [talk for talk in suite.conversations if f"{rest}/".startswith(f"{talk.id}/")]
            for case in make_cases(suite, talks, self.wish.models, self.wish.repeats):
                if suite.name == name and case_id in (case.id, case.base_id):
                    return case
        return None


def bundled_thresholds() -> Path:
    """The thresholds file that comes with the package."""
    here = Path(__file__).resolve().parent
    inside = here / "thresholds.yaml"
    return inside if inside.is_file() else here.parent / "thresholds.yaml"


def load_suites(wish: Wish) -> tuple[Suite, ...]:
    """The suites wished for; ``none`` alone is none at all."""
    if [name for name, _ in wish.suites] == ["none"]:
        return ()
    if any(name == "none" for name, _ in wish.suites):
        raise SettingsError("--jmeb-suite none: expected it alone, without another suite")
    suites = tuple(load_suite(find_suite(name, base)) for name, base in wish.suites)
    names = [suite.name for suite in suites]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"--jmeb-suite: two suites are named {name!r}; expected different names")
    return suites


def select(wish: Wish, suites: tuple[Suite, ...], thresholds: Thresholds) -> Selection:
    """The cases of the wish. Raises `SettingsError` for an id that means nothing."""
    labels: dict[str, str] = {}
    for model in wish.models:
        if other := labels.get(model_label(model)):
            raise SettingsError(
                f"--jmeb-model: {other!r} and {model!r} give the same id; expected different names"
            )
        labels[model_label(model)] = model
    cases = [case for suite in suites for case in draw(suite, wish)]
    for means, patterns in ((matches, wish.ids), (starts, wish.typed)):
        for pattern in patterns:
            check_pattern(pattern, cases, means)
    if wish.ids:
        cases = [case for case in cases if any(matches(case, pattern) for pattern in wish.ids)]
    if wish.typed:
        cases = [case for case in cases if any(starts(case, typed) for typed in wish.typed)]
    if not cases and (wish.ids or wish.typed):
        raise SettingsError("--jmeb-id and the ids on the command line have no conversation in common")
    warnings = check_against(thresholds, cases, dt.datetime.now(dt.UTC).date())
    chosen = "--jmeb-id" if wish.ids else "ids on the command line" if wish.typed else ""
    return Selection(suites, tuple(cases), thresholds, chosen, tuple(warnings), wish)


def check_against(
    thresholds: Thresholds, cases: Sequence[Case], today: dt.date, total: int | None = None
) -> list[str]:
    """Hold the file against the cases at hand; return warnings worth showing.

    ``total``: how many conversations the suites have, where the cases' own hold a part of them; a
    pattern with ``*`` then counts by its share of that part.

    Raises `ThresholdsError` for a waiver over 366 days, waivers of more than 5 % of the suites'
    conversations (however few of them this run holds), and an override for a language, principle …
    that does not exist.
    """
    for known in thresholds.known_failures:
        if (known.until - today).days > MAX_WAIVED_DAYS:
            raise ThresholdsError(
                f"{thresholds.path}:{known.line}: until {known.until}: more than {MAX_WAIVED_DAYS} days ahead"
            )
    check_overrides(thresholds, cases)
    warnings = list(unmatched_models(thresholds, cases))
    if not thresholds.known_failures or not cases:
        return warnings
    names = all_names(cases)
    covered = {known: set(covers(known.id, names)) for known in thresholds.known_failures}
    valid = {known: found for known, found in covered.items() if today <= known.until}
    broad = set().union(*(found for known, found in valid.items() if "*" in known.id))
    single = set().union(*valid.values()) - broad
    held = len(set(names.values()))
    total = total or held
    if len(broad) * total + len(single) * held > MAX_WAIVED_SHARE * held * total:
        raise ThresholdsError(
            f"{thresholds.path}:{thresholds.known_failures[0].line}: known_failures cover "
            f"{len(broad | single)} of {counted(held, 'conversation')}; "
            f"expected at most {MAX_WAIVED_SHARE:.0%}"
        )
    return warnings + [
        f"{thresholds.path}:{known.line}: known failure {known.id!r} matches no conversation of this run"
        for known, found in covered.items()
        if not found
    ]


def all_names(cases: Sequence[Case]) -> dict[str, str]:
    """Every id that could mean a conversation of the cases' suites, selected or not, and its base id."""
    suites = {case.suite.name: case.suite for case in cases}.values()
    added = {name.removeprefix(case.base_id) for case in cases for name in case.ids}
    bases = [f"{suite.name}::{talk.id}" for suite in suites for talk in suite.conversations]
    return {base + end: base for base in bases for end in added}


def covers(pattern: str, names: Mapping[str, str]) -> Iterator[str]:
    """The base ids of the names that the pattern means."""
    if "*" not in pattern:
        yield from (names[name] for name in (pattern,) if name in names)
    else:
        yield from (base for name, base in names.items() if same(pattern, name))


def check_overrides(thresholds: Thresholds, cases: Sequence[Case]) -> None:
    """Raise for an override that names something unknown to the suites at hand.

    A model may be named although this run does not test it, with a warning: one file serves many pipelines.
    """
    known = known_facets(cases)
    for override in thresholds.overrides:
        for facet, value in override.when.items():
            if cases and facet in known and value not in known[facet]:
                raise ThresholdsError(
                    f"{thresholds.path}:{override.line}: overrides: when.{facet}: {value!r} is unknown"
                    f"{closest(value, known[facet])}"
                )


def known_facets(cases: Sequence[Case]) -> dict[str, set[str]]:
    """What a suite's facets may be, over all suites of the cases."""
    suites = {case.suite.name: case.suite for case in cases}.values()
    return {
        "language": {language for suite in suites for language in suite.languages},
        "principle": {name for suite in suites for name in suite.principles},
        "guideline": {name for suite in suites for name in suite.guidelines},
        "strategy": {name for suite in suites for name in suite.strategies},
    }


def unmatched_models(thresholds: Thresholds, cases: Sequence[Case]) -> Iterator[str]:
    """A warning for each model that overrides name and the run does not test, with the closest there is."""
    models = {case.model for case in cases}
    named = [override for override in thresholds.overrides if "model" in override.when]
    lines = {override.when["model"]: override.line for override in reversed(named)}
    for name in sorted(set(lines) - models, key=lambda name: lines[name]) if models else ():
        yield (
            f"{thresholds.path}:{lines[name]}: overrides: when.model: {plain(name)!r} is no model of this run"
            f"{closest(name, models)}"
        )


def draw(suite: Suite, wish: Wish) -> list[Case]:
    """The suite's cases, sampled where that was wished."""
    talks: Sequence[Any] = suite.conversations
    if wish.sample:
        talks = sample_cells(talks, wish.sample, wish.seed)
    if wish.total:
        talks = sample_total(talks, wish.total, wish.seed)
    return make_cases(suite, talks, wish.models, wish.repeats)


def check_pattern(pattern: str, cases: Sequence[Case], means: Callable[[Case, str], bool]) -> None:
    """Raise for a pattern that means no case."""
    if not any(means(case, pattern) for case in cases):
        raise SettingsError(
            f"no conversation {pattern!r} among the {len(cases)} selected"
            f"{closest(pattern, [case.id for case in cases])}"
        )


def starts(case: Case, typed: str) -> bool:
    """Whether a typed id means the case: its id without model and repeat, or a part up to a slash."""
    return any(name == typed or name.startswith(typed.rstrip("/") + "/") for name in (case.id, case.base_id))


def marked(expression: str, cases: Sequence[Case]) -> set[str]:
    """The ids of the cases that pytest's ``-m`` expression selects.

    Raises `SettingsError` for a facet or a value that no suite knows.
    """
    if not expression.strip():
        return {case.id for case in cases}
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        return set()
    check_marks(tree, known_facets(cases))
    return {case.id for case in cases if holds(tree, case.facets())}


def check_marks(tree: ast.AST, known: Mapping[str, set[str]]) -> None:
    """Raise for an unknown facet or value in a call of the jmeb mark."""
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "jmeb"):
            continue
        for argument in call.keywords:
            facet = str(argument.arg)
            value = argument.value.value if isinstance(argument.value, ast.Constant) else None
            if facet not in SLICES:
                raise SettingsError(f"-m: jmeb({facet}=…): unknown facet{closest(facet, SLICES)}")
            if known[facet] and value not in known[facet]:
                raise SettingsError(
                    f"-m: jmeb({facet}={value!r}): unknown {facet}{closest(str(value), known[facet])}"
                )


def holds(tree: ast.AST, facets: Mapping[str, str]) -> bool:
    """Whether a mark expression holds for an item that carries the jmeb mark alone."""
    if isinstance(tree, ast.BoolOp):
        parts = [holds(value, facets) for value in tree.values]
        return all(parts) if isinstance(tree.op, ast.And) else any(parts)
    if isinstance(tree, ast.UnaryOp):
        return not holds(tree.operand, facets)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "jmeb":
        return all(
            isinstance(a.value, ast.Constant) and facets.get(str(a.arg)) == a.value.value
            for a in tree.keywords
        )
    return isinstance(tree, ast.Name) and tree.id == "jmeb"


def check_arbiter(selection: Selection, judges: int) -> None:
    """Raise where a dispute would be arbitrated and there is nobody to do it."""
    thresholds = selection.thresholds
    wanted = any(thresholds.for_case(case).on_dispute == "arbitrate" for case in selection.cases)
    if wanted and judges < 3:
        raise SettingsError(
            f"{thresholds.path}: on_dispute: arbitrate needs a third judge; expected --jmeb-judge three times"
        )


def find_anchors(selection: Selection, models: Sequence[str], seed: int) -> tuple[Anchor, ...]:
    """The anchors that the panel is held to, drawn from the selection's suites and languages."""
    if not any(selection.thresholds.for_model(model).min_anchor_agreement for model in models):
        return ()
    languages = sorted({case.conversation.language for case in selection.cases})
    known = [anchor for suite in selection.suites for anchor in load_anchors(suite, languages)]
    return draw_anchors(known, seed=seed)


__all__ = [
    "Selection",
    "Wish",
    "bundled_thresholds",
    "check_arbiter",
    "find_anchors",
    "load_suites",
    "load_thresholds",
    "marked",
    "select",
]
