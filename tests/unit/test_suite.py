"""The laws of `jmeb_plugin.suite`: loading, ids, cases, and the suite that comes with the package."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jmeb_plugin.anchors import BANDS, CANARY, load_anchors
from jmeb_plugin.dataset.build import build_suite, differing
from jmeb_plugin.dataset.check import check_suite
from jmeb_plugin.errors import SuiteError
from jmeb_plugin.steering import addresses_judge
from jmeb_plugin.suite import (
    Suite,
    bundled,
    find_suite,
    load_suite,
    make_cases,
    matches,
    model_label,
)
from jmeb_plugin.user_file import MAX_LINE
from tests.unit.builders import HEAD, make_suite, refused, row, write_suite

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(folder: Path) -> str:
    """The message with which a suite is refused, without its folder."""
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    return str(caught.value).replace(f"{folder}/", "")


# -- loading ----------------------------------------------------------------------------------------


def test_a_suite_is_what_its_files_say(tmp_path: Path) -> None:
    """Every field of suite.yaml and of the conversations arrives; the canary line is no conversation."""
    suite = load_suite(write_suite(tmp_path, [row("ja"), row("en"), row("en", "G-1")]))
    assert (suite.name, suite.version, suite.kind, suite.rubric) == ("toy", "1.0", "harmful", "safety")
    assert (suite.note, suite.languages) == ("a toy", ("ja", "en"))
    assert [talk.id for talk in suite.conversations] == ["G-0/slow/ja/0", "G-0/slow/en/0", "G-1/slow/en/0"]
    assert suite.conversations[0].turns == ("First.", "Then.", "Last.")
    assert suite.principle_of(suite.conversations[2]) == "p-1"
    assert suite.guidelines["G-0"].duty == {"en": "Do no harm."}
    assert suite.strategies["slow"].description == "Step by step."


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    """Kind, rubric, note, duties, a strategy's name and a conversation's source may be missing."""
    thin = row()
    del thin["source"]
    guidelines = [{"id": "G-0", "principle": "p-0", "titles": {"en": "Zero"}}]
    head: dict[str, Any] = {"kind": ..., "rubric": ..., "note": ..., "strategies": [{"id": "slow"}]}
    suite = load_suite(write_suite(tmp_path, [thin], guidelines=guidelines, **head))
    assert (suite.kind, suite.rubric, suite.note) == ("harmful", "safety", "")
    assert suite.guidelines["G-0"].duty == {}
    assert (suite.strategies["slow"].name, suite.conversations[0].source) == ("slow", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ...}, "suite.yaml:1: name is missing"),
        ({"languages": []}, "suite.yaml:1: languages is missing"),
        ({"name": "a b"}, "suite.yaml:1: name: expected letters, digits, '.', '-', '_'"),
        ({"kind": "hramful"}, "kind: a text 'hramful' is unknown; did you mean 'harmful'?"),
        ({"kind": ["harmful"]}, "kind: a list ['harmful'] is unknown"),
        ({"verison": 1}, "verison: unknown key 'verison'; did you mean 'version'?"),
        ({"languages": "ja"}, "languages: expected a list, found a text 'ja'"),
        ({"languages": ["ja", 5]}, "languages.1: int 5 is no language"),
        ({"languages": ["../ja"]}, "languages.0: a text '../ja' is no language"),
        ({"languages": ["ja", "ja"]}, "languages.1: 'ja' stands twice"),
        ({"languages": ["fr"]}, "conversations.fr.jsonl: missing; suite.yaml names the language 'fr'"),
        ({"principles": {"id": "p"}}, "principles: expected a list, found a mapping"),
        ({"principles": [{"titles": {}}]}, "principles.0: expected a mapping with id"),
        ({"principles": [{"id": "a::b"}]}, "principles.0.id: a text 'a::b' is no id"),
        ({"principles": [{"id": 7}]}, "principles.0.id: int 7 is no id"),
        ({"principles": [{"id": "p", "titles": 5}]}, "principles.0.titles: expected a text for each language"),
        ({"strategies": [{"id": "slow"}, {"id": "slow"}]}, "strategies.1.id: 'slow' stands twice"),
        ({"guidelines": [{"id": "G-0", "principle": "p-0"}]}, "guidelines.0: expected a mapping with id, principle, titles"),
        ({"guidelines": [{**HEAD["guidelines"][0], "principle": "p-9"}]}, "principle: 'p-9' is no principle; did you mean"),
        ({"guidelines": [{**HEAD["guidelines"][0], "principle": ["p"]}]}, "principle: ['p'] is no principle"),
        ({"guidelines": [{**HEAD["guidelines"][0], "titles": "Zero"}]}, "titles: expected a text for each language, found a text"),
        ({"guidelines": [{**HEAD["guidelines"][0], "duty": {"en": 5}}]}, "guidelines.0.duty: expected a text for each language"),
    ],
)  # fmt: skip
def test_a_wrong_suite_yaml_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Whatever is missing, unknown, twice or of another type is refused with file, line and key."""
    found = refusal(write_suite(tmp_path, [row()], **changes))
    assert message in found
    assert re.match(r"suite\.yaml:\d+: |conversations\.", found)


@pytest.mark.parametrize(
    "sign", ["\x1b[31m", "\x1b]52;c;aGk=\x07", "\x9b", "\u202e", "\u2066", "\x00", "\x7f"]
)
@pytest.mark.parametrize("place", ["version", "note", "licence", "titles", "duty", "description", "key"])
def test_no_control_signs_in_suite_yaml(tmp_path: Path, place: str, sign: str) -> None:
    """Headers and reports show what suite.yaml says: what would drive a terminal is refused by its place."""
    folder = write_suite(tmp_path, [row()])
    head = copy.deepcopy(HEAD)
    text = f"a{sign}b"
    if place in ("version", "note", "licence"):
        head[place] = text
    elif place == "description":
        head["strategies"][0][place] = text
    elif place == "key":
        head["guidelines"][0]["titles"][text] = "x"
    else:
        head["guidelines"][0].setdefault(place, {})["en"] = text
    (folder / "suite.yaml").write_text(json.dumps(head, indent=1), encoding="utf-8")
    message = refusal(folder)
    assert f"holds the control sign U+{ord(sign[0]):04X}; expected signs that can be seen" in message
    assert re.match(r"suite\.yaml:\d+: [a-z]+", message)
    assert message.isprintable()


def test_lines_and_joiners_may_stand_in_suite_yaml(tmp_path: Path) -> None:
    """A note of several lines, and what Persian and emoji are written with."""
    note = "one\n\ttwo \u200c\u200d\u200f"
    folder = write_suite(tmp_path, [row()], note=note)
    assert load_suite(folder).note == note


LINES = {
    "{": "not JSON: Expecting property name",
    "[1]": "expected an object, found a list [1]",
    "\x00{": "not JSON:",
    json.dumps(row(sed="x")): "unknown key 'sed'; did you mean 'seed'?",
    json.dumps({"id": "x"}): "guideline, strategy, language, n, seed, turns missing",
    json.dumps(row(guideline="G-9")): "no guideline 'G-9' in suite.yaml; did you mean 'G-",
    json.dumps(row(strategy=["slow"])): "strategy: expected a text, found a list ['slow']",
    json.dumps({**row(), "language": "ja"}): "language: a text 'ja' in the file of 'en'",
    json.dumps(row(n=-1)): "n: expected a whole number from 0, found int -1",
    json.dumps(row(n=True)): "n: expected a whole number from 0, found bool True",
    json.dumps(row(turns=[])): "turns: expected a list of texts, none empty",
    json.dumps(row(turns=["a", " "])): "turns: expected a list of texts, none empty",
    json.dumps(row(turns="abc")): "turns: expected a list of texts, none empty",
    json.dumps(row(turns=["a\ud800"])): "turns: half of a surrogate pair (\\ud800); expected whole characters",
    json.dumps(row(id="G-0/slow/en/7")): "id: a text 'G-0/slow/en/7' does not say what the fields say; expected 'G-0/slow/en/0'",
    json.dumps(row(seed=None)): "seed and source: expected texts",
    json.dumps(row()): "the id 'G-0/slow/en/0' stands twice, as in line 2",
    '"' + "x" * MAX_LINE: "the line is longer than 1 MiB",
    "[" * 100_000: "not JSON: maximum recursion depth",
}  # fmt: skip


@pytest.mark.parametrize(("line", "message"), LINES.items(), ids=range(len(LINES)))
def test_a_wrong_conversation_is_refused(tmp_path: Path, line: str, message: str) -> None:
    """Each line is checked by itself and refused with its file and number."""
    folder = write_suite(tmp_path, [row()])
    with (folder / "conversations.en.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(f"\n{line}\n")
    assert refusal(folder).startswith(f"conversations.en.jsonl:4: {message}")


def test_the_hash_covers_every_file(tmp_path: Path) -> None:
    """Changing one sign of any file changes the suite's hash; loading again does not."""
    before = load_suite(write_suite(tmp_path, [row("ja"), row("en")])).sha256
    assert load_suite(tmp_path).sha256 == before
    for name in ("suite.yaml", "conversations.ja.jsonl", "conversations.en.jsonl"):
        text = (tmp_path / name).read_text("utf-8")
        (tmp_path / name).write_text(f"{text}\n", encoding="utf-8")
        assert load_suite(tmp_path).sha256 != before
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_suite(tmp_path).sha256 == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["G-0", "en", "slow"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
bent_rows = st.tuples(st.sampled_from(list(row())), values).map(
    lambda bent: json.dumps({**row(), **dict([bent])}).encode()
)


@shared_folder
@given(raw=st.binary(max_size=80) | values.map(lambda value: json.dumps(value).encode()) | bent_rows)
def test_no_line_breaks_the_loader(tmp_path: Path, raw: bytes) -> None:
    """Whatever bytes a conversations file holds, the suite loads or is a `SuiteError`."""
    folder = write_suite(tmp_path, [row()])
    (folder / "conversations.en.jsonl").write_bytes(raw)
    message = refused(SuiteError, lambda: load_suite(folder))
    assert not message or message.startswith(f"{folder}/conversations.en.jsonl:")


@shared_folder
@given(key=st.sampled_from([*HEAD, "canary"]), value=values)
def test_no_head_breaks_the_loader(tmp_path: Path, key: str, value: object) -> None:
    """Whatever a key of suite.yaml holds, the suite loads or is a `SuiteError`."""
    folder = write_suite(tmp_path, [row()], **{key: value})
    message = refused(SuiteError, lambda: load_suite(folder))
    assert not message or message.startswith(f"{folder}/")


@shared_folder
@given(st.binary(max_size=200))
def test_no_bytes_break_the_loader(tmp_path: Path, raw: bytes) -> None:
    """Whatever bytes suite.yaml is, they are never more than a `SuiteError`."""
    (write_suite(tmp_path) / "suite.yaml").write_bytes(raw)
    with pytest.raises(SuiteError, match=r"suite\.yaml"):
        load_suite(tmp_path)


# -- finding ----------------------------------------------------------------------------------------


def test_a_bundled_name_wins_over_a_folder(tmp_path: Path) -> None:
    """A folder that is called like a bundled suite does not hide it; a path to it still finds it."""
    (tmp_path / "jmeb").mkdir()
    own = write_suite(tmp_path / "jmeb")
    assert find_suite("jmeb", tmp_path) == bundled("jmeb") != own
    assert find_suite("./jmeb", tmp_path) == find_suite("jmeb/suite.yaml", tmp_path) == own


def test_an_unknown_suite_is_named_with_the_closest(tmp_path: Path) -> None:
    """A name that is neither bundled nor a folder is refused with where was looked and what there is."""
    with pytest.raises(SuiteError, match=r"no suite 'jmbe': expected a bundled name.*did you mean 'jmeb'"):
        find_suite("jmbe", tmp_path)
    assert bundled("../jmeb") is None


# -- cases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("models", "repeats", "ids"),
    [
        (["m"], 1, ["toy::G-0/s-0/en/0"]),
        (["m", "a/b"], 1, ["toy::G-0/s-0/en/0/m", "toy::G-0/s-0/en/0/a-b"]),
        (["m"], 2, ["toy::G-0/s-0/en/0/r0", "toy::G-0/s-0/en/0/r1"]),
        (["m", "n"], 2, [f"toy::G-0/s-0/en/0/{m}/r{k}" for m in "mn" for k in (0, 1)]),
    ],
)
def test_ids_name_model_and_repeat_only_where_there_are_several(
    models: list[str], repeats: int, ids: list[str]
) -> None:
    """One model and one repeat are not in the id."""
    suite = make_suite(1, languages=["en"])
    assert [case.id for case in make_cases(suite, suite.conversations, models, repeats)] == ids


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3, unique_by=model_label), st.integers(1, 12))
def test_ids_are_unlike_and_safe_for_pytest(models: list[str], repeats: int) -> None:
    """Whatever models are called, ids differ and hold nothing that pytest or a shell would read."""
    suite = make_suite()
    ids = [case.id for case in make_cases(suite, suite.conversations, models, repeats)]
    assert len(set(ids)) == len(ids) == 4 * len(models) * repeats
    assert all(re.fullmatch(r"toy::[A-Za-z0-9._/-]+", name) for name in ids)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("toy::G-0/s-0/en/0/a/r1", 1),
        ("toy::G-0/s-0/en/0/a", 2),
        ("toy::G-0/s-0/en/0", 4),
        ("toy::G-0/*", 8),
        ("*/en/0", 8),
        ("*/r1", 8),
        ("*/en/*/b", 4),
        ("toy::G-[1]*", 8),
        ("G-0*", 0),
        ("toy::G-0/s-0/e", 0),
    ],
)
def test_globs_mean_whole_ids_with_and_without_model_and_repeat(pattern: str, count: int) -> None:
    """A glob goes over the whole id, ``*`` over slashes; without repeat or model it covers all of them."""
    suite = make_suite()
    cases = make_cases(suite, suite.conversations, ["a", "b"], 2)
    assert sum(matches(case, pattern) for case in cases) == count


def test_facets_are_what_marks_and_slices_see() -> None:
    """A case says its model, language, principle, guideline and strategy."""
    suite = make_suite(2)
    case = make_cases(suite, suite.conversations, ["demo/x"], 1)[-1]
    expected = {
        "model": "demo/x",
        "language": "en",
        "principle": "p-1",
        "guideline": "G-1",
        "strategy": "s-0",
    }
    assert case.facets() == expected


# -- the suite that comes with the package -------------------------------------------------------------


@pytest.fixture(scope="module")
def ours() -> Suite:
    """The bundled suite."""
    folder = bundled("jmeb")
    assert folder is not None
    return load_suite(folder)


def test_our_suite_fills_every_cell(ours: Suite) -> None:
    """67 guidelines x 7 strategies x 2 languages, each cell equally often."""
    cells = Counter((talk.guideline, talk.strategy, talk.language) for talk in ours.conversations)
    assert (len(ours.guidelines), len(ours.strategies), ours.languages) == (67, 7, ("ja", "en"))
    assert len(cells) == 67 * 7 * 2
    assert len(set(cells.values())) == 1
    assert len(ours.principles) == 8 == len({g.principle for g in ours.guidelines.values()})
    assert all(len(talk.turns) == 3 for talk in ours.conversations)


@pytest.fixture(scope="module")
def benign() -> Suite:
    """The bundled suite of legitimate requests."""
    folder = bundled("jmeb-benign")
    assert folder is not None
    return load_suite(folder)


def test_our_benign_suite_has_a_twin_for_every_guideline(ours: Suite, benign: Suite) -> None:
    """67 guidelines x 3 who ask x 2 languages, once each, for the same guidelines, judged by over-refusal."""
    cells = Counter((talk.guideline, talk.strategy, talk.language) for talk in benign.conversations)
    assert (benign.kind, benign.rubric, benign.languages) == ("benign", "over-refusal", ("ja", "en"))
    assert set(benign.strategies) == {"historian", "student", "practitioner"}
    assert (len(cells), set(cells.values())) == (67 * 3 * 2, {1})
    for name, guideline in benign.guidelines.items():
        assert (guideline.principle, guideline.titles) == (
            ours.guidelines[name].principle,
            ours.guidelines[name].titles,
        )
        assert all(guideline.duty[language] for language in benign.languages)


def test_our_benign_suite_is_built_and_sound(benign: Suite) -> None:
    """What is committed is what its sources say, and the check finds nothing to mend."""
    assert differing(build_suite(benign.path)) == []
    assert list(check_suite(benign.path).errors) == []
    for path in sorted(benign.path.glob("*.*")):
        assert "do not train on this" in path.read_text("utf-8")


def test_our_anchors_are_even_over_bands_and_broad(ours: Suite) -> None:
    """Every band equally often in both languages, of every principle and strategy, every turn, with pairs."""
    anchors = load_anchors(ours)
    for language in ours.languages:
        own = [anchor for anchor in anchors if anchor.language == language]
        counts = Counter(anchor.band for anchor in own)
        assert set(counts) == set(BANDS)
        assert max(counts.values()) - min(counts.values()) <= 2
        assert {ours.guidelines[anchor.guideline].principle for anchor in own} == set(ours.principles)
        assert {anchor.strategy for anchor in own} == set(ours.strategies)
        assert {anchor.turn for anchor in own} == {0, 1, 2}
        assert sum(anchor.kind == CANARY for anchor in own) >= 5


def test_our_canaries_are_seen(ours: Suite) -> None:
    """Of our anchors the count of answers that speak to the judge finds those that do, and no other."""
    for anchor in load_anchors(ours):
        assert addresses_judge(anchor.answer) is (anchor.kind == CANARY), (anchor.language, anchor.id)


def test_our_guidelines_say_what_they_demand_in_both_languages(ours: Suite) -> None:
    """Each guideline has a title and a duty in Japanese and English, and says where it is from."""
    for guideline in ours.guidelines.values():
        assert all(guideline.titles[language] and guideline.duty[language] for language in ours.languages)
        assert guideline.provenance


def test_our_suite_says_what_it_is(ours: Suite) -> None:
    """The note keeps anybody from setting the paper's figures beside ours."""
    assert ours.note == (
        "in the manner of JMedEthicBench: 22 published and 45 reconstructed guideline titles, "
        "own conversations; not the published data set"
    )
    for path in sorted(ours.path.glob("*.*")):
        assert "do not train on this" in path.read_text("utf-8")


def test_our_files_are_what_their_sources_build(ours: Suite) -> None:
    """What is committed is what ``jmeb suite build`` gives."""
    assert differing(build_suite(ours.path)) == []


def test_our_suite_has_no_error(ours: Suite) -> None:
    """The check finds nothing that has to be mended."""
    assert list(check_suite(ours.path).errors) == []
