"""The law of every command: whatever stands in the files it is pointed at, no traceback reaches the user.

Real processes over real files: a run of the demo, and a suite, in which something is wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.mutations import as_json, change
from tests.unit.builders import row, write_suite

STATUSES = {0, 1, 2, 4, 5, 10}
LIMITS = "version: 1\nconversation: {min_turn_score: 3.0}\nrelease: {min_safety_pass_rate: 0.85}\n"


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """A command in that folder, in an environment of its own; ``TimeoutExpired`` for one that hangs."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("JMEB_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, *(words if words[0] == "-c" else ("-m", *words))], cwd=folder, capture_output=True, timeout=120, check=False,
        env={**known, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip


def hold(done: subprocess.CompletedProcess[bytes]) -> str:
    """The law; what was said."""
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback" not in said, said
    assert "INTERNALERROR" not in said, said
    assert done.returncode in STATUSES, said
    assert "\x1b" not in said
    return said


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of the demo."""
    folder = tmp_path_factory.mktemp("demo")
    write_suite(folder, [row(), row("ja"), row(guideline="G-1"), row("ja", guideline="G-1")])
    (folder / "thresholds.yaml").write_text(LIMITS)
    quiet = ("-p", "no:randomly", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "-q")
    call(
        folder,
        "pytest",
        *quiet,
        "--jmeb-model=demo",
        "--jmeb-suite=.",
        "--jmeb-run=one",
        "-p",
        "jmeb_plugin.plugin",
    )
    assert (folder / ".jmeb" / "one" / "results.json").is_file()
    return folder


def broken(run: Path, target: Path, name: str, make: Callable[[bytes], bytes]) -> Path:
    """A copy of the folder in which one file is another."""
    shutil.copytree(run, target)
    path = target / name
    path.write_bytes(make(path.read_bytes() if path.exists() else b""))
    return target


def swapped(*places: int, odd: int = 0) -> Callable[[bytes], bytes]:
    """What puts odd things into places of a JSON file."""

    def make(raw: bytes) -> bytes:
        data: Any = json.loads(raw)
        for place in places:
            data = change(data, place * 37, 6, odd + place)
        return as_json(data)

    return make


RESULTS = ".jmeb/one/results.json"
JOURNAL = ".jmeb/one/journal.sqlite"
KINDS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "no JSON": (RESULTS, lambda raw: raw[: len(raw) // 2]),
    "an empty object": (RESULTS, lambda _: b"{}"),
    "not UTF-8": (RESULTS, lambda raw: b"\xff" + raw),
    "very deep": (RESULTS, lambda _: b"[" * 200_000),
    "infinite scores": (RESULTS, lambda raw: raw.replace(b'"mean": 9', b'"mean": 1e999', 1)),
    "control signs": (RESULTS, lambda raw: raw.replace(b'"passed"', b'"\\u001b[31mpassed\\ud800"')),
    "a cut journal": (JOURNAL, lambda raw: raw[:5000]),
    "a journal of something else": (JOURNAL, lambda _: b"SQLite format 3\x00" + b"x" * 5000),
    "thresholds that are a bomb": ("thresholds.yaml", lambda _: b"[" * 100_000),
    "thresholds with control signs": ("thresholds.yaml", lambda _: b'version: 1\n"\\e[31m\\n": 1\n'),
    "thresholds of numbers": ("thresholds.yaml", lambda _: b"version: 1\nrelease: {max_mean_decay: .nan}\n"),
    "a table of dates": ("pyproject.toml", lambda _: b"tool = 2027-01-01\n"),
    "a deep table": ("pyproject.toml", lambda _: b"jmeb = " + b"[" * 20_000),
    "a long number": ("pyproject.toml", lambda _: b"[tool.jmeb]\nseed = 0x" + b"f" * 9000),
    **{f"results, {place}": (RESULTS, swapped(place, odd=place * 7)) for place in range(1, 9)},
}  # fmt: skip


MAIN = """
import json, os, sys
import pytest
from jmeb_plugin.cli import main
for folder, *words in json.loads(sys.argv[1]):
    os.chdir(folder)
    print("##", folder, *words, flush=True)
    status = pytest.main(words[1:]) if words[0] == "pytest" else main(words)
    print("## ended with", int(status), flush=True)
"""
"""Many commands one after the other, in folders of their own: the imports cost more than all they do."""

CASE = "toy::G-0/slow/en/0"
READERS = (
    f"show one {CASE}", "gate one --write", "compare one --to out", "baseline accept one", "merge one --to two",
    "review export one", "review import one thresholds.yaml", "show latest x",
)  # fmt: skip


def statuses(folder: Path, commands: list[list[str]]) -> dict[tuple[str, str], int]:
    """How each command ended, by the name of its folder and its first word."""
    said = hold(call(folder, "-c", MAIN, json.dumps(commands)))
    ends = [int(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith("## ended with")]
    assert len(ends) == len(commands), said
    assert set(ends) <= STATUSES
    return {(Path(where).name, words[0]): end for (where, *words), end in zip(commands, ends, strict=True)}


def test_no_run_breaks_the_commands_that_read_it(run: Path, tmp_path: Path) -> None:
    """``show``, ``gate``, ``compare`` and the others over runs, their journals and their settings."""
    folders = [broken(run, tmp_path / kind, name, make) for kind, (name, make) in KINDS.items()]
    statuses(tmp_path, [[str(folder), *words.split()] for folder in folders for words in READERS])


PLAN = (
    "pytest",
    "-p",
    "no:randomly",
    "-p",
    "no:hypothesispytest",
    "-p",
    "no:cacheprovider",
    "-p",
    "jmeb_plugin.plugin",
)
SUITES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "an alias": ("suite.yaml", lambda raw: raw + b"lengths: &a {en: *a}\n"),
    "a control sign": ("suite.yaml", lambda raw: raw.replace(b"name: toy", b'name: "\\e[31m"')),
    "a rubric elsewhere": ("suite.yaml", lambda raw: raw.replace(b"rubric: safety", b"rubric: ../../x")),
    "lengths of texts": ("suite.yaml", lambda raw: raw + b"lengths: {en: [a, b]}\n"),
    "a braced rubric": ("rubric.en.yaml", lambda _: b"system: '{0}'\n"),
    "carriage returns in a line": ("conversations.en.jsonl", lambda raw: raw.replace(b", ", b",\r")),
    "UTF-16": ("conversations.en.jsonl", lambda raw: raw.decode().encode("utf-16")),
    "a byte order mark": ("conversations.en.jsonl", lambda raw: b"\xef\xbb\xbf" + raw),
    "half a pair": ("conversations.en.jsonl", lambda raw: raw.replace(b"First.", b"\\ud800")),
    "half a pair in the seed": ("conversations.en.jsonl", lambda raw: raw.replace(b"a request", b"\\udfff")),
    "half a pair in bytes": ("conversations.en.jsonl", lambda raw: raw.replace(b"First.", b"\xed\xa0\x80")),
    "a broken canary": ("conversations.en.jsonl", lambda raw: b'{"canary" \xff\n' + raw),
    "no object": ("conversations.en.jsonl", lambda raw: raw + b"[]\n7\n"),
}
"""Suites that are refused, or that are odd and yet right."""


def test_no_suite_breaks_its_check_or_a_plan(run: Path, tmp_path: Path) -> None:
    """``jmeb suite check`` and ``pytest --jmeb-plan`` over the same folder: what a plan refuses, a check calls wrong."""
    folders = [broken(run, tmp_path / kind, name, make) for kind, (name, make) in SUITES.items()]
    ways = (["suite", "check", "."], [*PLAN, "--jmeb-model=demo", "--jmeb-suite=.", "--jmeb-plan"])
    ended = statuses(tmp_path, [[str(folder), *words] for folder in folders for words in ways])
    refused = {kind for kind in SUITES if ended[kind, "pytest"] == 4}
    assert refused >= {
        "an alias",
        "a control sign",
        "a rubric elsewhere",
        "UTF-16",
        "half a pair",
        "no object",
    }
    assert {"a byte order mark", "carriage returns in a line", "a broken canary"}.isdisjoint(refused)
    assert all(ended[kind, "suite"] == 1 for kind in refused - {"a braced rubric"})


def test_a_file_with_a_strange_name_can_be_spoken_of(run: Path, tmp_path: Path) -> None:
    """A name that is no UTF-8, on a terminal that knows ASCII alone."""
    folder = tmp_path / "it"
    shutil.copytree(run, folder)
    strange = os.fsdecode(b"\xffsuite")
    (folder / strange).mkdir()
    (folder / strange / "suite.yaml").write_text("[]")
    assert "expected a mapping" in hold(call(folder, "jmeb_plugin.cli", "suite", "check", strange))
