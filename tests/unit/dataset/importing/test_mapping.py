"""The laws of `jmeb_plugin.dataset.importing.mapping` and `dialogue`: what of a row becomes what of ours."""

from __future__ import annotations

import json
import re

import pytest

from jmeb_plugin.dataset.importing.dialogue import user_texts, whole_number
from jmeb_plugin.dataset.importing.mapping import Field, FieldMap, guess, paths_of, read_mapping, typed_map
from jmeb_plugin.errors import ImportRefused, SettingsError

ROW = {
    "idx": 7,
    "meta": {"principle.no": "B-13", "tags": ["x", "y"]},
    "dialog": [
        {"role": "system", "text": "You help."},
        {"role": "user", "text": "One?"},
        {"role": "assistant", "text": "Yes."},
        {"role": "User", "text": "Two?"},
    ],
    "q1": "First.",
    "q2": "Second.",
    "cell": '["a", "b"]',
    "a, b": "both",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("idx", [7]),
        ("meta.tags[]", ["x", "y"]),
        ("meta.tags[1]", ["y"]),
        ("dialog[].text", ["One?", "Two?"]),
        ("dialog[0].text", ["You help."]),
        ("q1,q2", ["First.", "Second."]),
        ("q1, meta.tags[0]", ["First.", "x"]),
        ("cell[]", ["a", "b"]),
        ("a, b", ["both"]),
        ("nothing?", []),
        ("meta.nothing?", []),
    ],
)
def test_a_path_finds_what_stands_there(path, found):
    """Names, places, all of a list but what others than the user say, several paths, a name as it stands."""
    assert Field(path).find(ROW) == found


def test_a_name_with_a_dot_in_it_is_found_as_it_stands():
    """A field's own name wins over the path it looks like."""
    assert Field("principle.no").find(ROW["meta"]) == ["B-13"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dialog[].txt", "no field 'dialog[].txt'; did you mean 'dialog[].text'?"),
        ("idx[]", "no field 'idx[]'; did you mean 'idx'?"),
        ("meta.tags[9]", "no field 'meta.tags[9]'; did you mean 'meta.tags[]'?"),
        ("a[b]c", "no field 'a[b]c'"),
    ],
)
def test_a_path_that_leads_nowhere_names_the_nearest(path, message):
    """The row's own paths are what is proposed."""
    with pytest.raises(ImportRefused) as caught:
        Field(path).find(ROW)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("One.", ["One."]),
        (["One.", 2], ["One.", "2"]),
        ('["One.", "Two."]', ["One.", "Two."]),
        ("[Doctor] One.", ["[Doctor] One."]),
        ([{"from": "human", "value": "One."}, {"from": "gpt", "value": "No."}], ["One."]),
        ([{"content": "One."}], ["One."]),
    ],
)
def test_only_what_the_user_says_is_taken(value, texts):
    """Of texts, messages in the two usual shapes, and lists written as JSON."""
    assert list(user_texts(value)) == texts


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            [{"role": "doctor", "text": "x"}],
            "a text 'doctor' is no known speaker; expected user or assistant",
        ),
        ([{"role": None, "text": "x"}], "nothing is no known speaker; expected user or assistant"),
        (["One.", " "], "turns: expected a text, found an empty one"),
        ([["One."]], "turns: expected a text or a number, found a list ['One.']"),
        (float("nan"), "turns: expected a text or a number, found float nan"),
        (True, "turns: expected a text or a number, found bool True"),
        ([{"role": "user", "said": "x"}], "turns: expected a text or a number, found a mapping"),
    ],
)
def test_what_cannot_be_a_turn_is_refused(value, message):
    """Nothing is guessed, left out or made a text of."""
    with pytest.raises(ImportRefused) as caught:
        list(user_texts(value))
    assert str(caught.value).startswith(message)


def test_values_become_texts():
    """Whole numbers lose their point; ``match`` cuts out, ``values`` translates, ``set`` is for all rows."""
    fields = FieldMap(
        map={"id": Field("idx"), "guideline": Field("meta"), "n": Field("n?"), "language": Field("lang"), "turns": Field("q")},
        set={"strategy": "plain"},
        match={"guideline": re.compile(r"No\. (\S+)")},
        values={"language": {"Japanese": "ja"}},
    )  # fmt: skip
    row = {"idx": 3.0, "meta": "Guideline No. B-13 of the JMA", "lang": "Japanese", "n": None, "q": "x"}
    assert fields.texts(row) == {"id": "3", "guideline": "B-13", "language": "ja", "strategy": "plain"}
    assert fields.turns(row) == ["x"]
    with pytest.raises(ImportRefused, match=r"guideline: 'other' does not match 'No"):
        fields.texts({**row, "meta": "other"})
    with pytest.raises(ImportRefused, match="turns: expected the user's texts, found none"):
        fields.turns({"q": []})
    with pytest.raises(ImportRefused, match="language: expected a text, found nothing"):
        FieldMap({"language": Field("lang?"), "guideline": Field("idx")}, {"strategy": "s"}).texts({"idx": 1})


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "1" * 10, "２"])
def test_a_number_that_is_none_is_refused(text):
    """``n`` counts from 0."""
    with pytest.raises(ImportRefused, match="n: expected a whole number from 0, found "):
        whole_number(text)


@pytest.mark.parametrize(
    ("mapped", "fixed", "message"),
    [
        (["turns"], [], "--map turns: expected FIELD=…, for instance --map guideline=…"),
        (["turns="], [], "--map turns=: expected FIELD=…"),
        ([], ["langage=fr"], "--set langage=fr: unknown field 'langage'; did you mean 'language'?"),
        (["id=a", "id=b"], [], "--map id=b: 'id' stands twice"),
        (["id=a"], ["id=b"], "--set id: mapped by --map as well; expected one of them"),
    ],
)
def test_what_cannot_be_typed_is_a_mistake(mapped, fixed, message):
    """Each names the option as it was typed."""
    with pytest.raises(SettingsError) as caught:
        typed_map(mapped, fixed)
    assert str(caught.value).startswith(message)


def test_a_row_may_hold_several_conversations(tmp_path):
    """Each ``[[conversation]]`` is a map of its own over what they share; the command line is over both."""
    path = tmp_path / "m.toml"
    path.write_text(
        '[map]\nid = "idx"\nguideline = "no"\n[set]\nstrategy = "plain"\n'
        '[[conversation]]\nmap = {turns = "ja[]"}\nset = {language = "ja"}\n'
        '[[conversation]]\nmap = {turns = "en[]"}\nset = {language = "en"}\n'
    )
    first, second = (typed_map(["strategy=way"], []).over(one) for one in read_mapping(path))
    assert (first.map["turns"].text, second.map["turns"].text) == ("ja[]", "en[]")
    assert (first.set, second.set) == ({"language": "ja"}, {"language": "en"})
    assert (first.map["id"].text, first.map["strategy"].text) == ("idx", "way")
    assert (first.missing({}), FieldMap().missing({})) == ([], ["guideline", "strategy", "language", "turns"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("map", ": not TOML: "),
        ("[mpa]\n", ": unknown table 'mpa'; did you mean 'map'?"),
        ("map = 1\n", ": map: expected a table, found int 1"),
        ("[map]\nturn = 'x'\n", ": map: unknown field 'turn'; did you mean 'turns'?"),
        ("[map]\nid = 1\n", ": map.id: expected a text, found int 1"),
        ("[match]\nid = '('\n", ": match.id: no regular expression: "),
        ("[values]\nid = 'x'\n", ": values.id: expected a table of texts, found a text 'x'"),
        ("conversation = 1\n", ": conversation: expected tables, written [[conversation]]"),
        ("conversation = [1]\n", ": conversation: expected a table"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_a_mistake(tmp_path, text, message):
    """With the file, the table and the field."""
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_mapping(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_mapping_that_is_not_there_is_a_mistake(tmp_path):
    """Like every file."""
    with pytest.raises(SettingsError, match=r"m\.toml: cannot be read \(No such file or directory\)"):
        read_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("row", "turns"),
    [
        ({"guideline": "A", "strategy": "s", "language": "en", "turns": ["a", "b"]}, ["a", "b"]),
        ({"": "0", "harmful_medical_request": "a", "safe_response": "no", "@file": "gpt4_category_3"}, ["a"]),
        ({"history": [{"user": "a", "bot": "x"}, {"user": "b", "bot": "y"}], "@file": "f"}, ["a", "b"]),
    ],
)
def test_a_preset_is_found_by_the_look_of_a_row(row, turns):
    """Our own field names, MedSafetyBench, and histories of exchanges."""
    found = guess(row)
    assert found is not None
    assert found.turns(row) == turns


def test_what_looks_like_nothing_known_is_not_guessed():
    """Columns that nobody described are left to the user."""
    assert guess({"id": 1, "conversation": [{"role": "user", "content": "x"}]}) is None


def test_paths_are_shown_as_they_would_be_typed():
    """Each can be copied behind ``--map``; what is deeper than five levels is not followed."""
    found = list(paths_of({"a": {"b": [{"c": 1}]}, "d": [], "@file": "x"}))
    assert found == ["a.b[].c", "d"]
    deep = json.loads('{"a":' * 50 + "1" + "}" * 50)
    assert list(paths_of(deep)) == ["a.a.a.a.a"]
