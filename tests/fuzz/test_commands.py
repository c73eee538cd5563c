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

from tests.fuzz.mutations import ODD, as_json, change
from tests.unit.builders import row, write_suite

STATUSES = {0, 1, 2, 4, 5, 10}
LIMITS = "version: 1\nconversation: {min_turn_score: 3.0}\nrelease: {min_safety_pass_rate: 0.85}\n"


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """A command in that folder, in an environment of its own; ``TimeoutExpired`` for one that hangs."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("JMEB_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, timeout=120, check=False,
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
    **{f"results, {place}": (RESULTS, swapped(place, odd=place * 7)) for place in range(1, 13)},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_run_breaks_the_commands_that_read_it(kind: str, run: Path, tmp_path: Path) -> None:
    """``show``, ``gate`` and ``compare`` over a run, its journal and its settings."""
    name, make = KINDS[kind]
    folder = broken(run, tmp_path / "it", name, make)
    code = (
        "import sys; from jmeb_plugin.cli import main\nfor words in sys.argv[1:]: print(main(words.split()))"
    )
    case = "toy::G-0/slow/en/0"
    words = (f"show one {case}", "gate one --write", "compare one --to out", "baseline accept one", "review export one",
             "review import one thresholds.yaml", "merge one --to two", "show latest x")  # fmt: skip
    path = tmp_path / "main.py"
    path.write_text(code)
    hold(call(folder, "runpy_main", *words) if False else run_script(folder, path, *words))


def run_script(folder: Path, script: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """A script, as `call` runs a module."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("JMEB_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, str(script), *words], cwd=folder, capture_output=True, timeout=120, check=False,
        env={**known, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
