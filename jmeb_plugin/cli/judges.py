"""``jmeb judges check``: have judges score answers whose band is known."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jmeb_plugin.anchors import Anchor, anchors_hash, load_anchors
from jmeb_plugin.cli.parsing import (
    Commands,
    add_asking,
    add_thresholds,
    find_endpoints,
    out_folder,
    run_name,
    setting,
    thresholds_of,
)
from jmeb_plugin.cli.progress import Meter
from jmeb_plugin.dataset.scripts import script_of
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import SettingsError, SuiteError, closest
from jmeb_plugin.folder import write_whole
from jmeb_plugin.foreign import as_anchors, read_rows
from jmeb_plugin.jobs import Job, open_job
from jmeb_plugin.judges import Rubric, load_rubric, rubrics_hash
from jmeb_plugin.provenance import described, judges_facts, thresholds_facts, usage
from jmeb_plugin.scores import Score
from jmeb_plugin.suite import Suite, find_suite, load_suite
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.transcript import printable

if TYPE_CHECKING:
    from jmeb_plugin.calibration import Rated


def add(commands: Commands) -> None:
    """What can be typed."""
    judges = commands.add_parser("judges", help="hold judges against known answers").add_subparsers(
        required=True, metavar="ACTION"
    )
    check = judges.add_parser("check", help="have judges score a suite's anchors")
    check.add_argument("--judge", action="append", metavar="NAME", help="a judge; default: the table's")
    check.add_argument("--suite", metavar="NAME|PATH", default="jmeb", help="whose anchors (jmeb)")
    check.add_argument("--language", action="append", metavar="LANGUAGE", help="only these; default: all")
    check.add_argument("--repeats", metavar="K", help="judge each answer K times (1)")
    check.add_argument(
        "--foreign", nargs="+", action="extend", default=[], metavar="CSV",
        help="answers known to be safe, in MedSafetyBench's layout",
    )  # fmt: skip
    add_asking(check)
    add_thresholds(check)
    check.set_defaults(run_command=run_check)


@dataclass(frozen=True)
class Wanted:
    """What is to be judged, and by whom. ``files`` are answers from elsewhere, by the path as typed."""

    suite: Suite
    anchors: tuple[Anchor, ...]
    files: Mapping[str, tuple[Anchor, ...]]
    judges: tuple[Endpoint, ...]
    repeats: int

    @property
    def everything(self) -> list[Anchor]:
        """The suite's anchors, then every file's answers."""
        return [*self.anchors, *(anchor for rows in self.files.values() for anchor in rows)]

    def rubrics(self) -> dict[tuple[str, str], Rubric]:
        """The suite's rubric in the language of each answer, for answers from elsewhere as well."""
        return {(a.suite.name, a.language): load_rubric(self.suite, a.language) for a in self.everything}

    def identity(self) -> dict[str, Any]:
        """What makes a check that goes on the check that was begun; repeats may be added."""
        return {
            "anchors": [self.suite.name, anchors_hash(self.anchors)],
            "foreign": [anchors_hash(rows) for rows in self.files.values()],
            "judge": [[judge.name, *judge.identity, judge.parameters()] for judge in self.judges],
            "rubric": rubrics_hash(list(self.rubrics().values())),
        }


def run_check(options: argparse.Namespace) -> int:
    """``jmeb judges check``: 1 when the panel misses its thresholds, 10 when a score is missing."""
    from jmeb_plugin.report.as_calibration import calibration_lines

    wanted, thresholds = read_wanted(options), thresholds_of(options)
    now = dt.datetime.now().astimezone()
    folder = out_folder(options) / run_name(options, f"judges-{now.strftime('%Y%m%d-%H%M%S')}")
    rated, taken = ask(wanted, folder, options)
    found = summarise(wanted, rated, thresholds, taken)
    path = folder / "judges.json"
    write_whole(path, json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    for line in (*calibration_lines(found), f"thresholds: {thresholds.path}", f"file: {path}"):
        print(printable(line))
    return ending(found)


def read_wanted(options: argparse.Namespace) -> Wanted:
    """What was typed, every mistake in it found before anybody is asked."""
    judges = find_endpoints(options, options.judge, "judges")
    if not judges:
        raise SettingsError('no judge is given; expected --judge NAME, or judges = ["…", "…"] in [tool.jmeb]')
    suite = load_suite(find_suite(options.suite, Path.cwd()))
    anchors = choose_anchors(suite, options.language or (), needed=not options.foreign)
    files = {name: read_file(Path.cwd() / name, suite) for name in dict.fromkeys(options.foreign)}
    return Wanted(suite, anchors, files, judges, setting(options, "repeats"))


def read_file(path: Path, suite: Suite) -> tuple[Anchor, ...]:
    """A file's answers, to be judged in the language of the suite that is written as they are."""
    rows = read_rows(path)
    script = script_of("", [answer for _, answer in rows])
    for language in suite.languages:
        turns = [turn for talk in suite.conversations if talk.language == language for turn in talk.turns]
        if script is not None and script_of(language, turns) == script:
            return as_anchors(path, rows, language)
    found = script.name if script else "no known script"
    raise SuiteError(
        f"{path}: written in {found}; expected answers in a language of {suite.name}: "
        f"{', '.join(suite.languages)}"
    )


def choose_anchors(suite: Suite, languages: Sequence[str], *, needed: bool) -> tuple[Anchor, ...]:
    """The suite's anchors in these languages; `SuiteError` where there are none though ``needed``."""
    for language in languages:
        if language not in suite.languages:
            raise SettingsError(
                f"--language: {suite.name} has no {language!r}{closest(language, suite.languages)}"
            )
    anchors = load_anchors(suite, languages)
    if needed and not anchors:
        expected = " or ".join(f"anchors.{language}.jsonl" for language in languages or suite.languages)
        raise SuiteError(f"{suite.path}: no anchors; expected {expected}")
    return anchors


def ask(wanted: Wanted, folder: Path, options: argparse.Namespace) -> tuple[list[Rated], dict[str, Any]]:
    """Have every answer judged as often as was asked for; the scores in their order, and what it took."""
    from jmeb_plugin.calibration import Rated
    from jmeb_plugin.preflight import rate

    rubrics, times = wanted.rubrics(), range(wanted.repeats)

    async def score(job: Job, meter: Meter, anchor: Anchor, repeat: int) -> tuple[Score, ...]:
        panel = [job.endpoints[judge.name] for judge in wanted.judges]
        journal, secret = job.runner.journal, job.runner.secret
        scores = await rate(anchor, panel, rubrics, job.answered, journal, secret, repeat)
        meter.step()
        return scores

    work = [(anchor, repeat) for anchor in wanted.everything for repeat in times]
    with (
        open_job(
            folder.parent, folder.name, wanted.judges, identity=wanted.identity(),
            concurrency=setting(options, "concurrency"), budget=setting(options, "budget"),
        ) as job,
        Meter(job, "answers", len(work)) as meter,
    ):  # fmt: skip
        scores = iter(job.run(lambda item: score(job, meter, *item), work))
    rated = [Rated(anchor, tuple(next(scores) for _ in times)) for anchor in wanted.everything]
    return rated, usage(job.runner.usage, wanted.judges).get("", {})


def summarise(
    wanted: Wanted, rated: Sequence[Rated], thresholds: Thresholds, taken: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of judges.json."""
    from jmeb_plugin.calibration import calibrate, fitness, known_safe
    from jmeb_plugin.gates.measurement import anchor_gates

    suite, rest = wanted.suite, iter(rated[len(wanted.anchors) :])
    found = calibrate(rated[: len(wanted.anchors)])
    limits = thresholds.release.min_anchor_agreement
    gates = anchor_gates("", limits, fitness(found)) if wanted.anchors else []
    return {
        "schema": 1,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "suite": {"name": suite.name, "version": suite.version, "sha256": suite.sha256},
        "anchors": {"sha256": anchors_hash(wanted.anchors)},
        "rubric": {"sha256": rubrics_hash(list(wanted.rubrics().values()))},
        "asked": judges_facts(wanted.judges),
        "endpoints": {judge.name: described(judge) for judge in wanted.judges},
        "thresholds": thresholds_facts(thresholds),
        **found,
        "foreign": [
            {"file": path, **known_safe([next(rest) for _ in rows])} for path, rows in wanted.files.items()
        ],
        "gates": [asdict(gate) for gate in gates if gate.state != "off"],
        "usage": taken,
    }


def ending(found: Mapping[str, Any]) -> int:
    """The exit status: a missed threshold wins over a missing score."""
    if any(gate["state"] == "fails" for gate in found["gates"]):
        return 1
    missing = [*found["unscored"], *(row for file in found["foreign"] for row in file["unscored"])]
    undecided = any(gate["state"] == "cannot-tell" for gate in found["gates"])
    return 10 if missing or undecided else 0
