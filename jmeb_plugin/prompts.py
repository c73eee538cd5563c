"""What the makers of a suite are told: texts by language, as data files.

A language's texts stand in ``prompts.LANGUAGE.yaml`` of the suite's folder, else in
``dataset/prompts/LANGUAGE.yaml`` here; a language that has neither gets the English ones, which then
name the language to write in by its code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import SuiteError
from jmeb_plugin.suite import Guideline
from jmeb_plugin.user_file import own_file
from jmeb_plugin.yaml_file import YamlFile, places_in, read_yaml

BUNDLED = Path(__file__).resolve().parent / "dataset" / "prompts"
FALLBACK = "en"
PLACES = ("guideline", "duty", "bound", "opening", "other")
"""The texts outside a section that something is put into."""

COMMON = ("language", "bounds")


@dataclass(frozen=True)
class Prompts:
    """The texts of one language, as they are or one section at a time. ``language`` is a name in words."""

    code: str
    language: str
    texts: Mapping[str, Any]
    sha256: str

    def text(self, section: str, name: str, /, **values: object) -> str:
        """One text of a section, its places filled in."""
        known = {"language": self.language, "bounds": self.texts["bounds"]}
        return str(self.texts[section][name]).format(**known, **values)

    def about(self, guideline: Guideline) -> str:
        """The guideline, what it demands and how far its wrong may go."""
        title, duty = guideline.titles.get(self.code), guideline.duty.get(self.code)
        parts = [
            self.texts["guideline"].format(
                id=guideline.id, title=title or next(iter(guideline.titles.values()))
            ),
            self.texts["duty"].format(duty=duty) if duty else "",
            self.texts["bound"].format(bound=guideline.bound) if guideline.bound else "",
        ]
        return "\n".join(filter(None, parts))

    def opening(self, mark: str) -> str:
        """What says that the blocks below are data."""
        return str(self.texts["opening"]).format(mark=mark)


def load_prompts(suite_path: Path, code: str) -> Prompts:
    """The prompts of a language; `SuiteError` where a file lacks a text that the English one has."""
    own, ours = own_file(suite_path, f"prompts.{code}.yaml", SuiteError), BUNDLED / f"{code}.yaml"
    path = own or (ours if ours.is_file() else BUNDLED / f"{FALLBACK}.yaml")
    file = read_yaml(path, SuiteError)
    check_texts(file)
    texts = file.data
    written = path.stem.removeprefix("prompts.")
    language = texts["language"] if written == code else texts["other"].format(code=code)
    digest = hashlib.sha256(json.dumps([language, texts], sort_keys=True, ensure_ascii=False).encode())
    return Prompts(code, language, texts, digest.hexdigest())


def check_texts(file: YamlFile) -> None:
    """Raise unless the file has every text that the English one has, and no other."""
    wanted = read_yaml(BUNDLED / f"{FALLBACK}.yaml", SuiteError).data
    file.check_keys((), file.data, wanted)
    for name, value in wanted.items():
        section = file.data.get(name)
        if isinstance(value, str) and not isinstance(section, str):
            raise file.fail((name,), "expected a text")
        if name in PLACES:
            file.check_places((name,), section, places_in(value))
        if isinstance(value, Mapping):
            file.check_keys((name,), section, value)
            for key in value:
                if not isinstance(section.get(key), str):
                    raise file.fail((name, key), "expected a text")
                file.check_places((name, key), section[key], {*places_in(value[key]), *COMMON})
