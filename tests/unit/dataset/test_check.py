"""The laws of `jmeb_plugin.dataset.check`: what is found, where, and what is left alone."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.dataset.check import CheckReport, check_suite
from tests.unit.builders import row, write_suite

WORDS = [f"{a}{b}" for a in "bcdfghjklmnprstvw" for b in ("ab", "em", "il", "on", "ut")]
KANA = [chr(code) for code in range(0x3042, 0x3090)]


def text(seed: object, language: str = "en", size: int = 0) -> str:
    """A turn of a usual length that shares nothing with another seed's."""
    draw = random.Random(f"{seed}/{language}")
    if language == "ja":
        return "".join(draw.choices(KANA, k=size or 80))
    return " ".join(draw.choices(WORDS, k=size or 40))


def talk(language: str = "en", guideline: str = "G-0", n: int = 0, **turns: str) -> dict[str, Any]:
    """A conversation without a fault; ``t0`` to ``t2`` replace its turns."""
    usual = [text((guideline, n, turn), language) for turn in range(3)]
    return row(language, guideline, n, turns=[turns.get(f"t{turn}", usual[turn]) for turn in range(3)])


def check(folder: Path, *rows: dict[str, Any]) -> CheckReport:
    """The report on a suite of these conversations."""
    return check_suite(write_suite(folder, rows))


def test_a_faultless_suite_has_no_finding(tmp_path: Path) -> None:
    """Nothing is said of conversations of usual length, alike in nothing, complete in both languages."""
    report = check(tmp_path, *(talk(lang, g) for lang in ("ja", "en") for g in ("G-0", "G-1")))
    assert (list(report.errors), list(report.warnings)) == ([], [])
    assert list(report.lines())[1:] == [
        "4 conversations in 4 of 4 cells (guideline x strategy x language)",
        "ja: 2 conversations, turns of 80 to 80 characters, median 80",
        "en: 2 conversations, turns of 40 to 40 words, median 40",
        "ja: 1 pairs compared by 5-grams of characters, 0 (0.000%) above 30%, none shares any",
        "en: 1 pairs compared by 3-grams of words, 0 (0.000%) above 25%, none shares any",
        "0 errors, 0 warnings",
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (talk("ja", t1=text(1)), "turn 1: no kana in a text in 'ja'"),
        (talk("en", t2=text(1) + " 患者"), "turn 2: '患' in a text in 'en'"),
        (talk("en", t0=text(1) + " {name}"), "turn 0: a leftover '{name}'"),
        (talk("en", t0=text(1) + " TODO"), "turn 0: a leftover 'TODO'"),
        (talk("en", t0=text(1) + " Lorem ipsum"), "turn 0: a leftover 'Lorem ipsum'"),
        (talk("en", t0=text(1) + " [CITY]"), "turn 0: a leftover '[CITY]'"),
        (talk("ja", t0=text(1, "ja") + "<NAME>"), "turn 0: a leftover '<NAME>'"),
    ],
)
def test_wrong_text_is_an_error_with_file_and_line(
    tmp_path: Path, entry: dict[str, Any], problem: str
) -> None:
    """Another script and leftovers of writing are errors, each at the line of its conversation."""
    language = entry["language"]
    report = check(tmp_path, talk(language, "G-1"), entry)
    assert list(report.errors) == [f"{tmp_path}/conversations.{language}.jsonl:3: {problem}"]


@pytest.mark.parametrize("said", ["[omitted]", "todo lists", "f(x) < g(x)", "[ ]"])
def test_usual_brackets_are_no_leftovers(tmp_path: Path, said: str) -> None:
    """What people write in brackets is left alone."""
    assert list(check(tmp_path, talk("en", t0=f"{text(1)} {said}")).errors) == []


def test_a_line_is_found_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    """Findings name the line also where ``id`` is not the first key."""
    folder = write_suite(tmp_path, [talk("en", t0=f"{text(1)} XXX")])
    path = folder / "conversations.en.jsonl"
    lines = path.read_text("utf-8").splitlines()
    turned = json.dumps(dict(reversed(json.loads(lines[1]).items())))
    path.write_text("\n".join(["", lines[0], "", turned]), encoding="utf-8")
    assert list(check_suite(folder).errors) == [f"{path}:4: turn 0: a leftover 'XXX'"]


@pytest.mark.parametrize(
    ("language", "size", "problem"),
    [
        ("en", 24, "24 words; expected 25 to 110"),
        ("en", 111, "111 words; expected 25 to 110"),
        ("ja", 39, "39 characters; expected 40 to 280"),
        ("ja", 281, "281 characters; expected 40 to 280"),
    ],
)
def test_unusual_lengths_are_warnings(tmp_path: Path, language: str, size: int, problem: str) -> None:
    """A turn that is shorter or longer than people write is a warning with file and line."""
    other = "ja" if language == "en" else "en"
    report = check(tmp_path, talk(language, t1=text(1, language, size)), talk(other))
    assert list(report.warnings) == [f"{tmp_path}/conversations.{language}.jsonl:2: turn 1: {problem}"]
    inside = 25 if language == "en" else 280
    assert list(check(tmp_path, talk(language, t1=text(1, language, inside)), talk(other)).warnings) == []


def both(*guidelines: tuple[str, int], **turns: str) -> list[dict[str, Any]]:
    """Conversations in English with these turns, each with its plain Japanese half."""
    pairs = [(talk("en", g, n, **turns), talk("ja", g, n)) for g, n in guidelines]
    return [entry for pair in pairs for entry in pair]


def test_a_missing_half_is_a_warning(tmp_path: Path) -> None:
    """Conversations that are not in every language are counted, the first named."""
    report = check(tmp_path, talk("en"), talk("ja"), talk("en", "G-1", 2), talk("ja", "G-1", 3))
    assert list(report.warnings) == ["2 conversations not in every language, the first G-1/slow/3"]


@pytest.mark.parametrize(("shared", "alike"), [(40, True), (20, True), (8, False)])
def test_near_duplicates_are_warnings(tmp_path: Path, shared: int, alike: bool) -> None:
    """Two turns that share more than a quarter of their word 3-grams are named with the share."""
    frame = text("frame", size=shared)
    rows = [*both(("G-0", 0), t1=f"{text('x')} {frame}"), *both(("G-1", 0), t1=f"{frame} {text('y')}")]
    warnings = list(check(tmp_path, *rows).warnings)
    assert bool(warnings) is alike
    if alike:
        share = round(100 * (shared - 2) / (shared + 38))
        assert warnings == [
            "en: 1 of 1 pairs share more than 25% of their 3-grams of words; expected at most 0.1%",
            f"turn 1 of G-0/slow/en/0 and G-1/slow/en/0 share {share}% of their n-grams",
        ]


def test_japanese_is_compared_by_characters(tmp_path: Path) -> None:
    """In a script without blanks, character 5-grams are compared."""
    same = text("same", "ja")
    rows = [talk("ja", t0=same), talk("ja", "G-1", t0=same), talk("en"), talk("en", "G-1")]
    assert list(check(tmp_path, *rows).warnings) == [
        "ja: 1 of 1 pairs share more than 30% of their 5-grams of characters; expected at most 0.1%",
        "turn 0 of G-0/slow/ja/0 and G-1/slow/ja/0 share 100% of their n-grams",
    ]


def test_an_opening_that_returns_is_a_warning(tmp_path: Path) -> None:
    """Four words that open more than three turns (or 3 %) of a strategy are named with their number."""
    pairs = [(g, n) for g in ("G-0", "G-1") for n in range(2)]
    rows = [
        entry for g, n in pairs for entry in both((g, n), t0=f"Dear doctor I write {text((g, n, 'own'))}")
    ]
    assert list(check(tmp_path, *rows).warnings) == ["4 turns of slow (en) open with 'dear doctor i write'"]
    assert list(check(tmp_path, *rows[:6]).warnings) == []


def test_a_title_that_returns_is_a_warning(tmp_path: Path) -> None:
    """The artefact's title in the last turn may be asked for once in a language."""
    rows = [
        entry for g in ("G-0", "G-1") for entry in both((g, 0), t2=f"“Rules of the house” {text((g, 'own'))}")
    ]
    expected = "the title 'Rules of the house' is asked for by G-0/slow/en/0, G-1/slow/en/0"
    assert list(check(tmp_path, *rows).warnings) == [expected]
    japanese = [talk("ja", g, t2=f"『家の掟』{text((g, 'own'), 'ja')}") for g in ("G-0", "G-1")]
    assert list(check(tmp_path, *japanese, talk("en"), talk("en", "G-1")).warnings) == [
        "the title '家の掟' is asked for by G-0/slow/ja/0, G-1/slow/ja/0"
    ]


def test_a_benign_suite_may_ask_for_a_title_twice(tmp_path: Path) -> None:
    """Titles are counted where artefacts are what a suite asks for."""
    rows = [talk("fr", g, t2=f"«Le livret» {text((g, 'own'))}") for g in ("G-0", "G-1")]
    for kind, count in (("harmful", 1), ("benign", 0)):
        folder = tmp_path / kind
        folder.mkdir()
        write_suite(folder, kind=kind, languages=["fr"])
        lines = "\n".join(json.dumps(entry) for entry in rows)
        (folder / "conversations.fr.jsonl").write_text(lines, encoding="utf-8")
        assert len(check_suite(folder).warnings) == count


def test_a_sentence_that_returns_is_a_warning(tmp_path: Path) -> None:
    """A sentence of eight words (twenty characters) may stand in three conversations of a language."""
    said = "And please do write it so that nobody asks."
    pairs = [(g, n) for g in ("G-0", "G-1") for n in range(2)]
    rows = [e for g, n in pairs for e in both((g, n), t1=f"{text((g, n, 'own'))}. {said}")]
    expected = (
        "4 conversations (en) say 'and please do write it so that nobody asks', the first G-0/slow/en/0"
    )
    assert list(check(tmp_path, *rows).warnings) == [expected]
    assert list(check(tmp_path, *rows[:6]).warnings) == []
    kana = text("said", "ja", 20)
    japanese = [talk("ja", g, n, t1=f"{text((g, n, 'own'), 'ja')}。「{kana}」") for g, n in pairs]
    (found,) = check(tmp_path, *japanese, *(talk("en", g, n) for g, n in pairs)).warnings
    assert found == f"4 conversations (ja) say {kana!r}, the first G-0/slow/ja/0"


def test_a_seed_is_compared_across_strategies(tmp_path: Path) -> None:
    """Two conversations of one seed in two strategies are a pair; of two seeds and strategies they are none."""
    ways = [{"id": way, "name": way, "description": ""} for way in ("slow", "fast")]
    first, second = talk("en"), talk("en", "G-1", t0=talk("en")["turns"][0])
    for other, pairs in (("G-0", 1), ("G-1", 0)):
        twin = {**second, "guideline": other, "strategy": "fast", "id": f"{other}/fast/en/0"}
        report = check_suite(write_suite(tmp_path, [first, twin], strategies=ways, languages=["en"]))
        assert [line for line in report.figures if line.startswith("en: ")][1].startswith(
            f"en: {pairs} pairs compared" if pairs else "en: no pairs to compare"
        )
        assert bool(report.warnings) is bool(pairs)


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [
        ({"en": [1]}, "lengths.en: expected [least, most], found a list [1]"),
        ({"en": [9, 1]}, "lengths.en: expected [least, most]"),
        ({"en": "x"}, "lengths.en: expected [least, most], found a text 'x'"),
        ({"fr": [1, 9]}, "lengths.fr: unknown key 'fr' (there is: en, ja)"),
        ([1], "lengths: expected a mapping, found a list [1]"),
    ],
)
def test_lengths_that_cannot_be_meant_are_one_error(tmp_path: Path, lengths: Any, problem: str) -> None:
    """With file and line, like all that keeps a suite from being checked."""
    (error,) = check_suite(write_suite(tmp_path, [talk()], lengths=lengths)).errors
    assert re.sub(r":\d+: ", ": ", error).startswith(f"{tmp_path}/suite.yaml: {problem}")


def test_many_findings_are_counted(tmp_path: Path) -> None:
    """Fifty of a kind are shown."""
    rows = [row("en", n=n) for n in range(30)]
    warnings = list(check_suite(write_suite(tmp_path, rows, languages=["en"])).warnings)
    assert "and 40 more turns of an unusual length" in warnings


def test_a_suite_that_does_not_load_is_one_error(tmp_path: Path) -> None:
    """What keeps a suite from loading is the only finding."""
    report = check(tmp_path, row(turns=[]))
    message = f"{tmp_path}/conversations.en.jsonl:2: turns: expected a list of texts, none empty"
    assert list(report.lines()) == [f"error: {message}", "1 error, 0 warnings"]
