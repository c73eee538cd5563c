"""The laws of files that are meant to fill the memory, to hang, or to lead elsewhere: refused, and soon.

Every one is read in a process that may have 1 GiB and no more.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jmeb_plugin.errors import JmebError
from jmeb_plugin.judges import last_object
from jmeb_plugin.suite import load_suite
from jmeb_plugin.yaml_file import read_yaml
from tests.fuzz.targets import SHEET, TARGETS, as_book, write_toy
from tests.unit.builders import refused, write_suite

GIB = 1 << 30
SECONDS = 60
LINE = b'{"id": "'


def jmeb(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in that folder, within its memory; ``TimeoutExpired`` for one that hangs."""
    return subprocess.run(
        [sys.executable, "-m", "jmeb_plugin.cli", *words],
        cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB)),
    )  # fmt: skip


def sparse(path: Path, size: int, head: bytes = b"") -> None:
    """A file of that size that takes no room on the disk."""
    path.write_bytes(head)
    os.truncate(path, size)


YAML = {
    "billions of laughs": (
        b"a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b]\n",
        "suite.yaml:2: aliases (*a) are not allowed; write the value out",
    ),
    "a million values": (
        b"[" + b"1," * 8_000_000 + b"]",
        "more than 250,000 values; expected a settings file",
    ),
    "nothing, a million times": (b"- \n" * 2_000_000, "more than 250,000 values"),
    "values at a great depth": (b"[" * 60 + b"1," * 8_000_000, "more than 250,000 values"),
    "lists in lists": (b"[" * 1_000_000, "nested too deeply"),
    "mappings in mappings": (b"".join(b"%sa:\n" % (b" " * k) for k in range(2000)), "nested too deeply"),
    "a number of a million digits": (b"name: " + b"9" * 1_000_000, "a number of more than 100 digits"),
    "larger than memory": (b"", "larger than 16 MiB; expected a settings file"),
    "no text": (b"\x00" * 1000, "not YAML"),
}


@pytest.mark.parametrize("name", YAML)
def test_yaml_bombs_are_refused_in_a_gibibyte(name: str, tmp_path: Path) -> None:
    """Aliases, too many values, too deep, too long, too large."""
    raw, message = YAML[name]
    write_suite(tmp_path)
    (tmp_path / "suite.yaml").write_bytes(raw)
    if not raw:
        sparse(tmp_path / "suite.yaml", 100 * GIB)
    done = jmeb(tmp_path, "suite", "check", ".")
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 4)


LINES = {
    "a line of 100 MB": (
        LINE + b"x" * 100_000_000,
        "conversations.en.jsonl:2: the line is longer than 1 MiB",
    ),
    "a line without an end": (None, "conversations.en.jsonl:2: the line is longer than 1 MiB"),
    "lists in lists": (b"[" * 1_000_000, "conversations.en.jsonl:2: not JSON"),
    "objects in objects": (b'{"a":' * 150_000, "conversations.en.jsonl:2: not JSON"),
    "a number of a million digits": (
        b'{"n": ' + b"9" * 1_000_000 + b"}",
        "conversations.en.jsonl:2: not JSON",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_lines_that_are_bombs_are_refused(name: str, tmp_path: Path) -> None:
    """Of a conversations file: with file and line, and without reading them to their end."""
    raw, message = LINES[name]
    write_toy(tmp_path)
    path = tmp_path / "conversations.en.jsonl"
    if raw is None:
        sparse(path, 100 * GIB, b"{\n".replace(b"{", b" "))
    else:
        path.write_bytes(b"\n" + raw)
    done = jmeb(tmp_path, "suite", "check", ".")
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def link(to: str) -> Callable[[Path], None]:
    """What puts a link in a file's place."""
    return lambda path: path.symlink_to(to)


ODD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (os.mkfifo, "cannot be read (a pipe); expected a file"),
    "a folder": (Path.mkdir, "cannot be read (a folder); expected a file"),
    "a link to a device": (link("/dev/zero"), "a link out of the folder; expected the file itself"),
    "a link to a file of ours": (link("/etc/passwd"), "a link out of the folder; expected the file itself"),
    "a link to a file beside": (link("../elsewhere"), "a link out of the folder; expected the file itself"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "cannot be read"),
    "a link to nothing outside": (
        link("/nowhere/at/all"),
        "a link out of the folder; expected the file itself",
    ),
}
FILES = (
    "suite.yaml",
    "conversations.en.jsonl",
    "anchors.en.jsonl",
    "rubric.en.yaml",
    "refusals.en.txt",
    "prompts.en.yaml",
)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", ODD_FILES)
def test_no_file_of_a_suite_is_a_pipe_or_leads_elsewhere(kind: str, file: str, tmp_path: Path) -> None:
    """What a suite from elsewhere holds is read from its folder: our files are sent to no model."""
    folder = tmp_path / "suite"
    folder.mkdir()
    write_toy(folder)
    (tmp_path / "elsewhere").write_bytes((folder / "suite.yaml").read_bytes())
    (folder / file).unlink(missing_ok=True)
    make, message = ODD_FILES[kind]
    make(folder / file)
    target = next(target for target in TARGETS.values() if target.file == file)
    assert f"{folder / file}: {message}" in refused(JmebError, lambda: target.read(folder / file))


def test_a_link_within_the_folder_is_a_file(tmp_path: Path) -> None:
    """Some stores keep the files themselves in a folder below."""
    write_toy(tmp_path)
    (tmp_path / "store").mkdir()
    (tmp_path / "conversations.en.jsonl").rename(tmp_path / "store" / "x")
    (tmp_path / "conversations.en.jsonl").symlink_to("store/x")
    assert load_suite(tmp_path).conversations


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            {"rubric": "../../../etc/hosts"},
            "rubric: a text '../../../etc/hosts' is no rubric; expected a name",
        ),
        ({"rubric": "/etc/hosts"}, "rubric: a text '/etc/hosts' is no rubric; expected a name"),
        ({"languages": ["../en"]}, "a text '../en' is no language; expected a name"),
        ({"languages": ["en", "/dev/zero"]}, "a text '/dev/zero' is no language; expected a name"),
        ({"name": "../x"}, "name: expected letters, digits"),
    ],
)
def test_no_name_in_a_suite_is_a_path(head: dict[str, object], message: str, tmp_path: Path) -> None:
    """Files are called by languages and rubrics: neither leads out of its folder."""
    assert message in refused(JmebError, lambda: load_suite(write_suite(tmp_path, **head)))


def bomb(**parts: bytes) -> bytes:
    """A workbook in which these parts are others."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_book(SHEET))) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, parts.get(Path(name).stem, old.read(name)))
    return stream.getvalue()


PAGE = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s<sheetData>%s</sheetData></worksheet>'
CELL = b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>'
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "%s">%s]>' % (
    b"x" * 1000,
    b"".join(b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 100) for k in range(8)),
)
BOOKS = {
    "gigabytes of blanks": (
        lambda: bomb(sheet1=PAGE % (b" " * 270_000_000, b"")),
        "unpacks to more than 256 MiB",
    ),
    "a last row that is far": (
        lambda: bomb(sheet1=PAGE % (b'<dimension ref="A1:XFD1048576"/>', CELL % (1_048_576, 1_048_576))),
        "more than 2,000,000 cells",
    ),
    "entities of entities": (
        lambda: bomb(sheet1=ENTITIES + PAGE % (b"", b'<row><c t="str"><v>&i;</v></c></row>')),
        "cannot be read as .xlsx",
    ),
    "an archive in an archive": (lambda: bomb(workbook=b"PK\x03\x04" * 1000), "cannot be read as .xlsx"),
}


@pytest.mark.parametrize("name", BOOKS)
def test_workbooks_that_are_bombs_are_refused(name: str, tmp_path: Path) -> None:
    """By what they say they unpack to, and by their cells."""
    make, message = BOOKS[name]
    (tmp_path / "sheet.xlsx").write_bytes(make())
    code = "import sys, pathlib; from jmeb_plugin.review.sheets import read_sheet as r; r(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "sheet.xlsx"], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS,
        check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 * GIB, 2 * GIB)),
    )  # fmt: skip
    assert f"SheetError: sheet.xlsx: {message}" in done.stderr


@pytest.mark.parametrize(
    "name", [name for name, target in TARGETS.items() if target.file not in FILES and not target.alone]
)
def test_no_reader_waits_for_a_pipe_or_reads_a_device(name: str, tmp_path: Path) -> None:
    """Of settings, sheets and what a run wrote: a file, or a message that says what it is instead."""
    path = tmp_path / TARGETS[name].file
    os.mkfifo(path)
    assert f"{path}" in refused(JmebError, lambda: TARGETS[name].read(path))
    path.unlink()
    path.symlink_to("/dev/zero")
    assert f"{path}" in refused(JmebError, lambda: TARGETS[name].read(path))


def test_a_file_that_has_no_name_is_refused(tmp_path: Path) -> None:
    """A NUL in a path is a mistake like any other."""
    assert "cannot be read" in refused(JmebError, lambda: read_yaml(tmp_path / "a\0b", JmebError))


@pytest.mark.parametrize(
    "text", ["{" * 200_000, '{"a":' * 200_000, '{"score": ' + "9" * 200_000 + "}", "{}" * 200_000]
)
def test_a_judges_answer_that_is_a_bomb_is_no_verdict(text: str) -> None:
    """However long or deep, it is read once, from its beginning to its end."""
    assert last_object(text) in (None, {})


def test_a_long_conversation_is_a_conversation(tmp_path: Path) -> None:
    """What is refused is far above what anybody writes."""
    write_toy(tmp_path)
    row = json.loads((tmp_path / "conversations.en.jsonl").read_text().splitlines()[1])
    text = json.dumps({**row, "turns": ["A long question. " * 20_000]})
    (tmp_path / "conversations.en.jsonl").write_text(text + "\n")
    assert len(load_suite(tmp_path).conversations[-1].turns[0]) == 340_000
