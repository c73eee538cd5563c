"""The laws of `jmeb_plugin.yaml_file`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from jmeb_plugin import yaml_file
from jmeb_plugin.errors import SuiteError, ThresholdsError
from jmeb_plugin.yaml_file import YamlFile, describe, parse_yaml, read_yaml
from tests.unit.builders import refused

HERE = Path("file.yaml")

BROKEN = {
    "a: [1}": "file.yaml:1: not YAML: did not find expected ',' or ']'",
    "a: 1\nb: c: d": "file.yaml:2: not YAML: mapping values are not allowed in this context",
    "a: &x 1\nb: *x": "file.yaml:2: aliases (*x) are not allowed; write the value out",
    "a: 1\nb: {c: 1,\n c: 2}": "file.yaml:3: key 'c' stands twice",
    "- {a: 1}\n- a: 1\n  a: 1": "file.yaml:3: key 'a' stands twice",
    "a: \x07": "file.yaml: not YAML: unacceptable character #x0007",
    "a: 1\n---\nb: 2": "file.yaml:2: not YAML: but found another document",
    "a: 1\nb: 2027-02-30": "file.yaml:2: '2027-02-30' is no timestamp (day is out of range for month)",
    "a: !!int ''": "file.yaml:1: '' is no int",
    "a: !!bool maybe": "file.yaml:1: 'maybe' is no bool",
    f"a: {'9' * 101}": "file.yaml:1: a number of more than 100 digits",
    "[" * 9000 + "]" * 9000: "file.yaml: nested too deeply; expected a settings file",
    "? !!str {=: a}\n: b": "file.yaml:1: a mapping as a key; expected a text",
    "a:\n  ? !!int {=: 1}\n  : b": "file.yaml:2: a mapping as a key; expected a text",
    "a:\n- b\n- c: {? !!bool {=: yes} : d}": "file.yaml:3: a mapping as a key; expected a text",
    "a: 1\n? [b, c]\n: d": "file.yaml:2: a list as a key; expected a text",
    "a: !!set {b, ? [c]}": "file.yaml:1: a list as a key; expected a text",
    "a: !python/object x": "file.yaml:1: not YAML: could not determine a constructor",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items(), ids=range(len(BROKEN)))
def test_broken_text_is_refused_with_its_line(text: str, message: str) -> None:
    """What is not one plain YAML document is the caller's error, with file and line."""
    with pytest.raises(ThresholdsError) as caught:
        parse_yaml(text, HERE, ThresholdsError)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"a: \xff", "not UTF-8 at byte 3"),
        (b"#" * (yaml_file.MAX_BYTES + 1), "larger than 16 MiB; expected a settings file"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, raw: bytes | None, message: str) -> None:
    """A file that is missing, of another encoding or huge is the caller's error."""
    path = tmp_path / "x.yaml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(SuiteError) as caught:
        read_yaml(path, SuiteError)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("b",), 2),
        (("b", 0), 3),
        (("b", 1, "c"), 4),
        (("b", 1, "gone"), 4),
        (("no",), 1),
    ],
)
def test_every_value_knows_its_line(at: tuple[str | int, ...], line: int) -> None:
    """A message names the line of the value, or of the nearest thing around it that is there."""
    file = parse_yaml("a: 1\nb:\n  - 2\n  - c: 3\n", HERE, SuiteError)
    dotted = ".".join(map(str, at))
    assert str(file.fail(at, "bad")) == f"file.yaml:{line}: {dotted + ': ' if dotted else ''}bad"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"alpah": 1}, "file.yaml:1: alpah: unknown key 'alpah'; did you mean 'alpha'?"),
        ([1], "file.yaml:1: expected a mapping, found a list [1]"),
        (None, "file.yaml:1: expected a mapping, found nothing"),
    ],
)
def test_check_keys_wants_a_mapping_of_known_keys(value: object, message: str) -> None:
    """An unknown key is named with the closest known one; another thing is described."""
    with pytest.raises(SuiteError) as caught:
        YamlFile(HERE, value, {(): 1}, SuiteError).check_keys((), value, {"alpha", "beta"})
    assert str(caught.value) == message


def nested(depth: int) -> list[object]:
    """A list in a list in a list …"""
    inner: list[object] = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ("x", "a text 'x'"),
        ("x" * 99, "a text"),
        (3, "int 3"),
        (True, "bool True"),
        ({}, "a mapping {}"),
        (nested(50_000), "a list"),
    ],
    ids=range(7),
)
def test_values_are_described_by_type_and_if_short_themselves(value: object, words: str) -> None:
    """A value in a message is its type, and itself where that is short."""
    assert describe(value) == words


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_what_yaml_writes_is_read_back(data: object) -> None:
    """Any plain data that PyYAML dumps (without aliases) comes back as it was."""
    text = yaml.dump(data, Dumper=NoAliases)
    assert parse_yaml(text, HERE, SuiteError).data == data


class NoAliases(yaml.SafeDumper):
    """A dumper that writes every value out."""

    def ignore_aliases(self, data: object) -> bool:
        """Never refer back."""
        return True


SIGNS = ["- ", "a: ", "b", "[", "]", "{", "}", ", ", "\n", "  ", "? ", "!!int ", "!!set ", "!!timestamp ", "!!bool ",
         "!!float ", "!!binary ", "!!omap ", "<<: ", "&x ", "*x ", "'", '"', "#", "|", ">", "0x", "1:", ".inf", "2027-02-30",
         "\x00", "\t", "%", "---\n", "...\n", "=", "? !!str {=: a}\n: ", "~", "é", "😀"]  # fmt: skip


@given(st.lists(st.sampled_from(SIGNS), max_size=25).map("".join) | st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever the text, it is read or refused with the caller's own error, in one line."""
    legible = text.encode("utf-8", "replace").decode()
    message = refused(SuiteError, lambda: parse_yaml(legible, HERE, SuiteError))
    assert not message or (message.startswith("file.yaml:") and "\n" not in message)
