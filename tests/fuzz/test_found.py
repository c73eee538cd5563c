"""What fuzzing found: each input once broke its reader, or was taken though it should not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.dataset.review import Decision, write_reviewed
from jmeb_plugin.suite import load_suite
from tests.fuzz.mutations import as_json, as_lines, as_toml, as_yaml
from tests.fuzz.targets import (
    ANSWER,
    BUNDLED,
    EXAM,
    FIGURES,
    FOREIGN,
    KEPT,
    KEY,
    RESULTS,
    ROWS,
    TABLE,
    TALKS,
    TARGETS,
    VERDICT,
    as_csv,
    hold,
    verdict,
)
from tests.unit.builders import HEAD, row

HUGE = 10**400
DEEP = "[" * 900 + "]" * 900


def endpoint(**changes: Any) -> bytes:
    """The table with something else in its first endpoint."""
    return as_toml({"jmeb": {"endpoints": {"it": {**TABLE["endpoints"]["it"], **changes}}}})


def raw(data: Any, **deep: str) -> bytes:
    """JSON with a text in the place of each of these marks."""
    text = as_json(data).decode()
    for mark, value in deep.items():
        text = text.replace(f'"{mark}"', value)
    return text.encode()


def results(*verdicts: Any) -> bytes:
    """results.json with these verdicts."""
    return as_json({**RESULTS, "verdicts": list(verdicts)})


REFUSED: list[tuple[str, bytes, str]] = [
    # TOML: no table, numbers without an end, depth, what JSON cannot say, half a number
    ("table", b"tool = 1", "jmeb: expected a table"),
    ("table", b"jmeb.seed = inf", "seed: expected a whole number from 0, found inf"),
    ("table", b"jmeb.seed = 2.7", "seed: expected a whole number from 0, found 2.7"),
    ("table", b"jmeb.seed = 0x" + b"f" * 5000, "a number of more than 100 digits"),
    ("table", b"jmeb.budget = 1" + b"0" * 400, "a number of more than 100 digits"),
    ("table", b"jmeb.x = " + b"[" * 5000, "nested too deeply"),
    ("table", b".".join([b"jmeb"] * 300) + b" = 1", "nested too deeply"),
    ("table", endpoint(extra_body={"a": float("nan")}), "no date and no infinite number can be sent"),
    ("table", b"[jmeb.endpoints.it]\nprovider = 'openai'\nmodel = 'm'\nextra_body = {a = 2027-01-01}", "no date"),
    ("table", endpoint(temperature=float("inf")), "temperature: inf is impossible"),
    ("table", endpoint(base_url="http://h/" + "x" * 5000 + " "), "is no address"),
    ("mapping", b"[match]\nid = 'a{99999999999999999999}'", "no regular expression"),
    ("mapping", b"[match]\nid = '" + b"(" * 5000 + b"'", "no regular expression"),
    ("plan", b"x = " + b"[" * 5000, "nested too deeply"),
    # suites
    ("suite", as_yaml({**HEAD, "rubric": ["x"]}), "rubric: a list ['x'] is no rubric; expected a name"),
    ("suite", as_yaml({**HEAD, "languages": ["x" * 300]}), "is no language; expected a name"),
    ("suite", b'"a\\nb\\e[31m": 1', "unknown key"),
    ("conversations", as_lines(row()).decode().encode("utf-16"), "not UTF-8"),
    ("conversations", as_lines(row(seed="\ud800")), "seed: half of a surrogate pair"),
    ("conversations", as_lines(row(source="\udfff")), "source: half of a surrogate pair"),
    ("conversations", as_lines({**row(), "x" * 5000: 1}), "unknown key 'xxx"),
    ("rubric", as_yaml({**BUNDLED, "guideline": "{0.__class__}"}), "{0.__class__} stands for nothing; expected {id}, {title}"),
    ("rubric", as_yaml({**BUNDLED, "duty": "{"}), "expected {{ and }} for braces"),
    ("rubric", as_yaml({**BUNDLED, "opening": "{mark!r:>9}"}), "{mark!r:>9} stands for nothing"),
    ("prompts", as_yaml({"seeds": {"order": "{nobody}"}}), "expected a text"),
    ("phrases", b"a{99999999999999999999}", "no regular expression"),
    ("phrases", b"(?P\x00", "no regular expression"),
    # other people's data
    ("foreign", as_csv([*FOREIGN, ["x" * 200_000, "No."]]), "not CSV: field larger than field limit"),
    ("exam", raw([{**EXAM[0], "choices": "M"}][0], M=DEEP), "choices: expected a list of texts, found a list"),
    ("records", b"\xff", "not UTF-8"),
    ("records", raw(TALKS[0]).replace(b"One.", b"\xed\xa0\x80"), "not UTF-8"),
    ("rows-json", as_json([{**ROWS[0], "guideline": "\ud800"}]), "guideline: half of a surrogate pair"),
    ("sheet-xlsx", b"PK\x03\x04" + b"\x00" * 60, "cannot be read as .xlsx"),
    ("sheet-csv", b"\x1b[31mred\r\n1\r\n", "no column"),
    ("junit", b"<\x00?xml?>", "cannot be read as JUnit XML"),
    ("junit", b"<testsuite><testcase time='x'/></testsuite>", "cannot be read as JUnit XML"),
    # what a run wrote
    ("results", results({**verdict("G-0", 9.0), "model": "other"}), "no model 'other'"),
    ("results", results({**verdict("G-0", 9.0), "turns": []}), "expected a score for each turn"),
    ("results", results({**verdict("G-0", 9.0), "mean": 11}), "mean: expected a number from 1 to 10"),
    ("results", results({**verdict("G-0", 9.0), "id": "x"}), "id: expected a text like"),
    ("results", results({**verdict("G-0", 9.0), "mean": float("nan")}), "NaN is no JSON"),
    ("results", as_json({**RESULTS, "run": []}), "run: expected a mapping, found a list []"),
    ("baseline", as_json({**KEPT, "models": {"m": {"a": ["safe", HUGE]}}}), "neither results.json nor a file of"),
    ("baseline", as_json({**KEPT, "models": {"m": {"a": ["safe", 11.0]}}}), "a score outside 1 to 10"),
    ("baseline", as_json({**KEPT, "hashes": {**KEPT["hashes"], "suites": float("nan")}}), "NaN is no JSON"),
    ("results-as-baseline", results({**verdict("G-0", 9.0), "model": None}), "model: expected a text, found nothing"),
    ("helpfulness", as_json({"models": {"m": {"languages": {"ja": {"accuracy": {"value": 0.5}}}}}}), "low is missing"),
    ("key", b'{"secret": "ab", "annotators": Infinity, "rows": {}}', "cannot be read (OverflowError"),
    ("key", b'{"secret": "ab", "annotators": 1000000000, "rows": {}}', "annotators: 1000000000"),
    ("key", as_json({"secret": KEY.secret, "annotators": 2, "rows": {"a": {"case": 1, "turn": "x", "kind": []}}}), "no pick"),
]  # fmt: skip
TAKEN: list[tuple[str, bytes]] = [
    ("conversations", as_lines(row()).replace(b", ", b",\r")),
    ("conversations", b"\xef\xbb\xbf" + as_lines([{"canary": "c"}, row()])),
    ("conversations", b'{"canary" \xff}\n' + as_lines(row())),
    ("conversations", as_lines(row(turns=["A\u2028B\u0085C"])).decode("unicode_escape").encode()),
    ("rows-json", as_json([{**ROWS[0], "seed": HUGE}])),
    ("helpfulness", as_json(FIGURES)),
    ("judge", raw({**VERDICT, "reason": "M"}, M=DEEP)),
    ("judge", raw({**VERDICT, "score": "M"}, M="9" * 4000)),
    ("answer", raw({**ANSWER, "choices": [{"finish_reason": "M", "message": {"content": "x"}}]}, M="[" * 940 + "]" * 940)),
    ("answer", raw({**ANSWER, "usage": {"prompt_tokens": 2**62, "completion_tokens": 1e300}})),
    ("answer", b"http://[\n1e999\n"),
    ("answer", b"\x1b[31mred\x07"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_broke_a_reader_is_refused_with_a_message(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    """One message, by which whoever wrote the file can mend it."""
    TARGETS[name].beside(tmp_path)
    assert message in hold(TARGETS[name], tmp_path, data)


@pytest.mark.parametrize(("name", "data"), TAKEN, ids=range(len(TAKEN)))
def test_what_broke_a_reader_is_taken(name: str, data: bytes, tmp_path: Path) -> None:
    """It is right, if unusual: every reader of the file takes it, not the first alone."""
    TARGETS[name].beside(tmp_path)
    assert hold(TARGETS[name], tmp_path, data) == ""


def test_a_reviewed_suite_keeps_its_lines(tmp_path: Path) -> None:
    """Signs that some programs take for the end of a line are part of a text; the canary stays."""
    TARGETS["conversations"].beside(tmp_path)
    path = tmp_path / "conversations.en.jsonl"
    line = json.dumps(row(turns=["A\u2028B\x85C"]), ensure_ascii=False)
    path.write_text(f'{{"canary": "c"}}\n{line}\n', encoding="utf-8")
    suite = load_suite(tmp_path)
    write_reviewed(suite, [Decision(suite.conversations[-1].id, "accepted", ())], tmp_path / "reviewed")
    assert (tmp_path / "reviewed" / path.name).read_bytes() == path.read_bytes()
