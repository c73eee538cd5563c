"""Suites: folders of scripted conversations, and the cases made of them."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jmeb_plugin.errors import SuiteError, closest, plain
from jmeb_plugin.user_file import own_file, parse_json, read_lines
from jmeb_plugin.yaml_file import Path_, YamlFile, describe, read_yaml

SUITE_KEYS = {
    "name", "version", "licence", "canary", "kind", "rubric", "note",
    "languages", "principles", "guidelines", "strategies", "lengths",
}  # fmt: skip
CONVERSATION_KEYS = ("id", "guideline", "strategy", "language", "n", "seed", "turns", "source")
KINDS = ("harmful", "benign")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Guideline:
    """One guideline: what it demands and is called, by language; ``bound``: how far its wrong may go."""

    id: str
    principle: str
    titles: Mapping[str, str]
    duty: Mapping[str, str]
    provenance: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of working on a model."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The scripted user turns of one conversation; ``id`` is ``guideline/strategy/language/n``."""

    id: str
    guideline: str
    strategy: str
    language: str
    n: int
    seed: str
    turns: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder of conversations with all that describes them. ``sha256`` covers every file."""

    path: Path
    name: str
    version: str
    kind: str
    rubric: str
    note: str
    languages: tuple[str, ...]
    principles: Mapping[str, Mapping[str, str]]
    guidelines: Mapping[str, Guideline]
    strategies: Mapping[str, Strategy]
    conversations: tuple[Conversation, ...]
    sha256: str

    def principle_of(self, conversation: Conversation) -> str:
        """The principle that the conversation's guideline belongs to."""
        return self.guidelines[conversation.guideline].principle


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation to be held with a model for the ``repeat``-th time: one test case.

    ``name`` is the id after ``suite::``; the model is part of it only where several are tested,
    the repeat only where there are several.
    """

    suite: Suite
    conversation: Conversation
    model: str
    repeat: int
    name: str

    @property
    def id(self) -> str:
        """The id that users see, and select by."""
        return f"{self.suite.name}::{self.name}"

    @property
    def base_id(self) -> str:
        """The id without model and repeat."""
        return f"{self.suite.name}::{self.conversation.id}"

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id that means this case: the whole, without the repeat, without repeat and model."""
        added = self.name.removeprefix(self.conversation.id).split("/")
        return tuple(self.base_id + "/".join(added[:length]) for length in range(len(added), 0, -1))

    def facets(self) -> dict[str, str]:
        """What can be selected and sliced by."""
        talk = self.conversation
        return {
            "model": self.model,
            "language": talk.language,
            "principle": self.suite.principle_of(talk),
            "guideline": talk.guideline,
            "strategy": talk.strategy,
        }


def bundled(name: str) -> Path | None:
    """The folder of a suite that comes with the package; ``None`` if there is none of that name."""
    here = Path(__file__).resolve().parent
    for root in (here / "suites", here.parent / "suites"):
        if NAME.fullmatch(name) and (root / name / "suite.yaml").is_file():
            return root / name
    return None


def find_suite(name: str, base: Path) -> Path:
    """The folder of the suite ``name``: a bundled one first, else a path from ``base``."""
    folder = bundled(name) or (base / name).resolve()
    if folder.name == "suite.yaml":
        folder = folder.parent
    if not (folder / "suite.yaml").is_file():
        here = Path(__file__).resolve().parent
        known = {p.parent.name for root in (here, here.parent) for p in root.glob("suites/*/suite.yaml")}
        raise SuiteError(
            f"no suite {name!r}: expected a bundled name or a folder with suite.yaml, "
            f"looked in {folder}{closest(name, known)}"
        )
    return folder


def load_suite(folder: Path) -> Suite:
    """Read a suite's folder.

    Raises `SuiteError` with file and line for whatever makes a conversation unusable: broken JSON,
    missing or unknown fields, guidelines, strategies or languages nobody described, ids that repeat
    or do not say what the fields say, an empty turn.
    """
    if (path := own_file(folder, "suite.yaml", SuiteError)) is None:
        raise SuiteError(f"{folder / 'suite.yaml'}: missing; expected what describes the suite")
    head = parse_head(read_yaml(path, SuiteError))
    digest = hashlib.sha256(path.read_bytes())
    conversations: list[Conversation] = []
    for language in head["languages"]:
        name = f"conversations.{language}.jsonl"
        if (path := own_file(folder, name, SuiteError)) is None:
            raise SuiteError(f"{folder / name}: missing; suite.yaml names the language {language!r}")
        conversations += read_conversations(path, language, head, digest)
    return Suite(path=folder, conversations=tuple(conversations), sha256=digest.hexdigest(), **head)


def parse_head(file: YamlFile) -> dict[str, Any]:
    """What suite.yaml says, checked."""
    data = file.data
    file.check_keys((), data, SUITE_KEYS)
    file.check_signs()
    for key in ("name", "version", "languages", "principles", "guidelines", "strategies"):
        if not data.get(key):
            raise file.fail((), f"{key} is missing")
    if not NAME.fullmatch(str(data["name"])):
        raise file.fail(("name",), "expected letters, digits, '.', '-', '_'")
    kind = data.get("kind", "harmful")
    if kind not in KINDS:
        raise file.fail(("kind",), f"{describe(kind)} is unknown{closest(str(kind), KINDS)}")
    principles = {
        entry["id"]: texts(file, ("principles", index, "titles"), entry.get("titles"))
        for index, entry in entries(file, "principles", ("id",))
    }
    rubric = data.get("rubric", "safety")
    if not isinstance(rubric, str) or not NAME.fullmatch(rubric):
        raise file.fail(("rubric",), f"{describe(rubric)} is no rubric; expected a name")
    return {
        "name": str(data["name"]),
        "version": str(data["version"]),
        "kind": kind,
        "rubric": rubric,
        "note": str(data.get("note") or ""),
        "languages": parse_languages(file),
        "principles": principles,
        "guidelines": parse_guidelines(file, principles),
        "strategies": {
            s["id"]: Strategy(s["id"], str(s.get("name", s["id"])), str(s.get("description", "")))
            for _, s in entries(file, "strategies", ("id",))
        },
    }


def parse_languages(file: YamlFile) -> tuple[str, ...]:
    """The languages: names, since files and ids are called by them, none of them twice."""
    listed = file.data["languages"]
    if not isinstance(listed, list):
        raise file.fail(("languages",), f"expected a list, found {describe(listed)}")
    for index, language in enumerate(listed):
        if not isinstance(language, str) or not NAME.fullmatch(language) or len(language) > 64:
            raise file.fail(("languages", index), f"{describe(language)} is no language; expected a name")
        if language in listed[:index]:
            raise file.fail(("languages", index), f"{language!r} stands twice")
    return tuple(listed)


def texts(file: YamlFile, at: Path_, value: Any) -> dict[str, str]:
    """Texts by language; nothing is no text."""
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not all(isinstance(t, str) for pair in value.items() for t in pair):
        raise file.fail(at, f"expected a text for each language, found {describe(value)}")
    return dict(value)


def entries(file: YamlFile, key: str, needed: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each mapping of the list ``key``, with its index; ids must be names and unlike."""
    listed = file.data[key]
    if not isinstance(listed, list):
        raise file.fail((key,), f"expected a list, found {describe(listed)}")
    seen: set[str] = set()
    for index, entry in enumerate(listed):
        if not isinstance(entry, Mapping) or any(not entry.get(name) for name in needed):
            raise file.fail((key, index), f"expected a mapping with {', '.join(needed)}")
        name, at = entry["id"], (key, index, "id")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise file.fail(at, f"{describe(name)} is no id; expected letters, digits, '.', '-', '_'")
        if name in seen:
            raise file.fail(at, f"{plain(name)!r} stands twice")
        seen.add(entry["id"])
        yield index, entry


def parse_guidelines(file: YamlFile, principles: Mapping[str, Any]) -> dict[str, Guideline]:
    """The guidelines by id."""
    found = {}
    for index, entry in entries(file, "guidelines", ("id", "principle", "titles")):
        at, principle = ("guidelines", index), entry["principle"]
        if not isinstance(principle, str) or principle not in principles:
            raise file.fail(
                (*at, "principle"),
                f"{plain(repr(principle))} is no principle{closest(str(principle), principles)}",
            )
        found[entry["id"]] = Guideline(
            entry["id"], principle,
            texts(file, (*at, "titles"), entry["titles"]),
            texts(file, (*at, "duty"), entry.get("duty")),
            str(entry.get("provenance") or ""), str(entry.get("bound") or ""),
        )  # fmt: skip
    return found


def read_conversations(path: Path, language: str, head: Mapping[str, Any], digest: Any) -> list[Conversation]:
    """The conversations of one JSON Lines file, checked line by line."""
    found: list[Conversation] = []
    lines: dict[str, int] = {}
    for number, raw in read_lines(path, SuiteError, digest.update):
        talk = parse_conversation(raw, f"{path}:{number}", language, head)
        if number != (first := lines.setdefault(talk.id, number)):
            raise SuiteError(f"{path}:{number}: the id {plain(talk.id)!r} stands twice, as in line {first}")
        found.append(talk)
    return found


def parse_conversation(raw: bytes, place: str, language: str, head: Mapping[str, Any]) -> Conversation:
    """One line of a conversations file."""
    data = parse_json(raw, place, SuiteError)
    if not isinstance(data, dict):
        raise SuiteError(f"{place}: expected an object, found {describe(data)}")
    for key in data:
        if key not in CONVERSATION_KEYS:
            raise SuiteError(f"{place}: unknown key {plain(key)!r}{closest(key, CONVERSATION_KEYS)}")
    missing = [key for key in CONVERSATION_KEYS[:-1] if key not in data]
    if missing:
        raise SuiteError(f"{place}: {', '.join(missing)} missing")
    check_fields(data, place, language, head)
    return Conversation(
        data["id"], data["guideline"], data["strategy"], language, data["n"], data["seed"],
        tuple(data["turns"]), data.get("source", ""),
    )  # fmt: skip


def check_fields(data: Mapping[str, Any], place: str, language: str, head: Mapping[str, Any]) -> None:
    """Raise for the first field that is not what it should be."""
    for key, known in (("guideline", head["guidelines"]), ("strategy", head["strategies"])):
        if not isinstance(data[key], str):
            raise SuiteError(f"{place}: {key}: expected a text, found {describe(data[key])}")
        if data[key] not in known:
            shown = plain(data[key])
            raise SuiteError(f"{place}: no {key} {shown!r} in suite.yaml{closest(data[key], known)}")
    if data["language"] != language:
        raise SuiteError(f"{place}: language: {describe(data['language'])} in the file of {language!r}")
    if isinstance(data["n"], bool) or not isinstance(data["n"], int) or data["n"] < 0:
        raise SuiteError(f"{place}: n: expected a whole number from 0, found {describe(data['n'])}")
    turns = data["turns"]
    if not isinstance(turns, list) or not turns or not all(isinstance(t, str) and t.strip() for t in turns):
        raise SuiteError(f"{place}: turns: expected a list of texts, none empty")
    expected = f"{data['guideline']}/{data['strategy']}/{language}/{data['n']}"
    if data["id"] != expected:
        raise SuiteError(
            f"{place}: id: {describe(data['id'])} does not say what the fields say; expected {expected!r}"
        )
    if not isinstance(data["seed"], str) or not isinstance(data.get("source", ""), str):
        raise SuiteError(f"{place}: seed and source: expected texts")
    said = {"turns": "".join(turns), "seed": data["seed"], "source": data.get("source", "")}
    if half := [key for key, text in said.items() if HALF.search(text)]:
        raise SuiteError(f"{place}: {half[0]}: half of a surrogate pair (\\ud800); expected whole characters")


def model_label(name: str) -> str:
    """A model's name as it stands in an id: letters, digits, ``.``, ``-`` and ``_`` only."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def make_cases(
    suite: Suite, conversations: Sequence[Conversation], models: Sequence[str], repeats: int
) -> list[Case]:
    """Every conversation with every model, ``repeats`` times."""
    return [
        Case(suite, talk, model, repeat, case_name(talk, model, repeat, models, repeats))
        for talk in conversations
        for model in models
        for repeat in range(repeats)
    ]


def case_name(talk: Conversation, model: str, repeat: int, models: Sequence[str], repeats: int) -> str:
    """The id after ``suite::``."""
    parts = [talk.id]
    if len(models) > 1:
        parts.append(model_label(model))
    if repeats > 1:
        parts.append(f"r{repeat}")
    return "/".join(parts)


def matches(case: Case, pattern: str) -> bool:
    """Whether a glob means this case: over the whole id, or over the id without repeat or model."""
    return any(fnmatch.fnmatchcase(name, pattern) for name in case.ids)
