"""What the page says in Japanese and English: its own strings, a suite's titles, our sentences."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent / "page"
VERBS = ("す", "ん", "た")
"""What a Japanese clause ends with that is a sentence of its own."""
CAPTURED = re.compile(r"\\(\d)|\{(\d)\}")


@dataclass(frozen=True, slots=True)
class Both:
    """A text in both languages of the page."""

    en: str
    ja: str

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return {"en": self.en, "ja": self.ja}


@functools.cache
def strings() -> Mapping[str, Mapping[str, str]]:
    """Every string of the page, by language and key."""
    found: Mapping[str, Mapping[str, str]] = json.loads((PAGE / "strings.json").read_text("utf-8"))
    return found


def said(key: str) -> Both:
    """A string of the page. A key that nobody wrote is a `KeyError`."""
    return Both(strings()["en"][key], strings()["ja"][key])


def for_one(key: str) -> str:
    """The key of what a string of the page says of one; itself where there is nothing else to say."""
    return f"{key}.one" if f"{key}.one" in strings()["en"] else key


def known(key: str, otherwise: str) -> Both:
    """`said`, or a name of our own data in place of a string that nobody wrote."""
    return said(key) if key in strings()["en"] else Both(otherwise, otherwise)


def titled(titles: Mapping[str, str], otherwise: str) -> Both:
    """A title by language; one that is missing is lent by the other, or by any, or is ``otherwise``."""
    any_other = next(iter(titles.values()), otherwise)
    english = titles.get("en") or any_other
    return Both(english, titles.get("ja") or english)


@functools.cache
def sentences() -> Sequence[tuple[re.Pattern[str], str]]:
    """Our own sentences: what each looks like in English, and its Japanese."""
    files = (json.loads(path.read_text("utf-8")) for path in sorted(PAGE.glob("*sentences.json")))
    return [(re.compile(pattern), japanese) for file in files for pattern, japanese in file.items()]


@functools.lru_cache(maxsize=10_000)
def sentence(english: str) -> Both:
    """One of our own sentences, in Japanese as well where it is known; clauses are parted by ``; ``."""
    whole = translated(english)
    if whole is not None or "; " not in english:
        return Both(english, english if whole is None else whole)
    clauses = [translated(clause) or clause for clause in english.split("; ")]
    ends = ["。" if clause.endswith(VERBS) else "、" for clause in clauses[:-1]]
    return Both(english, "".join(map("".join, zip(clauses, [*ends, ""], strict=True))))


def translated(english: str) -> str | None:
    """A sentence in Japanese; ``None`` where it is not one of ours."""
    for pattern, japanese in sentences():
        if found := pattern.fullmatch(english):
            return expanded(found, japanese)
    return None


def expanded(found: re.Match[str], japanese: str) -> str:
    """The Japanese with what was captured: as it stands where a number is marked, in braces translated."""

    def captured(place: re.Match[str]) -> str:
        plain, own = place.groups()
        return found[int(plain)] if plain else sentence(found[int(own)]).ja

    return CAPTURED.sub(captured, japanese)
