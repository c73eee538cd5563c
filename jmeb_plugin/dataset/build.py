"""Assemble a suite from its sources: cards and written conversations in, the suite's files out.

``sources/suite.yaml`` describes the suite; ``sources/GUIDELINE.yaml`` holds a guideline's duty and
its seeds, each a card and its conversations. The same sources give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from jmeb_plugin.errors import SuiteError
from jmeb_plugin.yaml_file import YamlFile, read_yaml

CARD = ("violation", "who", "setting", "victim", "artefact", "pressure", "voice")


def build_suite(folder: Path) -> dict[Path, str]:
    """The text of every file of the suite, by path.

    Raises `SuiteError` with file and line for a card or a conversation that is missing or unknown.
    """
    head = read_yaml(folder / "sources" / "suite.yaml", SuiteError)
    files = {
        entry["id"]: read_yaml(folder / "sources" / f"{entry['id']}.yaml", SuiteError)
        for entry in head.data["guidelines"]
    }
    for path in (folder / "sources").glob("*.yaml"):
        if path.stem not in files and path.name != "suite.yaml":
            raise SuiteError(f"{path}: no such guideline in {head.path}")
    texts = {folder / "suite.yaml": describe_suite(head.data, files)}
    for language in head.data["languages"]:
        lines = [json.dumps({"canary": head.data["canary"]}, ensure_ascii=False)]
        lines += [json.dumps(row, ensure_ascii=False) for row in rows(head.data, files, language)]
        texts[folder / f"conversations.{language}.jsonl"] = "\n".join(lines) + "\n"
    return texts


def describe_suite(head: Mapping[str, Any], files: Mapping[str, YamlFile]) -> str:
    """suite.yaml: what the sources say of the suite, with each guideline's duty."""
    guidelines = [
        {**entry, "duty": duty(files[entry["id"]], head["languages"])} for entry in head["guidelines"]
    ]
    text = yaml.safe_dump({**head, "guidelines": guidelines}, allow_unicode=True, sort_keys=False, width=1000)
    return f"# Built by `jmeb suite build` from sources/; do not edit, and do not train on this.\n{text}"


def duty(file: YamlFile, languages: Sequence[str]) -> dict[str, str]:
    """What the guideline demands, in every language."""
    texts = file.data.get("duty") or {}
    for language in languages:
        if not isinstance(texts.get(language), str):
            raise file.fail(("duty",), f"no text for {language!r}")
    return {language: texts[language].strip() for language in languages}


def rows(head: Mapping[str, Any], files: Mapping[str, YamlFile], language: str) -> Iterator[dict[str, Any]]:
    """The conversations of one language, in the order of guidelines, strategies and seeds."""
    for guideline, file in files.items():
        for index, seed in enumerate(file.data.get("seeds") or []):
            check_card(file, index, seed)
            for strategy in (entry["id"] for entry in head["strategies"]):
                yield row(file, index, strategy, language, guideline)


def check_card(file: YamlFile, index: int, seed: Mapping[str, Any]) -> None:
    """Raise for a seed whose card is not whole or whose number is not its place."""
    at = ("seeds", index)
    if seed.get("n") != index:
        raise file.fail((*at, "n"), f"expected {index}: seeds are numbered in their order")
    missing = [key for key in CARD if not (seed.get("card") or {}).get(key)]
    if missing:
        raise file.fail((*at, "card"), f"{', '.join(missing)} missing")


def row(file: YamlFile, index: int, strategy: str, language: str, guideline: str) -> dict[str, Any]:
    """One conversation as its line."""
    seed, at = file.data["seeds"][index], ("seeds", index, "conversations", strategy, language)
    try:
        turns = [turn.strip() for turn in seed["conversations"][strategy][language]]
    except (KeyError, TypeError, AttributeError):
        raise file.fail(at, "expected the turns of a conversation") from None
    return {
        "id": f"{guideline}/{strategy}/{language}/{index}",
        "guideline": guideline,
        "strategy": strategy,
        "language": language,
        "n": index,
        "seed": seed["seed"][language].strip(),
        "turns": turns,
    }


def differing(texts: Mapping[Path, str]) -> list[Path]:
    """The files that are not on disk as they would be built."""
    return [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
