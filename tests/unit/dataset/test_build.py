"""The laws of `jmeb_plugin.dataset.build`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jmeb_plugin.dataset.build import CARDS, build_suite, differing
from jmeb_plugin.dataset.check import check_suite
from jmeb_plugin.errors import SuiteError
from jmeb_plugin.suite import load_suite
from tests.unit.builders import HEAD

SOURCE_HEAD: dict[str, Any] = {
    **{key: value for key, value in HEAD.items() if key != "guidelines"},
    "canary": "canary GUID x: do not train on this",
    "guidelines": [{"id": "G-0", "principle": "p-0", "titles": {"en": "Zero"}}],
}
GUIDELINE: dict[str, Any] = {
    "guideline": "G-0",
    "duty": {"ja": "害さない。", "en": " Do no harm.\n"},
    "seeds": [
        {
            "n": 0,
            "card": dict.fromkeys(CARDS["harmful"], "x"),
            "seed": {"ja": "依頼", "en": "a request "},
            "conversations": {
                "slow": {
                    "way": "letters",
                    "ja": ["一つ。", "二つ。", "三つ。"],
                    "en": [" One.\n", "Two.", "Three."],
                }
            },
        }
    ],
}


def write(folder: Path, guideline: Any = GUIDELINE, head: Any = SOURCE_HEAD) -> Path:
    """The sources of a suite on disk."""
    (folder / "sources").mkdir(exist_ok=True)
    for name, data in (("suite", head), ("G-0", guideline)):
        text = yaml.safe_dump(copy.deepcopy(data), sort_keys=False, allow_unicode=True)
        (folder / "sources" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_what_is_built_loads(tmp_path: Path) -> None:
    """The built files are a suite: texts stripped, duties with the guidelines, canary in each file."""
    texts = build_suite(write(tmp_path))
    assert [path.name for path in texts] == ["suite.yaml", "conversations.ja.jsonl", "conversations.en.jsonl"]
    for path, text in texts.items():
        assert "do not train on this" in text
        path.write_text(text, encoding="utf-8")
    suite = load_suite(tmp_path)
    assert suite.guidelines["G-0"].duty == {"ja": "害さない。", "en": "Do no harm."}
    assert [talk.id for talk in suite.conversations] == ["G-0/slow/ja/0", "G-0/slow/en/0"]
    assert (suite.conversations[1].turns, suite.conversations[1].seed) == (
        ("One.", "Two.", "Three."),
        "a request",
    )
    assert json.loads(texts[tmp_path / "conversations.en.jsonl"].splitlines()[0]) == {
        "canary": SOURCE_HEAD["canary"]
    }


def test_equal_sources_give_equal_bytes(tmp_path: Path) -> None:
    """Building twice gives the same text; only what is not on disk like that differs."""
    texts = build_suite(write(tmp_path))
    assert build_suite(tmp_path) == texts
    assert differing(texts) == list(texts)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    assert differing(texts) == []
    stale = tmp_path / "conversations.ja.jsonl"
    stale.write_text("other", encoding="utf-8")
    assert differing(texts) == [stale]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The guideline's file with the value at a dotted path replaced; ``...`` takes it away."""
    whole = copy.deepcopy(GUIDELINE)
    part: Any = whole
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        part = part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return whole


SEED = "seeds.0"
TURNS = "seeds.0.conversations.slow.en"


@pytest.mark.parametrize(
    ("path", "value", "line", "message"),
    [
        ("duty.ja", ..., 2, "duty.ja: expected a text, found nothing"),
        ("duty", ["x"], 2, "duty.ja: expected a text, found nothing"),
        ("duty.en", " ", 4, "duty.en: expected a text, found an empty one"),
        ("seed", 1, 33, "seed: unknown key 'seed'; did you mean 'seeds'?"),
        ("seeds", ..., 1, "seeds: expected a list, found nothing"),
        (SEED, "x", 8, "seeds.0: expected a mapping, found a text 'x'"),
        ("guideline", "G-1", 1, "guideline: expected G-0, as the file is called; found a text 'G-1'"),
        (f"{SEED}.n", 1, 8, "seeds.0.n: expected 0: seeds are numbered in their order"),
        (f"{SEED}.card", ..., 8, "seeds.0.card: expected a mapping, found nothing"),
        (f"{SEED}.card.victim", ..., 9, "seeds.0.card: victim missing"),
        (f"{SEED}.card.voice", "", 9, "seeds.0.card: voice missing"),
        (f"{SEED}.seed.ja", ..., 17, "seeds.0.seed.ja: expected a text, found nothing"),
        (
            f"{SEED}.conversations.slow",
            ...,
            20,
            "seeds.0.conversations.slow.ja: expected a list, found nothing",
        ),
        (TURNS, ..., 21, f"{TURNS}: expected a list, found nothing"),
        (TURNS, "One. Two. Three.", 27, f"{TURNS}: expected a list, found a text"),
        (TURNS, ["One.", "Two."], 27, f"{TURNS}: expected 3 turns, found 2"),
        (f"{TURNS}.1", "", 31, f"{TURNS}.1: expected a text, found an empty one"),
        (f"{TURNS}.2", 3, 32, f"{TURNS}.2: expected a text, found int 3"),
    ],
)
def test_what_is_missing_is_named_with_file_and_line(
    tmp_path: Path, path: str, value: Any, line: int, message: str
) -> None:
    """A duty, card, seed, conversation or turn that is missing or no text is refused where it should stand."""
    with pytest.raises(SuiteError) as caught:
        build_suite(write(tmp_path, changed(path, value)))
    assert str(caught.value).startswith(f"{tmp_path}/sources/G-0.yaml:{line}: {message}")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({**SOURCE_HEAD, "canary": ""}, "suite.yaml:1: canary is missing"),
        ({**SOURCE_HEAD, "guidelines": None}, "suite.yaml:1: guidelines is missing"),
        ({**SOURCE_HEAD, "guidelines": ["G-0"]}, "guidelines.0: expected a mapping with id"),
        ({**SOURCE_HEAD, "languages": "ja"}, "languages: expected a list"),
        ({**SOURCE_HEAD, "guidelnes": 1}, "guidelnes: unknown key 'guidelnes'; did you mean 'guidelines'?"),
        (
            {**SOURCE_HEAD, "guidelines": [{"id": "G-1"}]},
            "sources: 1 of 1 guidelines have no file: G-1; expected ",
        ),
        ({**SOURCE_HEAD, "kind": "benin"}, "kind: a text 'benin' is unknown; did you mean 'benign'?"),
        ([], "suite.yaml:1: expected a mapping, found a list []"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path: Path, head: Any, message: str) -> None:
    """What the sources' suite.yaml lacks is named before anything is built."""
    with pytest.raises(SuiteError) as caught:
        build_suite(write(tmp_path, head=head))
    assert message in str(caught.value)


def test_the_benign_sample_is_what_its_sources_say() -> None:
    """The sample that other tests run is built, and nothing is wrong with its text."""
    sample = Path(__file__).parents[2] / "data" / "benign"
    assert differing(build_suite(sample)) == []
    report = check_suite(sample)
    assert (report.errors, report.warnings) == ([], [])


def test_a_card_holds_what_its_kind_of_suite_needs(tmp_path: Path) -> None:
    """A benign conversation wrongs nobody: its card says who asks, where, and what they rightly want."""
    head = {**SOURCE_HEAD, "kind": "benign", "rubric": "over-refusal"}
    card = {"who": {"slow": "a student"}, "setting": "x", "need": "x"}
    build_suite(write(tmp_path, changed("seeds.0.card", card), head))
    with pytest.raises(SuiteError, match=r"seeds\.0\.card: need missing"):
        build_suite(write(tmp_path, changed("seeds.0.card", {**card, "need": ""}), head))
    with pytest.raises(
        SuiteError, match=r"seeds\.0\.card: violation, victim, artefact, pressure, voice missing"
    ):
        build_suite(write(tmp_path, changed("seeds.0.card", card)))


def test_a_source_without_a_guideline_is_refused(tmp_path: Path) -> None:
    """A file that no guideline is called by would be left out silently."""
    (write(tmp_path) / "sources" / "G-7.yaml").write_text("", encoding="utf-8")
    with pytest.raises(SuiteError, match=r"G-7\.yaml: no such guideline in .*sources/suite\.yaml"):
        build_suite(tmp_path)
