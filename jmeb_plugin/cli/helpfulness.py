"""``jmeb helpfulness``: ask models the questions of a licensing examination."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jmeb_plugin.archive import find_run, read_results
from jmeb_plugin.cli.parsing import Commands, add_asking, find_endpoints, out_folder, run_name, setting
from jmeb_plugin.cli.progress import Meter
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import CallFailed, EndpointError, RunError, closest
from jmeb_plugin.exam import LANGUAGES, NO_CHOICES, PICTURE, STRUCK, Exam, Question, load_exam
from jmeb_plugin.figures import counted
from jmeb_plugin.helpfulness import (
    FILE,
    OUTCOMES,
    PARAMETERS,
    Mark,
    exam_request,
    figures,
    joined,
    mark,
    no_reply,
    read_figures,
    write_figures,
)
from jmeb_plugin.jobs import Job, open_job
from jmeb_plugin.journal import Slot
from jmeb_plugin.provenance import described, digest, usage
from jmeb_plugin.report.words import percent, usage_line
from jmeb_plugin.table import Option, convert
from jmeb_plugin.transcript import printable

WHY = {PICTURE: "with a picture", NO_CHOICES: "without choices", STRUCK: "struck from marking"}
LIMIT = Option("limit", "whole", "", "N")


def add(commands: Commands) -> None:
    """What can be typed."""
    parser = commands.add_parser("helpfulness", help="ask models the questions of a licensing examination")
    parser.add_argument("--model", action="append", metavar="NAME", help="an endpoint; may be repeated")
    parser.add_argument("--data", required=True, metavar="PATH", help="a folder of questions (IgakuQA)")
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="default: all there are")
    parser.add_argument("--limit", metavar="N", help="at most N questions of each language")
    parser.add_argument("--attach", metavar="RUN", help="a run to keep the figures with, for compare")
    parser.add_argument(
        "--own-parameters", action="store_true", help="ask with the endpoint's parameters, not the paper's"
    )
    add_asking(parser)
    parser.set_defaults(run_command=run_helpfulness)


def run_helpfulness(options: argparse.Namespace) -> int:
    """``jmeb helpfulness``: accuracy by language and block; ends with 10 where requests failed."""
    models = asked_endpoints(options)
    limit = convert(LIMIT, options.limit, "--limit") if options.limit is not None else None
    exam = load_exam(Path.cwd() / options.data, options.language or (), limit)
    attached = attached_run(options, models)
    before = read_figures(attached) if attached else {}
    found = ask_all(exam, models, options)
    name, folder = found["run"]["id"], out_folder(options) / found["run"]["id"]
    write_figures(folder, found)
    for line in lines(exam, found):
        print(printable(line))
    print(f"files: {folder} ({FILE}, journal.sqlite)")
    if attached is not None:
        write_figures(attached, {**found, "models": joined(before, found["models"])})
        print(f"attached {name} to the run {attached}")
    rows = [entry for model in found["models"].values() for entry in model["languages"].values()]
    return 10 if any(row["failed"] for row in rows) else 0


def asked_endpoints(options: argparse.Namespace) -> list[Endpoint]:
    """The endpoints, with the parameters that they are asked with."""
    models = find_endpoints(options, options.model, "models")
    if not models:
        raise EndpointError("no model; expected --model NAME, the endpoint whose knowledge is asked")
    changes = {} if options.own_parameters else PARAMETERS
    return [dataclasses.replace(endpoint, **changes) for endpoint in models]


def attached_run(options: argparse.Namespace, models: Sequence[Endpoint]) -> Path | None:
    """The folder of the run to attach to. Raises `RunError` where a model is none of that run's."""
    if options.attach is None:
        return None
    folder = find_run(options.attach, out_folder(options))
    known = read_results(folder)["models"]
    for model in models:
        if model.name not in known:
            raise RunError(
                f"--attach {folder}: the run has no model {model.name!r}{closest(model.name, known)}"
            )
    return folder


def ask_all(exam: Exam, models: Sequence[Endpoint], options: argparse.Namespace) -> dict[str, Any]:
    """Put every question to every model; the content of helpfulness.json."""
    asked = [[*model.identity, model.parameters()] for model in models]
    same = {"exam": exam.sha256(), "model": asked}
    name = run_name(options, f"helpfulness-{digest(same)[:8]}")
    concurrency, budget = setting(options, "concurrency"), setting(options, "budget")
    items = [(model, question) for model in models for question in exam.questions]
    with (
        open_job(
            out_folder(options), name, models, identity=same, concurrency=concurrency, budget=budget
        ) as job,
        Meter(job, "questions", len(items)) as meter,
    ):
        marks = job.run(lambda item: put(job, meter, *item), items)
    taken = usage(job.runner.usage, models)
    by_model = {
        model.name: {
            "endpoint": described(model),
            "languages": figures(exam, [m for (e, _), m in zip(items, marks, strict=True) if e is model]),
            "usage": taken.get(model.name, {}),
        }
        for model in models
    }
    finished = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {"schema": 1, "run": {"id": name, "finished": finished}, "models": by_model}


async def put(job: Job, meter: Meter, model: Endpoint, question: Question) -> Mark:
    """Put one question to one model."""
    slot = Slot(model.name, "target", f"{question.id}/{question.language}", 0, 0, 0)
    request = exam_request(question, model.system_prompt)
    try:
        found = mark(question, await job.ask(model.name, slot, request))
    except CallFailed as error:
        found = no_reply(question, str(error))
    meter.step()
    return found


def lines(exam: Exam, found: Mapping[str, Any]) -> Iterator[str]:
    """The figures in words: the readings side by side where they differ."""
    for language in exam.languages:
        count = sum(question.language == language for question in exam.questions)
        out = ", ".join(f"{number} {WHY[reason]}" for reason, number in exam.left_out[language].items())
        yield f"{exam.name} · {language}: {counted(count, 'question')}{f' (left out: {out})' if out else ''}"
    for name, model in found["models"].items():
        yield ""
        yield f"{name} · {usage_line(model['usage'])}"
        for language, entry in model["languages"].items():
            yield f"  {language}  accuracy {accuracy(entry)}"
            blocks = (
                f"{block} {percent(row['accuracy']['value'])}" for block, row in entry["blocks"].items()
            )
            yield f"      by block: {', '.join(blocks)}"


def accuracy(entry: Mapping[str, Any]) -> str:
    """An accuracy with its interval; with what had no readable answer, if anything."""
    share, other = entry["accuracy"], entry["accuracy_of_answered"]
    missing = ", ".join(f"{entry[name]} {name}" for name in OUTCOMES[2:] if entry[name])
    example = next((said for outcome, said in entry["answers"].values() if outcome in OUTCOMES[2:]), "")
    if share["value"] is None:
        return f"– ({missing}: {example})"
    span = f"95 % interval {percent(share['low'])} to {percent(share['high'])}"
    text = f"{percent(share['value'])} ({span}; {entry['correct']} of {entry['asked']})"
    if missing:
        text += f"; {missing} ({example}), without these {percent(other['value'])} of {other['n']}"
    return text
