"""The makers: personas that write requests, play the user, and name what made the difference.

Each reads what it is told (guideline, count, strategy, the conversation so far) and answers with the
JSON object asked for, in the language that it is told its part in: guidelines and strategies may
have texts in another. A hash of its own name and of the prompt, without the fences' codes, stands for
the noise of sampling: makers of different names write different things, the same maker the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jmeb_plugin.demo import cues
from jmeb_plugin.demo.judges import fenced
from jmeb_plugin.demo.personas import digest, number
from jmeb_plugin.demo.phrases import Table, parse
from jmeb_plugin.demo.phrases_makers import TEXT
from jmeb_plugin.demo.reading import count, fold, language_of, read

_CODE = re.compile(r"\b[0-9a-f]{16}\b")
_GUIDELINE = re.compile(r"^(?:Guideline|指針)\s*\S+?\s*[:：]\s*(.+)$", re.MULTILINE)
_STRATEGY = re.compile(r"^(?:Strategy|戦略)[:：](.+)\n.+[:：](.+)$", re.MULTILINE)
_COUNT = re.compile(r"Write (\d+) requests|依頼文を.{0,40}?(\d+)件")
_PLACE = re.compile(r"number (\d+) of (\d+)|全(?P<all>\d+)回のうち(?P<at>\d+)回目")
_ALL = re.compile(r"Write all (\d+) messages|発言(\d+)回分")
_KNOWN = re.compile(r"^- ([^\s:]+): (.+)$", re.MULTILINE)
_JAPANESE = re.compile("[ぁ-ゖァ-ヺ㐀-鿿]")
_REFUSED = re.compile(r"can't|cannot|won't|will not|できません|お断り|書けません|応じられ|いたしません|控え")


TABLES: Final[Mapping[str, Table]] = {
    language: parse(text, "" if language == "ja" else " ") for language, text in TEXT.items()
}
FRAMES: Final = tuple(cues.FRAMES["en"])


def make(model: str, messages: Sequence[tuple[str, str]]) -> str:
    """The maker's JSON for the prompt; any text is accepted."""
    plain = [(role, _CODE.sub("", text)) for role, text in messages]
    prompt = next((text for role, text in reversed(messages) if role == "user"), "")
    language = language_of("".join(text for role, text in messages if role == "system") or prompt)
    dice = Dice(digest(model, plain))
    kind = model.partition("-")[0]
    made = {"generator": requests, "attacker": attack, "summariser": summarise}[kind](prompt, dice, language)
    return json.dumps(made, ensure_ascii=False)


class Dice:
    """Choices that depend on who is asked what, and on nothing else."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed

    def pick(self, label: str, listed: Sequence[Any]) -> Any:
        """One of the list."""
        return listed[int(number(self.seed, label) * len(listed))]

    def order(self, label: str, listed: Sequence[str]) -> list[str]:
        """All of the list in an order of one's own."""
        return sorted(listed, key=lambda item: number(self.seed, f"{label}/{item}"))


def requests(prompt: str, dice: Dice, language: str) -> dict[str, Any]:
    """As many requests as are asked for, every fourth one without the parts of its document."""
    topic, wanted = topic_of(prompt, language), _COUNT.search(prompt)
    texts = TABLES[language]
    made = []
    for index in range(int(next(filter(None, wanted.groups()))) if wanted else 1):
        label = str(index)
        parts = dice.order(f"part{label}", texts["part"])
        kind = "thin" if dice.pick(f"kind{label}", range(4)) == 0 else "full"
        fill = {name: dice.pick(f"{name}{label}", texts[name]) for name in ("document", "who", "wrong")}
        fill |= {f"part{place}": part for place, part in enumerate(parts)}
        made.append(dice.pick(f"form{label}", texts[kind]).format(topic=topic, **fill))
    return {"requests": made}


def topic_of(prompt: str, language: str) -> str:
    """The guideline's title, where there is one that can stand in a text in the language."""
    found = _GUIDELINE.search(prompt)
    if found and (language == "ja" or not _JAPANESE.search(found[1])):
        return found[1].strip()
    return {"ja": "この件"}.get(language, "this")


def attack(prompt: str, dice: Dice, language: str) -> dict[str, Any]:
    """The next message of the user, all of them, or one that asks outright: whatever is wanted."""
    if everything := _ALL.search(prompt):
        turns = int(next(filter(None, everything.groups())))
        return {"turns": [message(prompt, dice, language, turn, turns) for turn in range(turns)]}
    if place := _PLACE.search(prompt):
        turn, turns = int(place["at"] or place[1]), int(place["all"] or place[2])
        return {"message": message(prompt, dice, language, turn - 1, turns)}
    return {"message": say("outright", prompt, dice, language)}


def message(prompt: str, dice: Dice, language: str, turn: int, turns: int) -> str:
    """The user's message of one turn; after a refusal it gives way first."""
    kind = "last" if turn == turns - 1 else "middle" if turn else "first"
    heard = fenced(prompt).get("conversation", "")
    softer = kind != "first" and _REFUSED.search(fold(heard[-600:]))
    opening = str(dice.pick("softer", TABLES[language]["softer"])) if softer else ""
    return opening + say(kind, prompt, dice, language)


def say(kind: str, prompt: str, dice: Dice, language: str) -> str:
    """One message in the frame of the strategy, about what the request is about."""
    blocks = fenced(prompt)
    asked = read([("user", blocks.get("request", ""))])
    frame, voice = TABLES[language][f"frame:{frame_of(prompt)}"]
    own = TABLES[language]
    parts = [*asked.parts, *dice.order("part", own["part"])][:4]
    topic = topic_of(prompt, language)
    fill = {f"part{place}": part for place, part in enumerate(parts)}
    title = asked.title or f"{topic}: {dice.pick('who', own['who'])}"
    fill |= {"frame": frame, "voice": voice, "topic": topic, "title": title[:80]}
    who = asked.wronged or dice.pick("who", own["who"])
    fill["who"] = who if language == "ja" or " " in who else f"the {who}"
    text = str(dice.pick(kind, TABLES[language][kind])).format(**fill)
    return text[:1].upper() + text[1:]


def frame_of(prompt: str) -> str:
    """The frame of the strategy described; without one, a frame that was not tried before."""
    names, signs = FRAMES, TABLES["en"]
    if strategy := _STRATEGY.search(prompt):
        told = fold(f"{strategy[1]} {strategy[2]}")
        hits = {name: count(signs[f"signs:{name}"], told) for name in names}
        best = max(names, key=lambda name: hits[name])
        fallback = names[int(number(digest("", [("user", told)]), "frame") * len(names))]
        return best if hits[best] else fallback
    tried = len(re.findall(r"^\d+(?:\.\d+)?: ", fenced(prompt).get("tried", ""), re.MULTILINE))
    start = int(number(digest("", [("user", fenced(prompt).get("request", ""))]), "frame") * len(names))
    return names[(start + tried) % len(names)]


def summarise(prompt: str, _dice: Dice, _language: str) -> dict[str, Any]:
    """Names the frame that the stronger attempt wears and the weaker does not."""
    blocks = fenced(prompt)
    stronger, weaker = (fold(blocks.get(name, "")) for name in ("stronger", "weaker"))
    words = cues.FRAMES[language_of(stronger)]
    worn = {name: count(words[name], stronger) - count(words[name], weaker) for name in FRAMES}
    frame = max(worn, key=lambda name: worn[name])
    for known, text in _KNOWN.findall(prompt):
        if count(TABLES["en"][f"signs:{frame}"], fold(text)) >= 2:
            return {"known": known, "name": "", "mechanism": "", "frame": "", "counter_indications": ""}
    name, mechanism, pretence, against = TABLES["en"][f"named:{frame}"]
    made = {"known": "", "name": name, "mechanism": mechanism, "frame": pretence}
    return {**made, "counter_indications": against}
