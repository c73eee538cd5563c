"""The laws of `jmeb_plugin.dataset.importing.importing` and `catalogue`: a whole suite or none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.dataset.check import check_suite
from jmeb_plugin.dataset.importing import catalogue
from jmeb_plugin.dataset.importing.catalogue import Names, safe
from jmeb_plugin.dataset.importing.importing import Imported, Plan, import_rows
from jmeb_plugin.dataset.importing.mapping import FieldMap, typed_map
from jmeb_plugin.dataset.importing.sources import Row, find_source, read_rows
from jmeb_plugin.errors import ImportRefused, SettingsError
from jmeb_plugin.suite import NAME, bundled, load_suite
from tests.unit.builders import write_suite

OURS = {"guideline": "G-0", "strategy": "slow", "language": "en", "turns": ["First.", "Then."]}
DATA = Path(__file__).resolve().parents[5] / "shared" / "data" / "medsafetybench-test"


def rows(*fields: dict[str, Any]) -> list[Row]:
    """Rows of one file."""
    return [Row(f"data.json:{number}", one) for number, one in enumerate(fields, 1)]


def bring(folder: Path, *fields: dict[str, Any], maps: Any = (), skip: int = 0, like: Any = None) -> Imported:
    """The suite of these rows."""
    plan = Plan("mine", "harmful", "CC0", "a note", skip, like)
    return import_rows(rows(*fields), maps or [FieldMap()], folder / "suite", plan, lambda _: None)


def refused(folder: Path, *fields: dict[str, Any], **more: Any) -> str:
    """With what message the rows are refused; nothing may be left behind."""
    with pytest.raises((ImportRefused, SettingsError)) as caught:
        bring(folder, *fields, **more)
    assert list(folder.iterdir()) == []
    return str(caught.value)


def test_an_imported_suite_loads_and_says_where_it_is_from(tmp_path):
    """Ids are ours, ``n`` is counted in each cell, the source's id or place is kept, unknown things are new."""
    found = bring(
        tmp_path, {**OURS, "id": 7}, OURS, {**OURS, "language": "fr"}, {**OURS, "guideline": "情報 同意"}
    )
    suite = load_suite(tmp_path / "suite")
    assert suite == found.suite
    assert [talk.id.rpartition("G-0/")[2] for talk in suite.conversations][:2] == ["slow/en/0", "slow/en/1"]
    assert [talk.source for talk in suite.conversations][:2] == ["7", "data.json:2"]
    assert (suite.languages, suite.kind, suite.rubric, suite.note) == (
        ("en", "fr"),
        "harmful",
        "safety",
        "a note",
    )
    assert [g.principle for g in suite.guidelines.values()] == ["imported", "imported"]
    named = suite.guidelines[suite.conversations[2].guideline]
    assert (named.titles, bool(re.fullmatch(r"guideline-[0-9a-f]{6}", named.id))) == (
        {"en": "情報 同意"},
        True,
    )
    lines = (tmp_path / "suite/conversations.fr.jsonl").read_text("utf-8").splitlines()
    assert "do not train on this" in json.loads(lines[0])["canary"]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    """Also the canary."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        bring(tmp_path / name, OURS, {**OURS, "strategy": "Plain & simple"})
    first, second = (sorted((tmp_path / name / "suite").iterdir()) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_suite_of_ours_comes_back_as_it_was(tmp_path):
    """Exporting and importing again changes no conversation."""
    folder = bundled("jmeb")
    source = find_source("conversations.en.jsonl", folder)
    plan = Plan("again", "harmful", "", "", like=load_suite(folder))
    found = import_rows(read_rows(source.files), [FieldMap()], tmp_path / "suite", plan, lambda _: None)
    old = [(talk.id, talk.turns, talk.seed) for talk in plan.like.conversations if talk.language == "en"]
    assert [(talk.id, talk.turns, talk.seed) for talk in found.suite.conversations] == old
    assert found.suite.guidelines == plan.like.guidelines


def test_a_suite_like_another_takes_what_that_one_lists(tmp_path):
    """By id, title or name; what it does not have is added, and its own rubric comes along."""
    (tmp_path / "other").mkdir()
    other = write_suite(tmp_path / "other", languages=["en"])
    (other / "rubric.en.yaml").write_text("system: x\n")
    like = load_suite(other)
    found = bring(
        tmp_path, {**OURS, "guideline": "One", "strategy": "Slow"}, {**OURS, "guideline": "new"}, like=like
    ).suite
    assert [talk.guideline for talk in found.conversations] == ["G-1", "new"]
    assert set(found.guidelines) == {"G-0", "G-1", "new"}
    assert list(found.strategies) == ["slow"]
    assert (tmp_path / "suite/rubric.en.yaml").read_text() == "system: x\n"


def test_a_new_guideline_is_described_by_its_rows(tmp_path):
    """Title, duty and principle are taken where a guideline is met first, a title in each language."""
    maps = [typed_map(["title=t", "duty=d", "principle=p", "turns=turns", "guideline=guideline", "language=language"], ["strategy=s"])]  # fmt: skip
    row = {**OURS, "t": "Consent", "d": "Ask first.", "p": "Patients"}
    suite = bring(tmp_path, row, {**row, "language": "fr", "t": "Accord"}, maps=maps).suite
    assert suite.guidelines["G-0"].titles == {"en": "Consent", "fr": "Accord"}
    assert suite.guidelines["G-0"].duty == {"en": "Ask first.", "fr": "Ask first."}
    assert suite.principles == {"Patients": {"en": "Patients", "fr": "Patients"}}


def test_bad_rows_are_listed_and_so_many_are_left_out(tmp_path):
    """With file, row, what is wrong and what was expected; one too many and nothing is written."""
    bad = {**OURS, "turns": [""]}
    assert refused(tmp_path, OURS, bad) == (
        "1 bad row, 0 allowed (--skip-bad):\ndata.json:2: turns: expected a text, found an empty one"
    )
    assert refused(tmp_path, *[bad] * 50, OURS, skip=5).count("\n") == 25
    found = bring(tmp_path, bad, OURS, bad, skip=2)
    assert len(found.suite.conversations) == 1
    assert [line.partition(" ")[0] for line in found.skipped] == ["data.json:1:", "data.json:3:"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"language": "../x"}, "language: '../x' is no language; expected letters, digits, '.', '-', '_'"),
        ({"language": "x" * 36}, "language: '"),
        ({"turns": ["\ud800"]}, "turns: half of a surrogate pair (\\ud800); expected whole characters"),
        ({"turns": ["x" * 1_100_000]}, "the conversation is longer than 1 MiB"),
        ({"n": "x"}, "n: expected a whole number from 0, found 'x'"),
        ({"strategy": ["s"]}, "strategy: expected a text or a number, found a list ['s']"),
        ({"guideline": None}, "guideline: expected a text or a number, found nothing"),
    ],
)
def test_a_row_that_is_no_conversation_is_refused(tmp_path, fields, message):
    """At its place, and nothing is written."""
    assert f"\ndata.json:2: {message}" in refused(tmp_path, OURS, {**OURS, **fields})


def test_a_row_is_taken_whole_or_not_at_all(tmp_path):
    """Of a row with several conversations none is kept where one is bad; two of a cell are counted on."""
    maps = [typed_map([f"turns={name}", "guideline=g"], ["strategy=s", "language=en"]) for name in ("a", "b")]
    good = {"g": "G", "a": "One.", "b": "Two."}
    found = bring(tmp_path, {**good, "b": ""}, good, good, maps=maps, skip=1).suite
    assert [(talk.n, *talk.turns) for talk in found.conversations] == [
        (0, "One."), (1, "Two."), (2, "One."), (3, "Two."),
    ]  # fmt: skip


def test_a_place_that_cannot_be_written_is_a_mistake(tmp_path):
    """With the system's own reason."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match=r"--to .*/file/suite: cannot be written \(File exists\)"):
        bring(tmp_path / "file", OURS)


def test_an_id_stands_once(tmp_path):
    """A mapped ``n`` may not repeat within a cell, nor within a row."""
    twice = [typed_map(["n=n", "turns=turns", "guideline=guideline"], ["strategy=s", "language=en"])] * 2
    assert refused(tmp_path, {**OURS, "n": 1}, maps=twice).endswith("stands twice, as in this row")
    message = refused(tmp_path, {**OURS, "n": 1}, {**OURS, "n": 1})
    assert message.endswith("data.json:2: the id 'G-0/slow/en/1' stands twice, as in data.json:1")


def test_an_unknown_layout_says_what_it_has_and_what_is_missing(tmp_path):
    """And how to say it; nothing is guessed."""
    assert refused(tmp_path, {"idx": 1, "dialog": [{"text": "x"}]}) == (
        "data.json:1: nothing says where guideline, strategy, language, turns is to be found; this row has "
        "idx, dialog[].text. Say it like this: jmeb suite import … --map guideline=FIELD "
        "--map strategy=FIELD --set language=fr --map 'turns=dialog[].text'"
    )
    assert refused(tmp_path, {"history": [{"user": "x", "bot": "y"}]}) == (
        "data.json:1: nothing says where language is to be found; this row has history[].user, "
        "history[].bot. Say it like this: jmeb suite import … --set language=fr"
    )


def test_an_empty_source_gives_no_suite(tmp_path):
    """Silence is no suite."""
    assert refused(tmp_path) == "no conversation in the source; nothing was written"


@pytest.mark.parametrize(("kind", "limit"), [("guideline", 1000), ("strategy", 200), ("language", 40)])
def test_a_field_with_too_many_values_is_the_wrong_one(tmp_path, monkeypatch, kind, limit):
    """Where a text was mapped to what should be one of a few, the import ends instead of going on."""
    assert catalogue.MOST[kind] == limit
    monkeypatch.setitem(catalogue.MOST, kind, 3)
    message = refused(tmp_path, *({**OURS, kind: f"x{k}"} for k in range(4)))
    assert message.endswith(f"data.json:4: more than 3 different values as {kind}; expected few")


def test_nothing_is_overwritten(tmp_path):
    """The target must be empty or absent; its parents are made."""
    bring(tmp_path / "a" / "b", OURS)
    with pytest.raises(
        SettingsError, match=r"--to .*/suite: not empty; expected a folder that is empty or not"
    ):
        bring(tmp_path / "a" / "b", OURS)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "suite").write_text("mine")
    with pytest.raises(SettingsError, match="not empty"):
        bring(tmp_path / "file", OURS)
    (tmp_path / "c" / "suite").mkdir(parents=True)
    assert bring(tmp_path / "c", OURS).suite.path == tmp_path / "c" / "suite"


def test_a_name_that_is_none_is_a_mistake(tmp_path):
    """Ids begin with it."""
    with pytest.raises(SettingsError, match="--name my suite: expected letters, digits"):
        import_rows([], [FieldMap()], tmp_path / "x", Plan("my suite", "harmful", "", ""), lambda _: None)


@given(st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_every_text_has_an_id_of_its_own(texts):
    """Ids are names, no two texts share one, and the same text always has the same."""
    names = Names("guideline")
    ids = [names.id_of(text) for text in texts]
    assert len(set(ids)) == len(texts)
    assert all(NAME.fullmatch(one) for one in ids)
    assert ids == [names.id_of(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("B-13", "B-13"),
        ("Informed consent", "Informed-consent"),
        ("../etc/passwd", "etc-passwd"),
        ("a::b[0]", "a-b-0"),
    ],
)
def test_ids_are_made_safe(text, name):
    """What is readable stays readable; no path, no separator of ours is left."""
    assert safe(text, "guideline") == name


def test_medsafetybench_is_known(tmp_path):
    """900 requests in nine guidelines, each with a title that a judge can read."""
    if not DATA.is_dir():
        pytest.skip("MedSafetyBench is not here")
    source = find_source(str(DATA), tmp_path)
    plan = Plan("msb", "harmful", "MIT", "")
    suite = import_rows(read_rows(source.files), [FieldMap()], tmp_path / "suite", plan, lambda _: None).suite
    assert (len(suite.conversations), len(suite.guidelines)) == (900, 9)
    assert suite.guidelines["category_8"].titles["en"] == "Responsibility to the patient comes first"
    assert not check_suite(tmp_path / "suite").errors
