"""Join runs that were shards of one: their journals, so that the whole can be decided as one run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import Archive
from jmeb_plugin.errors import RunError
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import make_folder, write_whole
from jmeb_plugin.journal import Journal
from jmeb_plugin.report.as_junit import names_of
from jmeb_plugin.report.junit_files import read_cases

ALIKE: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "suite": lambda run: [[suite["name"], suite["sha256"]] for suite in run["suites"]],
    "attacker": lambda run: run.get("attacker"),
    "rubric": lambda run: run["rubric"]["sha256"],
    "judges": lambda run: run["judges"]["sha256"],
    "seed": lambda run: run["options"]["seed"],
    "repeats": lambda run: run["options"]["repeats"],
}
COUNTS = ("requests", "input_tokens", "cached_tokens", "output_tokens", "usd")


def join(shards: Sequence[Archive], out: Path, run: str) -> Path:
    """A folder ``out/run`` with every answer and every record of the shards; its path.

    It holds a first results.json to be decided anew. Raises `RunError` for shards that differ in
    suite, rubric, judges, seed or repeats, that tested a model differently, or that measured the
    same conversation twice; and where the folder holds a run already.
    """
    check_alike(shards)
    folder = make_folder(out, run)
    if (folder / "journal.sqlite").exists():
        raise RunError(f"{folder}: there is a run already; expected a new name")
    journal = Journal(folder)
    try:
        for name, value in shards[0].noted.items():
            journal.note(name, value)
        for shard in shards:
            journal.take(shard.folder / "journal.sqlite")
    finally:
        journal.close()
    write_whole(folder / "results.json", json.dumps(first_results(shards, run)))
    return folder


def check_alike(shards: Sequence[Archive]) -> None:
    """Raise unless the shards can have been one run."""
    first = shards[0]
    for shard in shards[1:]:
        for what, of in ALIKE.items():
            if of(shard.results["run"]) != of(first.results["run"]):
                raise RunError(
                    f"{shard.folder}: another {what} than {first.folder}; expected shards of one run"
                )
        ours, theirs = first.results["run"]["endpoints"], shard.results["run"]["endpoints"]
        for model in set(ours) & set(theirs):
            if ours[model] != theirs[model]:
                raise RunError(f"{shard.folder}: {model} is not the endpoint that it is in {first.folder}")
    twice = [case_id for case_id, count in Counter(i for s in shards for i in s.records).items() if count > 1]
    if twice:
        raise RunError(
            f"{counted(len(twice), 'conversation')} in more than one of the runs, the first {min(twice)}; "
            f"expected each in one"
        )


def check_junit(files: Sequence[Path], shards: Sequence[Archive]) -> None:
    """Raise unless the files hold one test case for each conversation of the shards."""
    found = Counter((case.classname, case.name) for path in files for case in read_cases(path))
    wanted: dict[tuple[str, str], list[str]] = {}
    for case in (case for shard in shards for case in shard.cases):
        wanted.setdefault(names_of(case), []).append(case.id)
    for what, wrong in (
        ("without a test case", [ids for name, ids in wanted.items() if found[name] < len(ids)]),
        ("with more than one test case", [ids for name, ids in wanted.items() if found[name] > len(ids)]),
    ):
        if wrong:
            count = counted(sum(map(len, wrong)), "conversation")
            raise RunError(
                f"--junit {', '.join(map(str, files))}: {count} of the merged runs {what}, "
                f"the first {min(map(min, wrong))}; expected the file of every shard, once"
            )


def first_results(shards: Sequence[Archive], run_id: str) -> dict[str, Any]:
    """What results.json says before it is decided: the run's facts, and what the models took."""
    runs = [shard.results["run"] for shard in shards]
    models = {model: None for shard in shards for model in shard.models}
    usage = {
        model: total([s.results["models"].get(model, {}).get("usage", {}) for s in shards])
        for model in models
    }
    run = {
        **runs[0],
        "id": run_id,
        "started": min(run["started"] for run in runs),
        "finished": max(run["finished"] for run in runs),
        "endpoints": {key: fact for run in runs for key, fact in run["endpoints"].items()},
        "partial": still_partial(shards),
        "own_tests_failed": sum(run.get("own_tests_failed", 0) for run in runs),
        "merged": [shard.folder.name for shard in shards],
    }
    return {
        "run": run,
        "models": {model: {"usage": taken} for model, taken in usage.items()},
        "gates": [],
        "verdicts": [],
    }


def total(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The usages added up; ``usd`` is null where one of them has no price."""
    found: dict[str, Any] = {}
    for key in COUNTS:
        values = [usage[key] for usage in usages if key in usage]
        if values:
            found[key] = None if None in values else sum(values)
    return found


def still_partial(shards: Sequence[Archive]) -> str:
    """Why the joined run does not cover its suites; empty if it does, or no shard was partial."""
    if not any(shard.results["run"]["partial"] for shard in shards):
        return ""
    wanted = {suite["name"]: suite["conversations"] for suite in shards[0].results["run"]["suites"]}
    held = {(case.model, case.suite.name, case.conversation.id) for shard in shards for case in shard.cases}
    models = {model for model, _, _ in held}
    for name, count in wanted.items():
        for model in models:
            have = sum(m == model and s == name for m, s, _ in held)
            if have < count:
                return f"{have} of {counted(count, 'conversation')} of {name} in the merged runs"
    return ""
