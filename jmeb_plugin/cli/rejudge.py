"""``jmeb rejudge``: score a run's recorded answers with another panel. The target is not asked."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import Archive, case_to_json, find_run, open_archive
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
from jmeb_plugin.endpoints import Endpoint, check_panel
from jmeb_plugin.figures import counted
from jmeb_plugin.folder import write_whole
from jmeb_plugin.jobs import Job, open_job
from jmeb_plugin.measure import Measurement, Plan, given, seen_through
from jmeb_plugin.provenance import described, digest, judges_facts, usage
from jmeb_plugin.report.words import number, percent
from jmeb_plugin.scores import Record
from jmeb_plugin.suite import Case
from jmeb_plugin.thresholds import Thresholds
from jmeb_plugin.transcript import printable


def add(commands: Commands) -> None:
    """What can be typed."""
    parser = commands.add_parser("rejudge", help="score a run's answers with another panel")
    parser.add_argument("source", metavar="RUN", help="a run's folder, its name, or latest")
    parser.add_argument("--judge", action="append", metavar="NAME", help="a judge; give it at least twice")
    add_asking(parser)
    add_thresholds(parser)
    parser.set_defaults(run_command=run_rejudge)


def run_rejudge(options: argparse.Namespace) -> int:
    """``jmeb rejudge``: the summary by the new panel, and what changed; ends as a run would."""
    from jmeb_plugin.decide import decide_run, refuse_unfit
    from jmeb_plugin.report.as_terminal import summary_lines
    from jmeb_plugin.report.files import write_reports

    archive = open_archive(find_run(options.source, out_folder(options)))
    judges = find_endpoints(options, options.judge, "judges")
    for warning in check_panel(recorded_targets(archive), judges):
        print(f"warning: {warning}")
    thresholds = thresholds_of(options, archive.folder)
    for warning in refuse_unfit([archive], thresholds):
        print(printable(f"warning: {warning}"))
    folder = rejudge(archive, judges, thresholds, options)
    anew = open_archive(folder)
    results, judged = decide_run(anew, thresholds, anew.results["run"]["options"]["gate"])
    write_reports(folder, results, judged)
    for line in (*summary_lines(results, str(folder)), "", *differences(archive.results, results)):
        print(printable(line))
    return int(results["run"]["exit_status"])


def recorded_targets(archive: Archive) -> list[Endpoint]:
    """The models of the run, as far as a panel has to be told from them."""
    known = archive.results["run"]["endpoints"]
    facts = {name: known[name] for name in archive.models}
    return [
        Endpoint(name, fact["provider"], fact["model"], base_url=fact["address"], family=fact["family"])
        for name, fact in facts.items()
    ]


def rejudge(
    archive: Archive, judges: Sequence[Endpoint], thresholds: Thresholds, options: argparse.Namespace
) -> Path:
    """Have every recorded turn judged by the panel; the new run's folder, with a first results.json."""
    from jmeb_plugin.report.as_json import json_text

    out, began = out_folder(options), dt.datetime.now(dt.UTC)
    name = run_name(options, f"{archive.folder.name}-by-{digest([j.identity for j in judges])[:8]}")
    same = {"rejudged": archive.folder.name, "judge": [[*j.identity, j.parameters()] for j in judges]}
    concurrency, budget = setting(options, "concurrency"), setting(options, "budget")
    with (
        open_job(out, name, judges, identity=same, concurrency=concurrency, budget=budget) as job,
        Meter(job, "conversations", len(archive.cases)) as meter,
    ):
        panel = [job.endpoints[judge.name] for judge in judges]
        plan = Plan({}, panel, archive.rubrics, thresholds.for_case, concurrency)
        job.run(lambda case: judge_case(job, meter, plan, archive, case), archive.cases)
    taken = usage(job.runner.usage, judges)
    run = {
        **{name: fact for name, fact in archive.results["run"].items() if name != "anchors"},
        "id": name,
        "started": began.isoformat(timespec="seconds"),
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "judges": judges_facts(judges),
        "rejudged": archive.folder.name,
        "endpoints": {
            **{model: archive.results["run"]["endpoints"][model] for model in archive.models},
            **{judge.name: described(judge) for judge in judges},
        },
    }
    models = {model: {"usage": taken.get(model, {})} for model in archive.models}
    first = {"run": run, "models": models, "gates": [], "verdicts": []}
    write_whole(out / name / "results.json", json_text(first))
    return out / name


async def judge_case(job: Job, meter: Meter, plan: Plan, archive: Archive, case: Case) -> None:
    """Judge every turn of a recorded conversation, and keep the new record."""
    journal, old = job.runner.journal, archive.records[case.id].transcript
    if journal.recall("suites") is None:
        for name, value in archive.noted.items():
            journal.note(name, value)
    work = Measurement(case, plan, job.answered, journal.session, job.runner.secret)
    judging = [work.judge(old.turns[: index + 1]) for index in range(len(old.turns))]
    async with seen_through(judging):
        record = Record(old, await given(judging))
    journal.keep(case.id, {"case": case_to_json(case), "record": record.to_json()})
    meter.step()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What the other panel changes: figures side by side, then each verdict that is another."""
    from jmeb_plugin.decide import changed

    was, now = (", ".join(side["run"]["judges"]["names"]) for side in (old, new))
    yield f"judged by {was} → {now}"
    for name, model in new["models"].items():
        before = old["models"][name]
        yield f"{name}: mean score {number(before['score']['mean'], 2)} → {number(model['score']['mean'], 2)}"
        rates = (percent(side["safety_pass_rate"]["value"]) for side in (before, model))
        yield f"{name}: safety pass rate {' → '.join(rates)}"
    states = {(gate["model"], gate["name"], gate["slice"]): gate["state"] for gate in old["gates"]}
    for gate in new["gates"]:
        state = states.get((gate["model"], gate["name"], gate["slice"]))
        if state is not None and state != gate["state"]:
            yield f"gate {gate['name']} {gate['slice']}: {state} → {gate['state']}".replace("  ", " ")
    lines = changed(old["verdicts"], new["verdicts"])
    yield f"{len(lines)} of {counted(len(new['verdicts']), 'verdict')} changed"
    yield from lines
