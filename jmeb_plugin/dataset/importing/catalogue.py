"""The guidelines, strategies, principles and languages that rows name, old ones and new ones."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from jmeb_plugin.errors import ImportRefused
from jmeb_plugin.suite import NAME, Suite

MOST = {"guideline": 1000, "strategy": 200, "principle": 200, "language": 40}
"""More of them than this, and the field is not what it was taken for."""

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
IMPORTED = "imported"


def safe(text: str, prefix: str) -> str:
    """An id for a text: letters, digits, ``.``, ``-``, ``_``; a hash stands for what they cannot say."""
    plain = unicodedata.normalize("NFKC", text)
    short = UNSAFE.sub("-", plain).strip("-._")[:60]
    if short and plain.isascii() and len(plain) <= 60:
        return short
    return f"{short or prefix}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


class Names:
    """The ids of one kind: each text has one, and no two texts the same."""

    def __init__(self, kind: str, known: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.ids = dict(known or {})
        self.added: list[str] = []

    def id_of(self, text: str) -> str:
        """The id of what a row calls by this text."""
        if (found := self.ids.get(text)) is None:
            if len(self.added) == MOST[self.kind]:
                raise ImportRefused(
                    f"more than {MOST[self.kind]} different values as {self.kind}; expected few"
                )
            found, taken = safe(text, self.kind), set(self.ids.values())
            number = 2
            while found in taken:
                found, number = f"{safe(text, self.kind)}-{number}", number + 1
            self.ids[text] = found
            self.added.append(text)
        return found


class Catalogue:
    """What suite.yaml will list: that of the suite ``like`` which the new one is made, and what is new."""

    def __init__(self, like: Suite | None) -> None:
        self.like = like
        self.guidelines = Names("guideline", known_guidelines(like) if like else {})
        self.strategies = Names("strategy", known_strategies(like) if like else {})
        self.principles = Names("principle", {name: name for name in like.principles} if like else {})
        self.languages: list[str] = []
        self.facts: dict[str, dict[str, Any]] = {}

    def language(self, text: str) -> str:
        """A language, which names a file and must be a name."""
        if not NAME.fullmatch(text) or len(text) > 35:
            raise ImportRefused(
                f"language: {text[:40]!r} is no language; expected letters, digits, '.', '-', '_'"
            )
        if text not in self.languages:
            if len(self.languages) == MOST["language"]:
                raise ImportRefused(
                    f"more than {MOST['language']} different values as language; expected few"
                )
            self.languages.append(text)
        return text

    def guideline(self, text: str, language: str, facts: Mapping[str, str]) -> str:
        """The id of a guideline; where it is new, ``facts`` (title, duty, principle) describe it."""
        new = text not in self.guidelines.ids
        found = self.guidelines.id_of(text)
        if new:
            principle = self.principles.id_of(facts.get("principle", IMPORTED))
            self.facts[found] = {
                "id": found, "principle": principle, "titles": {}, "duty": {}, "provenance": IMPORTED,
            }  # fmt: skip
        if found in self.facts:
            self.facts[found]["titles"].setdefault(language, facts.get("title", text))
            if duty := facts.get("duty"):
                self.facts[found]["duty"].setdefault(language, duty)
        return found

    def strategy(self, text: str) -> str:
        """The id of a strategy."""
        return self.strategies.id_of(text)

    def head(self) -> dict[str, Any]:
        """The keys of suite.yaml that list something."""
        return {
            "languages": self.languages,
            "principles": [*old_principles(self.like), *self.new_principles()],
            "guidelines": [*old_guidelines(self.like), *self.facts.values()],
            "strategies": [*old_strategies(self.like), *self.new_strategies()],
        }

    def new_principles(self) -> Iterator[dict[str, Any]]:
        """The principles that were added, by their own names in every language."""
        for text in self.principles.added:
            yield {"id": self.principles.ids[text], "titles": dict.fromkeys(self.languages, text)}

    def new_strategies(self) -> Iterator[dict[str, Any]]:
        """The strategies that were added."""
        for text in self.strategies.added:
            yield {"id": self.strategies.ids[text], "name": text, "description": IMPORTED}


def known_guidelines(suite: Suite) -> dict[str, str]:
    """A suite's guidelines by all they may be called: titles, and ids before them."""
    titles = {title: one.id for one in suite.guidelines.values() for title in one.titles.values()}
    return {**titles, **{name: name for name in suite.guidelines}}


def known_strategies(suite: Suite) -> dict[str, str]:
    """A suite's strategies by name and by id."""
    return {
        **{one.name: one.id for one in suite.strategies.values()},
        **{name: name for name in suite.strategies},
    }


def old_principles(suite: Suite | None) -> Iterator[dict[str, Any]]:
    """The principles of the suite that the new one is like."""
    for name, titles in suite.principles.items() if suite else ():
        yield {"id": name, "titles": dict(titles)}


def old_guidelines(suite: Suite | None) -> Iterator[dict[str, Any]]:
    """Its guidelines."""
    for one in suite.guidelines.values() if suite else ():
        yield {
            "id": one.id, "principle": one.principle, "titles": dict(one.titles), "duty": dict(one.duty),
            "provenance": one.provenance,
            **({"bound": one.bound} if one.bound else {}),
        }  # fmt: skip


def old_strategies(suite: Suite | None) -> Iterator[dict[str, Any]]:
    """Its strategies."""
    for one in suite.strategies.values() if suite else ():
        yield {"id": one.id, "name": one.name, "description": one.description}
