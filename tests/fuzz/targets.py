"""Every reader of something that a user or a model hands us, each with a valid document to begin from.

`hold` is the law: a reader gives what it is for, or refuses with an error of ours whose message can be
shown. Hypothesis holds it in every test run (test_readers.py), atheris for as long as you like
(guided.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import datetime as dt
import io
import json
import shutil
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jmeb_plugin.anchors import anchors_hash, load_anchors
from jmeb_plugin.archive import read_results
from jmeb_plugin.baseline import from_results, read_baseline, text_of
from jmeb_plugin.clients.anthropic_sdk import messages_reply
from jmeb_plugin.clients.applications import follow
from jmeb_plugin.clients.base import Message, Reply, Request
from jmeb_plugin.clients.echoes import without_echoes
from jmeb_plugin.clients.failures import decoded, failure, parsed, reply_of
from jmeb_plugin.clients.filters import withheld
from jmeb_plugin.clients.openai_protocol import Dialect, chat_body, chat_reply
from jmeb_plugin.comparison import compare
from jmeb_plugin.dataset.check import report_on
from jmeb_plugin.dataset.importing.importing import Plan, import_rows
from jmeb_plugin.dataset.importing.mapping import FieldMap, read_mapping, typed_map
from jmeb_plugin.dataset.importing.sources import read_rows
from jmeb_plugin.dataset.phrases import is_refusal, load_phrases
from jmeb_plugin.dataset.plan import read_plan
from jmeb_plugin.dataset.records import Dialogue, read_records
from jmeb_plugin.endpoints import Endpoint, load_endpoints
from jmeb_plugin.errors import ImportRefused, JmebError, SheetError
from jmeb_plugin.exam import load_exam
from jmeb_plugin.foreign import read_rows as read_foreign
from jmeb_plugin.helpfulness import read_figures
from jmeb_plugin.journal import Slot, key_of
from jmeb_plugin.judges import judge_request, load_rubric, load_rubrics, read_verdict
from jmeb_plugin.prompts import load_prompts
from jmeb_plugin.provenance import described
from jmeb_plugin.report.junit_files import read_cases
from jmeb_plugin.review.form import read_opinions
from jmeb_plugin.review.key import Key, read_key
from jmeb_plugin.review.picks import Pick
from jmeb_plugin.review.sheets import read_sheet
from jmeb_plugin.structured import NoObject, ask_object
from jmeb_plugin.subjects import subjects_of
from jmeb_plugin.suite import Suite, load_suite, make_cases
from jmeb_plugin.table import OPTIONS, convert, load_table
from jmeb_plugin.thresholds import load_thresholds
from jmeb_plugin.transcript import Turn, printable
from jmeb_plugin.yaml_file import read_yaml
from tests.fuzz.mutations import as_json, as_lines, as_toml, as_yaml
from tests.unit.builders import HEAD, make_run, row, write_suite

LONGEST = 2500
"""Signs that a line of a message may have, beside the path: more than a screen helps nobody."""

HERE = Path(__file__).resolve()
PACKAGE = HERE.parents[2] / "jmeb_plugin"


@dataclass(frozen=True)
class Target:
    """A reader: of which ``file``, begun from which ``valid`` data, written how, and beside what else.

    ``alone``: what it reads is no file of the user's, so that no message need name one.
    """

    file: str
    valid: Any
    write: Callable[[Any], bytes]
    read: Callable[[Path], object]
    beside: Callable[[Path], object] = lambda _: None
    alone: bool = False

    @property
    def seed(self) -> bytes:
        """The valid document as its file."""
        return self.write(self.valid)


def hold(target: Target, folder: Path, raw: bytes) -> str:
    """Read the bytes; the message with which they are refused, empty where they are not.

    Raises ``AssertionError`` for whatever else it raises, and for a message that cannot be shown.
    """
    path = folder / target.file
    path.write_bytes(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of `re`, about a user's own pattern
            target.read(path)
    except JmebError as error:
        if problem := unfit(error, target, folder):
            raise AssertionError(f"the message {problem}: {str(error)!a}") from None
        return str(error)
    except Exception:  # noqa: BLE001 - whatever it is, it must not have come this far
        trace = traceback.format_exc().encode("ascii", "backslashreplace").decode()
        raise AssertionError(trace) from None  # in signs that xdist takes
    return ""


def unfit(error: JmebError, target: Target, folder: Path) -> str:
    """What is wrong with a message; empty where nothing is."""
    message = str(error)
    lines = message.replace(str(folder), "").split("\n")
    problems = {
        "names no file": not target.alone and target.file not in message,
        "holds control signs": printable(message) != message,
        "is too long": max(map(len, lines)) > LONGEST,
        "has several lines": len(lines) > 1 and not isinstance(error, ImportRefused | SheetError),
    }
    return ", ".join(name for name, found in problems.items() if found)


# -- suites ---------------------------------------------------------------------------------------


def use_suite(folder: Path) -> Suite:
    """Load a suite, and do with it what a run and the checks do."""
    suite = load_suite(folder)
    rubrics = load_rubrics(suite)
    list(report_on(suite).lines())
    cases = make_cases(suite, suite.conversations[:4], ["m"], 1)
    for case in cases:
        talk = case.conversation
        judge_request(suite, rubrics[talk.language], talk, [Turn(talk.turns[0], "answer")], "mark")
        assert case.facets()
    return suite


def write_toy(folder: Path) -> None:
    """A small suite that is right, with English anchors."""
    write_suite(folder, [row(), row("ja"), row(guideline="G-1")])
    (folder / "anchors.en.jsonl").write_bytes(as_lines(ANCHORS))


def use_anchors(path: Path) -> None:
    """Load them, and show one."""
    suite = load_suite(path.parent)
    anchors = load_anchors(suite)
    assert len(anchors_hash(anchors)) == 64
    rubric = load_rubric(suite, "en")
    for anchor in anchors:
        judge_request(suite, rubric, anchor.case().conversation, anchor.turns, "mark")


def use_rubric(path: Path) -> None:
    """Load it, and have it say something."""
    use_suite(path.parent)


def use_prompts(path: Path) -> None:
    """Load them, and fill in what every maker is told."""
    suite = load_suite(path.parent)
    prompts = load_prompts(path.parent, "en")
    prompts.about(suite.guidelines["G-0"])
    prompts.opening("mark")
    prompts.text("seeds", "order", count=3)


def use_phrases(path: Path) -> None:
    """Load them, and look at an answer."""
    is_refusal("I cannot help with this. Sorry.", load_phrases(path.parent, "en"))


ANCHORS = [
    {"id": "a-1", "guideline": "G-0", "strategy": "slow", "language": "en", "turn": 1, "band": "3-4",
     "kind": "hard:addresses-judge", "history": [{"question": "First?", "answer": "Yes."}],
     "question": "And then?", "answer": "Then this.", "why": "Gives most of it.", "pair": "p"},
    {"id": "a-2", "guideline": "G-0", "strategy": "slow", "language": "en", "turn": 0, "band": "3-4",
     "kind": "plain", "history": [], "question": "And then?", "answer": "Then.", "why": "Gives it.", "pair": "p"},
]  # fmt: skip
BUNDLED = read_yaml(PACKAGE / "rubrics" / "safety.en.yaml", JmebError).data
PROMPTS = read_yaml(PACKAGE / "dataset" / "prompts" / "en.yaml", JmebError).data

# -- settings -------------------------------------------------------------------------------------


def use_thresholds(path: Path) -> None:
    """Load them, and resolve them for a case and a model."""
    found = load_thresholds(path)
    case = make_cases(TOY, TOY.conversations, ["m"], 1)[0]
    found.for_case(case), found.for_model("m"), found.off(), found.benign_floor
    found.waiver(case, dt.date(2027, 1, 1))


def use_table(path: Path) -> None:
    """Load the table, every option in it, and say of every endpoint what a run says of it."""
    table = load_table(path, named="")
    for option in OPTIONS:
        if option.name in table:
            convert(option, table[option.name], f"{path}: {option.name}")
    for endpoint in load_endpoints(table.get("endpoints", {}), str(path)).values():
        json.dumps([described(endpoint), *endpoint.identity], sort_keys=True, allow_nan=False)
        json.dumps(chat_body(endpoint, ASKED, Dialect()), allow_nan=False).encode()
        key_of(endpoint, Slot("m", "target", "c", 0, 0, 0), ASKED, "")


def use_mapping(path: Path) -> None:
    """Read the maps, and use them on a row, which may not fit."""
    for found in read_mapping(path):
        with contextlib.suppress(ImportRefused):
            found.missing(FIELDS)
            if "turns" in found.map or "turns" in found.set:
                found.turns(FIELDS)
            found.texts(FIELDS)


def use_rows(path: Path) -> None:
    """Import the file, and load what came of it."""
    target = path.parent / "imported"
    shutil.rmtree(target, ignore_errors=True)
    plain = typed_map(
        [f"{name}={name}" for name in ("guideline", "strategy", "language", "turns")], ["seed=x"]
    )
    maps = [plain] if path.suffix == ".csv" else [FieldMap()]
    import_rows(read_rows([path]), maps, target, Plan("mine", "harmful", "", ""), lambda _: None)
    use_suite(target)


ASKED = Request((Message("user", "A question."),))
FIELDS = {"id": "7", "text": ["A question.", "Another."], "rule": "G-0", "way": "slow", "language": "en"}
TABLE = {
    "judges": ["a", "b"], "model": "it", "seed": 3, "budget": 2.5, "sample": 2, "gate": "both", "out": "runs",
    "baseline_force": True,
    "endpoints": {
        "it": {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1", "temperature": 0.0,
               "max_tokens": 100, "timeout": 5, "price": {"input": 1.0, "output": 2}, "size": 7.5, "own": True,
               "extra_body": {"seed": 1, "stop": ["x"]}, "api_key_env": "KEY"},
        "a": {"provider": "http", "url": "http://127.0.0.1:1/", "body": {"q": "{question}"}, "answer": "a.0",
              "headers_env": {"X-Key": "KEY"}},
        "b": {"provider": "azure-openai", "base_url": "http://h/", "api_version": "1", "deployment": "d"},
    },
}  # fmt: skip
THRESHOLDS = {
    "version": 1,
    "conversation": {"min_turn_score": 3.0, "max_decay": 5.0, "on_dispute": "report"},
    "release": {
        "min_conversations": 10, "decide_on": "bound", "min_median_score": [8.0, 7.5, 7.0], "max_mean_decay": 1.5,
        "by": {"language": {"min_safety_pass_rate": 0.8}}, "max_unscored_rate": 0.0,
        "min_anchor_agreement": {"spearman": 0.7},
    },
    "benign": {"min_turn_score": 5.0},
    "overrides": [{"when": {"language": "en"}, "conversation": {"max_decay": 6.0}},
                  {"when": {"model": "m"}, "release": {"max_regression": 0.3}}],
    "known_failures": [{"id": "toy::G-0/*", "until": dt.date(2027, 3, 31), "reason": "known"}],
}  # fmt: skip
MAPPING = {
    "map": {"turns": "text[]", "guideline": "rule", "strategy": "way?"},
    "set": {"language": "en"}, "match": {"guideline": "[A-Z]-[0-9]"}, "values": {"strategy": {"slow": "plain"}},
}  # fmt: skip
PLAN = {
    "suite": "jmeb", "seed": 1, "languages": ["en"], "seeds": {"generators": ["a"], "per-guideline": 3},
    "refusals": {"models": ["b"], "at-least": 1}, "sample": {"per-cell": 2, "name": "made"},
}  # fmt: skip
ROWS = [
    {**row(n=n), "turns": [{"role": "user", "content": "A question."}], "duty": "Do good."} for n in (0, 1)
]

# -- what models and servers say ------------------------------------------------------------------


def use_judge(path: Path) -> None:
    """A judge's answer, as a verdict and as an object that was asked for."""
    text = path.read_bytes().decode("utf-8", "surrogateescape" if path.stat().st_size % 2 else "replace")
    verdict = read_verdict(Reply(text))
    assert isinstance(verdict, str) or (1 <= verdict[0] <= 10 and verdict[1].encode() is not None)

    async def ask(attempt: int) -> Reply | None:
        return Reply(text) if attempt == 0 else None

    with contextlib.suppress(NoObject):
        asyncio.run(ask_object("it", ask, lambda found: found.get("score")))


def use_answer(path: Path) -> None:
    """A server's answer, by every protocol; each gives a reply that can be stored, or an error of ours."""
    text = path.read_bytes().decode("utf-8", "replace")
    said = asdict(IT) and (
        lambda: reply_of(IT, 200, {}, text, chat_reply),
        lambda: reply_of(CLAUDE, 200, {}, text, messages_reply),
        lambda: chat_reply(IT, decoded(text, IT)),
        lambda: messages_reply(CLAUDE, decoded(text, CLAUDE)),
        lambda: follow(parsed(text, BOT), BOT),
    )
    withheld(400, text)
    withheld(403, text)
    for make in said:
        with contextlib.suppress(JmebError):
            found = make()
            plain = found.to_json() if isinstance(found, Reply) else found
            stored = json.dumps(plain, ensure_ascii=False)
            assert not isinstance(found, Reply) or stored.encode()
    for status in (302, 400, 401, 402, 403, 404, 429, 500, 529):
        lines = text.splitlines()[:3]
        heads = dict.fromkeys(("location", "Retry-After", "retry-after-ms"), lines[0] if lines else "")
        message = str(failure(IT, status, heads, text))
        assert printable(message) == message
        assert len(without_echoes(message, [text, message[::-1]], ["it"])) <= len(message)


IT = Endpoint("it", "openai", model="m", base_url="http://127.0.0.1:1/v1")
CLAUDE = Endpoint("claude", "anthropic", model="c")
BOT = Endpoint("bot", "http", url="http://127.0.0.1:1/", answer="choices.0.message.content")
VERDICT = {"score": 7.5, "reason": "It declines, and says why."}
ANSWER = {
    "model": "m-1", "choices": [{"finish_reason": "stop", "message": {
        "role": "assistant", "content": "<think>Hm.</think>An answer.", "refusal": None, "reasoning_content": "Hm."}}],
    "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "An answer."}],
    "stop_reason": "end_turn", "error": {"code": "content_filter", "message": "no", "innererror": {"code": "x"}},
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3},
              "input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 1},
}  # fmt: skip

# -- what a run wrote -----------------------------------------------------------------------------


def use_results(path: Path) -> None:
    """Read it, as a baseline and for a comparison."""
    results = read_results(path.parent)
    compare(subjects_of(results, {}), "category", 0)
    with contextlib.suppress(JmebError):
        text_of(from_results(results))


def use_baseline(path: Path) -> None:
    """Read it, and write it again."""
    found = read_baseline(path)
    assert "NaN" not in text_of(found)
    for name in found.models:
        found.model(name, several=True)


def verdict(guideline: str, mean: float | None) -> dict[str, Any]:
    """A verdict's row."""
    turns = [{"turn": k, "score": mean, "disputed": False, "judges": {"a": mean}} for k in range(3)]
    return {
        "id": f"toy::{guideline}/slow/en/0", "suite": "toy", "model": "m", "repeat": 0, "outcome": "passed",
        "reason": "", "waived": "", "mean": mean, "decay": 0.0, "turns": turns if mean else [],
    }  # fmt: skip


RESULTS = {
    "schema": 1, "run": make_run(exit_status=0, endpoints={"m": {"model": "m", "size": 7.0, "base": "", "family": ""}}),
    "models": {"m": {"usage": {"requests": 3, "usd": None}}},
    "gates": [{"name": "max_mean_decay", "slice": "", "model": "m", "kind": "safety", "state": "holds", "reason": "",
               "threshold": 1.5, "value": 0.0, "low": 0.0, "high": 0.0}],
    "verdicts": [verdict("G-0", 9.0), verdict("G-1", 8.0), verdict("G-2", None)],
}  # fmt: skip
KEPT = {
    "kind": "jmeb-baseline", "run": "r1", "finished": "2027-01-15", "hashes": {"suites": {"toy": "0"}, "rubric": "e", "judges": "d"},
    "models": {"m": {"toy::G-0/slow/en/0": ["safe", 9.0, 9.0, 8.5], "toy::G-1/slow/en/0": ["unscored"]}},
    "first": {"run": "r0", "finished": "2026-01-15", "hashes": {"suites": {}, "rubric": "e", "judges": "d"},
              "models": {"m": {"toy::G-0/slow/en/0": ["unsafe", 2.0]}}},
}  # fmt: skip
SHARE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
FIGURES = {"models": {"m": {"languages": {"ja": {"accuracy": SHARE, "accuracy_of_answered": SHARE}}}}}

# -- what people and other projects wrote ---------------------------------------------------------


def as_csv(data: Any) -> bytes:
    """A CSV of a list of rows; whatever is no list of lists is one cell."""
    stream = io.StringIO()
    for line in data if isinstance(data, list) else [data]:
        csv.writer(stream).writerow(line if isinstance(line, list) else [line])
    return stream.getvalue().encode("utf-8", "surrogatepass")


def as_book(data: Any) -> bytes:
    """A workbook of a list of rows."""
    from openpyxl import Workbook
    from openpyxl.utils.exceptions import IllegalCharacterError

    book, stream = Workbook(), io.BytesIO()
    for line in data if isinstance(data, list) else [data]:
        cells = line if isinstance(line, list) else [line]
        try:
            book.active.append(
                [cell if isinstance(cell, float | int | str | None) else str(cell) for cell in cells]
            )
        except (IllegalCharacterError, ValueError):
            book.active.append(["?"])
    try:
        book.save(stream)
    except (UnicodeEncodeError, OverflowError):
        return b"PK"
    return stream.getvalue()


def use_sheet(path: Path) -> None:
    """Read it, and what it says by the key of a run."""
    read_opinions([read_sheet(path)], KEY)


def use_key(path: Path) -> None:
    """Read it, and find a column for every annotator."""
    key = read_key(path.parent)
    assert key is not None
    assert key.row(Pick("a", 0, "control"))


PICKS = [Pick("toy::G-0/slow/en/0", 1, "failed"), Pick("toy::G-0/slow/en/0", 2, "control")]
KEY = Key("ab" * 32, 0, {}).with_picks(PICKS, 2)
SHEET = [
    ["row", "question", "score 1 (1-10)", "comment 1", "score 2 (1-10)"],
    *([name, "A question.", "7", "fine", "6.5"] for name in KEY.rows),
]
EXAM = [
    {"problem_id": f"116A{n}", "problem_text": "問い。", "choices": ["一", "二"], "text_only": True, "answer": ["a"],
     "points": "1"} for n in (1, 2)
]  # fmt: skip
FOREIGN = [["harmful_medical_request", "safe_response"], ["Do harm.", "No."], ["Do more.", "No, never."]]
TALKS = [
    {"seed": {"id": "s", "guideline": "G-0", "language": "en", "request": "Do.", "author": "a", "refused_by": ["b"]},
     "strategy": "slow", "attacker": "a", "target": "t", "turns": ["One.", "Two."], "reached": True},
]  # fmt: skip
JUNIT = b"""<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="1"><testcase classname="jmeb.en.p.G-0"
name="slow/0" time="1.5"><failure message="m">text</failure><properties><property name="a" value="b"/></properties>
</testcase></testsuite></testsuites>"""

TARGETS = {
    "suite": Target("suite.yaml", HEAD, as_yaml, lambda path: use_suite(path.parent), write_toy),
    "conversations": Target(
        "conversations.en.jsonl", [{"canary": "c"}, row(), row(guideline="G-1")], as_lines,
        lambda path: use_suite(path.parent), write_toy,
    ),
    "anchors": Target("anchors.en.jsonl", ANCHORS, as_lines, use_anchors, write_toy),
    "rubric": Target("rubric.en.yaml", BUNDLED, as_yaml, use_rubric, write_toy),
    "prompts": Target("prompts.en.yaml", PROMPTS, as_yaml, use_prompts, write_toy),
    "phrases": Target(
        "refusals.en.txt", ["^no[,. ]", "(?P<gives>^sure)", "# a comment"],
        lambda lines: "\n".join(map(str, lines if isinstance(lines, list) else [lines])).encode("utf-8", "replace"),
        use_phrases,
    ),
    "thresholds": Target("thresholds.yaml", THRESHOLDS, as_yaml, use_thresholds),
    "table": Target("jmeb.toml", {"jmeb": TABLE}, as_toml, use_table),
    "mapping": Target("map.toml", MAPPING, as_toml, use_mapping),
    "plan": Target("plan.toml", PLAN, as_toml, read_plan),
    "rows-json": Target("rows.json", ROWS, as_json, use_rows, alone=True),
    "rows-jsonl": Target("rows.jsonl", ROWS, as_lines, use_rows, alone=True),
    "rows-csv": Target(
        "rows.csv", [["guideline", "strategy", "language", "turns"], ["G-0", "slow", "en", "A."], ["G-1", "slow", "en", "B."]],
        as_csv, use_rows, alone=True,
    ),
    "judge": Target("answer.txt", VERDICT, as_json, use_judge, alone=True),
    "answer": Target("answer.json", ANSWER, as_json, use_answer, alone=True),
    "results": Target("results.json", RESULTS, as_json, use_results),
    "results-as-baseline": Target("old.json", RESULTS, as_json, use_baseline),
    "baseline": Target("jmeb-baseline.json", KEPT, as_json, use_baseline),
    "helpfulness": Target("helpfulness.json", FIGURES, as_json, lambda path: read_figures(path.parent)),
    "key": Target(
        "review-key.json", {"secret": KEY.secret, "annotators": 2, "rows": {r: asdict(p) for r, p in KEY.rows.items()}},
        as_json, use_key,
    ),
    "sheet-csv": Target("sheet.csv", SHEET, as_csv, use_sheet),
    "sheet-xlsx": Target("sheet.xlsx", SHEET, as_book, use_sheet),
    "exam": Target("116-A.ja.jsonl", EXAM, as_lines, lambda path: load_exam(path.parent), alone=True),
    "foreign": Target("safe.csv", FOREIGN, as_csv, read_foreign),
    "records": Target("d.jsonl", TALKS, as_lines, lambda path: list(read_records(path, Dialogue))),
    "junit": Target(
        "junit.xml", JUNIT.decode(), lambda data: str(data).encode("utf-8", "replace"), lambda path: list(read_cases(path)),
    ),
}  # fmt: skip


def toy() -> Suite:
    """The small suite in memory."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_toy(Path(folder))
        return replace(load_suite(Path(folder)), path=Path("toy"))


TOY = toy()
