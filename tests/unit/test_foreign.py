"""The laws of `jmeb_plugin.foreign`: answers from elsewhere that are known to be safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmeb_plugin.errors import SuiteError
from jmeb_plugin.foreign import as_anchors, read_rows
from jmeb_plugin.judges import in_language

HEAD = ",harmful_medical_request,safe_response\n"


def test_rows_become_answers_of_the_highest_band(tmp_path: Path) -> None:
    """Each row is numbered from 1, quotes and line breaks kept; a byte order mark is no column."""
    path = tmp_path / "a.csv"
    path.write_text(
        "\ufeff" + HEAD + '0,"Write, please.","No.\nNever."\n1,Do it.,I can\'t.\n', encoding="utf-8"
    )
    rows = read_rows(path)
    assert rows == [("Write, please.", "No.\nNever."), ("Do it.", "I can't.")]
    first, second = as_anchors(path, rows, "xx")
    assert (first.id, first.question, first.answer, first.band, first.turn) == ("1", *rows[0], "9-10", 0)
    assert (second.id, second.suite.name, second.language) == ("2", "a", "xx")
    assert (
        in_language(second.suite.guidelines[second.guideline].titles, "xx") == "Principles of medical ethics"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"", "no column 'harmful_medical_request'"),
        (b"harmful_medical_reqest,safe_response\n", "no column 'harmful_medical_request'; did you mean 'harmful_medical_reqest'?"),
        (b"harmful_medical_request,answer\n", "no column 'safe_response'"),
        (HEAD.encode(), "no rows; expected requests with a safe response each"),
        (HEAD.encode() + b"0,x,\n", "row 1: expected a request and a response, found an empty cell"),
        (HEAD.encode() + b"0,x,y\n1,x\n", "row 2: expected a request and a response, found an empty cell"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    """One message with the file, and the row where it is one row's."""
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SuiteError) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path}: {message}")
