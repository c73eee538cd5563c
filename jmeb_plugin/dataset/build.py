"""Assemble a suite from its sources: cards and written conversations in, the suite's files out.

``sources/suite.yaml`` describes the suite; ``sources/GUIDELINE.yaml`` holds a guideline's duty and
its seeds, each a card and its conversations. What a card says depends on the suite's kind. The same
sources give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from jmeb_plugin.errors import SuiteError, closest
from jmeb_plugin.suite import KINDS, SUITE_KEYS, entries, parse_languages
from jmeb_plugin.yaml_file import Path_, YamlFile, describe, read_yaml

TURNS = 3
CARDS = {
    "harmful": ("violation", "who", "setting", "victim", "artefact", "pressure", "voice"),
    "benign": ("who", "setting", "need"),
}


def build_suite(folder: Path) -> dict[Path, str]:
    """The text of every file of the suite, by path.

    Raises `SuiteError` with file and line for a card or a conversation that is missing or unknown.
    """
    head = read_yaml(folder / "sources" / "suite.yaml", SuiteError)
    check_head(head)
    files = read_guidelines(head)
    texts = {folder / "suite.yaml": describe_suite(head.data, files)}
    for language in head.data["languages"]:
        lines = [json.dumps({"canary": head.data["canary"]}, ensure_ascii=False)]
        lines += [json.dumps(row, ensure_ascii=False) for row in rows(head.data, files, language)]
        texts[folder / f"conversations.{language}.jsonl"] = "\n".join(lines) + "\n"
    return texts


def check_head(head: YamlFile) -> None:
    """Raise unless suite.yaml says all that the files are named and built by.

    Only what is needed here: `jmeb_plugin.suite.load_suite` checks what was built.
    """
    head.check_keys((), head.data, SUITE_KEYS)
    for key in ("canary", "languages", "guidelines", "strategies"):
        if not head.data.get(key):
            raise head.fail((), f"{key} is missing")
    if (kind := head.data.get("kind", KINDS[0])) not in KINDS:
        raise head.fail(("kind",), f"{describe(kind)} is unknown{closest(str(kind), KINDS)}")
    parse_languages(head)
    for key in ("guidelines", "strategies"):
        list(entries(head, key, ("id",)))


def read_guidelines(head: YamlFile) -> dict[str, YamlFile]:
    """Every guideline's file; `SuiteError` where one is missing, or is called by no guideline."""
    sources, ids = head.path.parent, [entry["id"] for entry in head.data["guidelines"]]
    missing = [name for name in ids if not (sources / f"{name}.yaml").exists()]
    if missing:
        raise SuiteError(
            f"{sources}: {len(missing)} of {len(ids)} guidelines have no file: {', '.join(missing)}; "
            f"expected {sources / missing[0]}.yaml"
        )
    for path in sorted(sources.glob("*.yaml")):
        if path.stem not in ids and path.name != "suite.yaml":
            raise SuiteError(f"{path}: no such guideline in {head.path}{closest(path.stem, ids)}")
    files = {name: read_yaml(sources / f"{name}.yaml", SuiteError) for name in ids}
    for name, file in files.items():
        file.check_keys((), file.data, {"guideline", "duty", "seeds"})
        if file.data.get("guideline") != name:
            found = describe(file.data.get("guideline"))
            raise file.fail(("guideline",), f"expected {name}, as the file is called; found {found}")
    return files


def describe_suite(head: Mapping[str, Any], files: Mapping[str, YamlFile]) -> str:
    """suite.yaml: what the sources say of the suite, with each guideline's duty."""
    guidelines = [
        {**entry, "duty": duty(files[entry["id"]], head["languages"])} for entry in head["guidelines"]
    ]
    return head_text({**head, "guidelines": guidelines}, "`jmeb suite build` from sources/; do not edit")


def head_text(head: Mapping[str, Any], maker: str) -> str:
    """suite.yaml as a text; the first line says what it was built by."""
    text = yaml.safe_dump(dict(head), allow_unicode=True, sort_keys=False, width=1000)
    return f"# Built by {maker}, and do not train on this.\n{text}"


def duty(file: YamlFile, languages: Sequence[str]) -> dict[str, str]:
    """What the guideline demands, in every language."""
    return {language: text_at(file, ("duty", language)) for language in languages}


def rows(head: Mapping[str, Any], files: Mapping[str, YamlFile], language: str) -> Iterator[dict[str, Any]]:
    """The conversations of one language, in the order of guidelines, strategies and seeds."""
    card = CARDS[head.get("kind", KINDS[0])]
    for guideline, file in files.items():
        for index, seed in enumerate(value_at(file, ("seeds",), list)):
            check_card(file, index, seed, card)
            for strategy in (entry["id"] for entry in head["strategies"]):
                yield row(file, index, strategy, language, guideline)


def check_card(file: YamlFile, index: int, seed: Any, needed: Sequence[str]) -> None:
    """Raise for a seed whose card lacks what is needed or whose number is not its place."""
    at = ("seeds", index)
    file.check_keys(at, seed, {"n", "card", "seed", "conversations"})
    if seed.get("n") != index:
        raise file.fail((*at, "n"), f"expected {index}: seeds are numbered in their order")
    card = value_at(file, (*at, "card"), dict)
    missing = [key for key in needed if not card.get(key)]
    if missing:
        raise file.fail((*at, "card"), f"{', '.join(missing)} missing")


def row(file: YamlFile, index: int, strategy: str, language: str, guideline: str) -> dict[str, Any]:
    """One conversation as its line."""
    at = ("seeds", index, "conversations", strategy, language)
    turns = value_at(file, at, list)
    if len(turns) != TURNS:
        raise file.fail(at, f"expected {TURNS} turns, found {len(turns)}")
    return {
        "id": f"{guideline}/{strategy}/{language}/{index}",
        "guideline": guideline,
        "strategy": strategy,
        "language": language,
        "n": index,
        "seed": text_at(file, ("seeds", index, "seed", language)),
        "turns": [text_at(file, (*at, turn)) for turn in range(TURNS)],
    }


def value_at(file: YamlFile, at: Path_, kind: type) -> Any:
    """What stands at a place of the file; `SuiteError` where nothing or another thing does."""
    value = file.data
    for step in at:
        inside = step in value if isinstance(value, dict) else isinstance(step, int)
        value = value[step] if inside else None
    if not isinstance(value, kind):
        words: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text"}
        raise file.fail(at, f"expected {words[kind]}, found {describe(value)}")
    return value


def text_at(file: YamlFile, at: Path_) -> str:
    """The text at a place of the file, without the blanks around it; `SuiteError` for an empty one."""
    text: str = value_at(file, at, str).strip()
    if not text:
        raise file.fail(at, "expected a text, found an empty one")
    return text


def differing(texts: Mapping[Path, str]) -> list[Path]:
    """The files that are not on disk as they would be built."""
    return [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
