"""What no text of ours may hold: anything that would be of use to somebody who means harm.

Over the demo's phrases, what its models say, and the anchors of the two lowest bands, which comply
only so far that a judge can see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from jmeb_plugin.anchors import Anchor, load_anchors
from jmeb_plugin.demo import TARGETS
from jmeb_plugin.demo.personas import answer
from jmeb_plugin.demo.phrases import table
from jmeb_plugin.suite import bundled, load_suite

SUITE = load_suite(bundled("jmeb"))
ANCHORS = load_anchors(SUITE)
LOW = [anchor for anchor in ANCHORS if anchor.band in ("1-2", "3-4")]
WORDS, CHARACTERS = 25, 60
"""The longest sentence within a numbered step."""

AMOUNTS = re.compile(
    r"[0-9０-９一二三四五六七八九十百]\s*(?:mg|mcg|µg|μg|㎎|㎍|mL|ml|㎖|cc|IU|mmol|mEq|ミリグラム|ミリリットル|マイクログラム|単位|錠|アンプル|バイアル|カプセル|滴)"
    r"|\b\d+(?:\.\d+)?\s*(?:grams?|millilit(?:re|er)s?|units?|tablets?|pills?|vials?|ampoules?|drops|capsules?)\b",
    re.IGNORECASE,
)
SUBSTANCES = re.compile(
    r"\b(?:morphine|fentanyl|heroin|oxycodone|opioids?|propofol|midazolam|diazepam|benzodiazepines?|barbiturates?|pentobarbital|thiopental|ketamine"
    r"|insulin|digoxin|warfarin|heparin|potassium|chloride|cyanide|arsenic|ricin|sarin|chloroform|succinylcholine|rocuronium|vecuronium|curare"
    r"|haloperidol|lithium|methotrexate|thalidomide|colchicine|paracetamol|acetaminophen|aspirin|antibiotics? [a-z]+cillin"
    r"|anthrax|botulin(?:um|us)?|smallpox|ebola|plutonium|polonium)\b"
    r"|モルヒネ|フェンタニル|ヘロイン|オキシコドン|オピオイド|プロポフォール|ミダゾラム|ジアゼパム|バルビツール|チオペンタール|ケタミン|インスリン"
    r"|ジゴキシン|ワルファリン|ヘパリン|カリウム|シアン|青酸|砒素|ヒ素|リシン|サリン|クロロホルム|筋弛緩|サクシニルコリン|ロクロニウム|ハロペリドール"
    r"|メトトレキサート|サリドマイド|コルヒチン|アセトアミノフェン|炭疽|ボツリヌス|エボラ|天然痘|プルトニウム|ポロニウム",
    re.IGNORECASE,
)
DEVICES = re.compile(
    r"\b(?:syringes?|needles?|scalpels?|infusion pumps?|catheters?|defibrillators?|tasers?|restraint straps?|firearms?|rifles?|pistols?|explosives?|detonators?|keyloggers?|malware|spyware)\b"
    r"|注射器|注射針|メス(?!ト)|輸液ポンプ|シリンジ|カテーテル|除細動器|スタンガン|拘束帯|銃|爆薬|起爆|キーロガー|マルウェア|スパイウェア|盗聴器",
    re.IGNORECASE,
)
STATUTES = re.compile(
    r"(?:法|法律|令|条例|規則)の?第?\s*[0-9０-９一二三四五六七八九十百]+\s*条|法律第|[0-9０-９]+条[0-9０-９]*項|\b(?:section|article|clause|regulation) \d+[a-z]?(?:\(\d\))? of (?:the|that)\b|§|\b\d+ U\.?S\.?C\.?\b"
    r"|抜け穴|抜け道|脱法|法の隙|\bloopholes?\b|\blegal grey area\b",
    re.IGNORECASE,
)
KINDS = {
    "an amount": AMOUNTS,
    "a substance": SUBSTANCES,
    "a device": DEVICES,
    "a statute or a loophole": STATUTES,
}
STEP = re.compile(
    r"^[ \t　#*>・\-［\[]*(?:[(（]?(?:[0-9０-９]{1,2}|[一二三四五六七八九十]{1,2}|[a-fA-F]|[ivxIVX]{1,4})[)）.．、:：]"
    r"|[①-⑳]|第[一二三四五六七八九十]|その[一二三四五六七八九十]|[甲乙丙丁戊][ 　、．：:])(.*)$",
    re.MULTILINE,
)
SENTENCE = re.compile(r"(?<=[。！？])|(?<=[.!?;])\s")


def named(text: str) -> list[str]:
    """What of the forbidden kinds stands in a text."""
    return [f"{kind}: {found[0]!r}" for kind, pattern in KINDS.items() if (found := pattern.search(text))]


def long_steps(text: str) -> Iterator[str]:
    """Sentences of numbered steps that are longer than a heading with a remark."""
    for step in STEP.findall(text):
        for sentence in SENTENCE.split(step):
            wide = re.search(r"[ぁ-ヺ]", sentence)
            if len(sentence) > CHARACTERS if wide else len(sentence.split()) > WORDS:
                yield sentence


def label(anchor: Anchor) -> str:
    """An anchor by language and id."""
    return f"{anchor.language}/{anchor.id}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("give 10 mg at night", "an amount"), ("５錠を渡す", "an amount"), ("two vials, or 3 vials", "an amount"),
        ("a little morphine", "a substance"), ("カリウムを", "a substance"), ("hide the syringe", "a device"),
        ("under section 12 of the Act", "a statute or a loophole"), ("刑法第百三十四条により", "a statute or a loophole"),
        ("法の抜け穴を使う", "a statute or a loophole"),
    ],
)  # fmt: skip
def test_the_lists_find_what_they_are_for(text: str, kind: str) -> None:
    """Each list has teeth."""
    assert any(found.startswith(kind) for found in named(text))


def test_long_steps_are_found() -> None:
    """A numbered sentence of 26 words is too long, prose of any length is not a step."""
    assert len(list(long_steps(f"(1) {'word ' * 26}.\n2. short.\n{'word ' * 60}"))) == 1
    assert len(list(long_steps(f"一、{'あ' * 61}。\n（2）{'あ' * 60}"))) == 1


@pytest.mark.parametrize("anchor", LOW, ids=label)
def test_a_low_anchor_is_of_no_use(anchor: Anchor) -> None:
    """Enough for a judge to see that it complies, never an amount, a means, a statute or worked-out steps."""
    assert named(anchor.answer) == []
    assert list(long_steps(anchor.answer)) == []


@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_phrase_of_the_demo_is_of_use(language: str) -> None:
    """The tables that the personas speak from."""
    for move, phrases in table(language).items():
        for phrase in phrases:
            assert named(phrase) == [], move
            assert list(long_steps(f"(1) {phrase}")) == [] or not move.endswith("step"), move


@pytest.mark.parametrize("model", TARGETS)
def test_no_answer_of_the_demo_is_of_use(model: str) -> None:
    """What they make of the bundled suites' last turns: headings as they were asked for, and generic steps."""
    for name in ("jmeb", "jmeb-benign"):
        folder = bundled(name)
        assert folder is not None
        for talk in load_suite(folder).conversations[:: 40 if name == "jmeb" else 6]:
            said = answer(model, [("user", text) for text in talk.turns])
            for step in STEP.findall(said):
                generic = step.rpartition("：" if talk.language == "ja" else ": ")[2]
                assert named(generic) == []
                assert list(long_steps(f"(1) {generic}")) == []
