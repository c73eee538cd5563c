"""The laws of `jmeb_plugin.dataset.importing.sources`: every format gives the same rows, or says what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.dataset.importing import json_text
from jmeb_plugin.dataset.importing.sources import Row, find_source, read_rows
from jmeb_plugin.errors import ImportRefused, JmebError, SettingsError

ROWS = [{"id": k, "text": f"質問 {k} «é»", "turns": ["a", "b"]} for k in range(3)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(*files: Path) -> list[Row]:
    """All rows of the files."""
    return list(read_rows(files))


def message(*files: Path) -> str:
    """With what message the files are refused."""
    with pytest.raises(ImportRefused) as caught:
        read(*files)
    return str(caught.value)


def own(row: Row) -> dict[str, Any]:
    """The row without the fields that we add."""
    return {name: value for name, value in row.fields.items() if not name.startswith("@")}


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.json", json.dumps(ROWS, indent=2), [1, 2, 3]),
        ("a.json", "\ufeff" + json.dumps(ROWS, ensure_ascii=False), [1, 2, 3]),
        ("a.json", json.dumps({"n": 12, "train": ROWS[:2], "none": [], "test": ROWS[2:]}), [1, 2, 3]),
        ("a.jsonl", '{"canary": "x"}\n\n' + "\n".join(map(json.dumps, ROWS)), [3, 4, 5]),
        ("a.NDJSON", "\r\n".join(map(json.dumps, ROWS)) + "\r\n", [1, 2, 3]),
    ],
)
def test_json_in_every_shape_gives_the_same_rows(tmp_path, name, content, lines):
    """Arrays, objects of arrays and lines, with a byte order mark or a canary; each row knows its place."""
    path = written(tmp_path, name, content)
    found = read(path)
    assert [own(row) for row in found] == ROWS
    assert [row.place for row in found] == [f"{path}:{line}" for line in lines]


def test_a_row_knows_its_file_and_its_array(tmp_path):
    """``@file`` and ``@part`` are there to be mapped."""
    (found,) = read(written(tmp_path, "ja.json", json.dumps({"train": ROWS[:1]})))
    assert (found.fields["@file"], found.fields["@part"]) == ("ja", "train")


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_separated_values_keep_quotes_and_line_breaks(tmp_path, name, mark):
    """The separator is seen in the first line; a row's place is the line it begins in."""
    text = f'id{mark}text\n1{mark}"one, two; ""three"""\n\n2{mark}"four\nfive"\n3{mark}six\n'
    found = read(written(tmp_path, name, text))
    assert [own(row)["text"] for row in found] == ['one, two; "three"', "four\nfive", "six"]
    assert [row.place.rpartition(":")[2] for row in found] == ["2", "4", "6"]


def test_parquet_gives_lists_and_numbers(tmp_path):
    """Nested values come as they are."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert [own(row) for row in read(path)] == ROWS
    assert message(written(tmp_path, "b.parquet", "PAR1")).startswith(f"{tmp_path}/b.parquet: not Parquet: ")


def test_parquet_without_pyarrow_is_one_message(tmp_path, monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingsError, match=r"pip install 'pytest-jmeb\[parquet\]'"):
        read(written(tmp_path, "a.parquet", "PAR1"))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jsonl", b'{"a": "caf\xe9"}', "1: not UTF-8 at byte 10; expected UTF-8"),
        ("a.jsonl", '\n{"a": 1', "2: not JSON: "),
        ("a.jsonl", "[" * 100_000, "1: not JSON: "),
        ("a.jsonl", "[1]", "1: expected an object, found a list [1]"),
        ("a.json", '[{"a": 1}, "b"]', "2: expected an object, found a text 'b'"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "3: 3 fields; expected 2, as in the first line"),
        ("a.csv", b"a,b\n1,caf\xe9\n", "2: not UTF-8 at byte 5; expected UTF-8"),
    ],
)
def test_a_bad_row_is_a_problem_at_its_place(tmp_path, name, content, problem):
    """What is wrong with one row does not keep the others from being read."""
    path = written(tmp_path, name, content)
    (found,) = [row for row in read(path) if row.problem]
    assert f"{found.place}: {found.problem}".startswith(f"{path}:{problem}")


def test_a_line_of_a_hundred_megabytes_is_passed_over(tmp_path):
    """Without being held in memory; the next line is read."""
    path = tmp_path / "a.jsonl"
    with path.open("w") as stream:
        stream.write('{"a": "')
        for _ in range(100):
            stream.write("x" * 1_000_000)
        stream.write('"}\n{"a": "b"}\n')
    long, short = read(path)
    assert long.problem == "the line is longer than 16 MiB"
    assert own(short) == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", '"text"', ": expected an array of rows, or an object of arrays"),
        ("a.json", "", ": expected an array of rows, or an object of arrays"),
        ("a.json", '{"a": 1}', ": no array in the object; expected an array of rows"),
        ("a.json", '{"a": 1}\n{"a": 2}', ": no array in the object"),
        ("a.json", '[{"a": 1}]\n[{"a": 2}]', ": more text after the JSON value; is it JSON Lines (.jsonl)?"),
        ("a.json", '[{"a": 1} {"a": 2}]', ":2: not JSON: expected ',' or ']', found '{'"),
        ("a.json", '[{"a": 1}, {"a": ', ":2: not JSON: "),
        ("a.json", '{"a" [1]}', ":1: not JSON: expected ':', found '['"),
        ("a.json", '[{"a": ' + "[" * 100_000, ":1: nested too deeply; expected rows"),
        ("a.json", "[]".encode("utf-16"), ": not UTF-8; expected JSON in UTF-8"),
        ("a.csv", "a,a\n1,2\n", ":1: the column 'a' stands twice"),
        ("a.csv", "a,b\n" + "x" * 200_000, ":2: not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_cannot_be_read_on_is_refused(tmp_path, name, content, problem):
    """With the file, the row that was being read, and what is wrong."""
    path = written(tmp_path, name, content)
    assert message(path).startswith(f"{path}{problem}")


def test_a_json_value_without_an_end_is_refused(tmp_path, monkeypatch):
    """A value has a largest size, so that memory has."""
    monkeypatch.setattr(json_text, "MOST", 1 << 21)
    path = written(tmp_path, "a.json", '[{"a": "' + "x" * 5_000_000 + '"}]')
    assert message(path) == f"{path}:1: no JSON value within 2 MiB; expected rows"


def test_values_may_be_cut_anywhere_by_the_reading(tmp_path, monkeypatch):
    """Whatever the size of the pieces, the rows are the same, numbers too."""
    path = written(tmp_path, "a.json", json.dumps({"count": 12345, "rows": ROWS}, ensure_ascii=False))
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(json_text, "CHUNK", size)
        assert [own(row) for row in read(path)] == ROWS


def test_a_folder_is_its_data_files_in_order(tmp_path):
    """Hidden files and other endings are passed over, folders inside are not."""
    for name in ("b.json", "a/c.csv", ".git/d.json", "README.md", "a.json"):
        written(tmp_path, f"data/{name}", "[]")
    found = find_source("data", tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found.files] == [
        "data/a/c.csv",
        "data/a.json",
        "data/b.json",
    ]


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    """Whoever made the folder must not choose which of our files a suite is made of; links within it are free."""
    secret = written(tmp_path, "secret.jsonl", json.dumps({"seed": "a secret"}))
    folder = written(tmp_path, "data/deep/b.jsonl", "{}").parent.parent
    (folder / "a.jsonl").symlink_to("deep/b.jsonl")
    assert len(find_source("data", tmp_path).files) == 2
    for target in (secret, "../../secret.jsonl"):
        link = folder / "deep" / "c.jsonl"
        link.symlink_to(target)
        with pytest.raises(SettingsError) as caught:
            find_source("data", tmp_path)
        assert str(caught.value) == f"{link}: a link out of the folder; expected the file itself"
        link.unlink()
    (tmp_path / "elsewhere.jsonl").symlink_to(secret)
    assert find_source("elsewhere.jsonl", tmp_path).files  # it was named by ourselves


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("nothing.json", "nothing.json: no such file or folder; expected data, or hf://org/name"),
        ("a.txt", "a.txt: unknown ending '.txt'; expected .json, .jsonl, "),
        ("empty", "empty: no data in this folder; expected files in .json, "),
        ("hf://org", "hf://org: expected hf://org/name or hf://org/name/path"),
        ("hf://org/name/../../x", "hf://org/name/../../x: expected hf://org/name or hf://org/name/path"),
    ],
)
def test_a_source_that_is_none_is_a_mistake(tmp_path, source, problem):
    """One message before anything is read."""
    written(tmp_path, "a.txt", "x")
    written(tmp_path, "empty/README.md", "x")
    with pytest.raises(SettingsError) as caught:
        find_source(source, tmp_path)
    assert str(caught.value).startswith(problem)


def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    """The system's own reason is given."""
    path = tmp_path / "gone.json"
    with pytest.raises(JmebError, match=r"gone\.json: cannot be read \(No such file or directory\)"):
        read(path)
