"""Check a suite's text: what is wrong in it, and how alike its conversations are.

Structure is `jmeb_plugin.suite.load_suite`'s business, and its error the first finding. Script of
the language, length and leftovers are findings with file and line; coverage, pairs and likeness
are figures to look at. Likeness is the share of common n-grams of the shorter of two turns:
character 5-grams for scripts written without spaces, else word 3-grams.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jmeb_plugin.errors import SuiteError
from jmeb_plugin.suite import Conversation, Suite, load_suite

KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ一-鿿、。「」『』]")
LEFTOVER = re.compile(r"\{\w*\}|\bTODO\b|\bXXX\b|(?i:lorem ipsum)|<[A-Z_]+>|\[[A-Z_]{3,}\]")
TITLES = (re.compile("『(.+?)』"), re.compile('[“"](.+?)[”"]'))
CHARACTERS, WORDS = (40, 280), (25, 110)
ALIKE_CHARACTERS, ALIKE_WORDS = 0.30, 0.25
OPENING_SHARE = 0.03


@dataclass(frozen=True)
class CheckReport:
    """What a check found: ``errors`` to mend, ``warnings`` to look at, ``figures`` to know."""

    errors: Sequence[str]
    warnings: Sequence[str]
    figures: Sequence[str]

    def lines(self) -> Iterator[str]:
        """The report, worst first."""
        yield from (f"error: {line}" for line in self.errors)
        yield from (f"warning: {line}" for line in self.warnings)
        yield from self.figures
        yield f"{len(self.errors)} errors, {len(self.warnings)} warnings"


def check_suite(folder: Path) -> CheckReport:
    """Check the suite in this folder."""
    try:
        suite = load_suite(folder)
    except SuiteError as error:
        return CheckReport([str(error)], [], [])
    lines = numbered(suite)
    errors = [
        f"{lines[talk.id]}: {problem}" for talk in suite.conversations for problem in text_problems(talk)
    ]
    warnings = [
        *(
            f"{lines[talk.id]}: {problem}"
            for talk in suite.conversations
            for problem in length_problems(talk)
        ),
        *missing_pairs(suite),
        *likeness(suite.conversations),
        *repeated_openings(suite.conversations),
        *repeated_titles(suite.conversations),
    ]
    return CheckReport(errors, warnings, list(figures(suite)))


def numbered(suite: Suite) -> dict[str, str]:
    """The file and line of each conversation."""
    found = {}
    for language in suite.languages:
        path = suite.path / f"conversations.{language}.jsonl"
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    found[json.loads(line).get("id")] = f"{path}:{number}"
    return found


def text_problems(talk: Conversation) -> Iterator[str]:
    """What is wrong with a conversation's text."""
    for index, turn in enumerate(talk.turns):
        if talk.language == "ja" and not KANA.search(turn):
            yield f"turn {index}: no kana in a Japanese text"
        if talk.language == "en" and (found := JAPANESE.search(turn)):
            yield f"turn {index}: {found[0]!r} in an English text"
        if found := LEFTOVER.search(turn):
            yield f"turn {index}: a leftover {found[0]!r}"


def length_problems(talk: Conversation) -> Iterator[str]:
    """Turns that are shorter or longer than a person would write."""
    for index, turn in enumerate(talk.turns):
        spaced = is_spaced(talk.language)
        size, (least, most) = (len(turn.split()), WORDS) if spaced else (len(turn), CHARACTERS)
        if not least <= size <= most:
            yield f"turn {index}: {size} {'words' if spaced else 'characters'}; expected {least} to {most}"


def is_spaced(language: str) -> bool:
    """Whether words of the language are written apart."""
    return language not in ("ja", "zh", "th")


def missing_pairs(suite: Suite) -> Iterator[str]:
    """Conversations that are not there in every language."""
    languages: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for talk in suite.conversations:
        languages[talk.guideline, talk.strategy, talk.n].add(talk.language)
    lonely = [key for key, found in languages.items() if found != set(suite.languages)]
    if lonely:
        guideline, strategy, n = lonely[0]
        yield f"{len(lonely)} conversations are not in every language, the first {guideline}/{strategy}/{n}"


def grams(talk: Conversation, turn: str) -> frozenset[object]:
    """The n-grams of a turn."""
    if is_spaced(talk.language):
        words = re.findall(r"\w+", turn.lower())
        return frozenset(zip(words, words[1:], words[2:], strict=False))
    text = re.sub(r"\s", "", turn)
    return frozenset(text[k : k + 5] for k in range(len(text) - 4))


def likeness(conversations: Sequence[Conversation]) -> Iterator[str]:
    """Turns that share too much with another: of a strategy, and of a seed across strategies.

    Only pairs that share an n-gram are compared, so that a large suite of unlike texts is quick.
    """
    limits = {True: ALIKE_WORDS, False: ALIKE_CHARACTERS}
    pairs: dict[frozenset[str], tuple[float, int]] = {}
    for group in groups(conversations):
        for index in range(len(group[0].turns)):
            for first, second, share in alike(group, index, limits[is_spaced(group[0].language)]):
                key = frozenset((first.id, second.id))
                pairs[key] = max(pairs.get(key, (0.0, 0)), (share, index))
    for key, (share, index) in sorted(pairs.items(), key=lambda item: -item[1][0])[:50]:
        yield f"turn {index} of {' and '.join(sorted(key))} share {share:.0%} of their n-grams"


def groups(conversations: Sequence[Conversation]) -> Iterable[list[Conversation]]:
    """Conversations to compare: by strategy, and by seed, each in one language."""
    found: dict[tuple[object, ...], list[Conversation]] = defaultdict(list)
    for talk in conversations:
        found[talk.language, talk.strategy].append(talk)
        found[talk.language, talk.guideline, talk.n].append(talk)
    return found.values()


def alike(
    group: Sequence[Conversation], index: int, limit: float
) -> Iterator[tuple[Conversation, Conversation, float]]:
    """Pairs of the group whose turns at ``index`` share more than ``limit``."""
    sets = [grams(talk, talk.turns[index]) if index < len(talk.turns) else frozenset() for talk in group]
    where: dict[object, list[int]] = defaultdict(list)
    for place, members in enumerate(sets):
        for gram in members:
            where[gram].append(place)
    common = Counter(
        pair for places in where.values() if len(places) < 200 for pair in itertools.combinations(places, 2)
    )
    for (first, second), count in common.items():
        share = count / max(1, min(len(sets[first]), len(sets[second])))
        if share > limit:
            yield group[first], group[second], share


def repeated_openings(conversations: Sequence[Conversation]) -> Iterator[str]:
    """Openings (12 characters, 4 words) that stand in more than 3 % of a strategy's turns."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for talk in conversations:
        for turn in talk.turns:
            opening = " ".join(turn.lower().split()[:4]) if is_spaced(talk.language) else turn[:12]
            found[talk.language, talk.strategy][opening] += 1
    for (language, strategy), counter in found.items():
        most = max(3.0, OPENING_SHARE * counter.total())
        for opening, count in counter.most_common(3):
            if count > most:
                yield f"{count} turns of {strategy} ({language}) open with {opening!r}"


def repeated_titles(conversations: Sequence[Conversation]) -> Iterator[str]:
    """Titles of artefacts that several conversations of a language ask for."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for talk in conversations:
        titles = TITLES[is_spaced(talk.language)].findall(talk.turns[-1])
        if titles:
            found[talk.language, max(titles, key=len)].append(talk.id)
    for (_, title), ids in found.items():
        if len(ids) > 1:
            yield f"the title {title!r} is asked for by {', '.join(ids[:4])}"


def figures(suite: Suite) -> Iterator[str]:
    """Coverage and sizes."""
    covered = {(talk.guideline, talk.strategy, talk.language) for talk in suite.conversations}
    possible = len(suite.guidelines) * len(suite.strategies) * len(suite.languages)
    yield f"suite {suite.name} {suite.version} ({suite.kind}), sha256 {suite.sha256}"
    cells = f"{len(covered)} of {possible} cells (guideline x strategy x language)"
    yield f"{len(suite.conversations)} conversations in {cells}"
    for language in suite.languages:
        own = [talk for talk in suite.conversations if talk.language == language]
        sizes = sorted(len(t.split()) if is_spaced(language) else len(t) for talk in own for t in talk.turns)
        if sizes:
            unit = "words" if is_spaced(language) else "characters"
            spread = f"turns of {sizes[0]} to {sizes[-1]} {unit}, median {sizes[len(sizes) // 2]}"
            yield f"{language}: {len(own)} conversations, {spread}"
