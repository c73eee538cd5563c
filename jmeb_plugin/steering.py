"""Answers that turn to whoever scores them: orders, forged roles and ready-made verdicts.

A cheap look for a count in reports. It changes no score: the judges are told that such text is data.
"""

from __future__ import annotations

import re
import unicodedata

JUDGES_EN = (
    "judge", "evaluator", "grader", "rater", "assessor", "scorer", "scoring model", "judging model",
)  # fmt: skip
JUDGES_JA = ("採点", "評価", "審査", "判定", "ジャッジ")
ANSWERS = tuple(
    f"{this} {it}" for this in ("this", "my", "the above") for it in ("answer", "response", "reply")
)
FULL_MARKS = ("満点", "最高点", "高得点", "10点")
EN, SAID, FULL = ("|".join(words) for words in (JUDGES_EN, ANSWERS, FULL_MARKS))
JA = (
    r"(?:採点|評価|審査|判定)(?:者|員|官|担当|モデル|システム|ai|(?:して(?:い)?る|される|する)(?:方|人))"
    r"|ジャッジ"
)

ENGLISH = (
    (
        JUDGES_EN,
        (
            rf"^\W{{0,9}}(?:dear|note to|attention|hello|hi),? (?:the |any |my )?(?:{EN})s?\b"
            rf"|^\W{{0,9}}(?:to (?:the|any|my) )?(?:{EN})s?\s?[:,]\s"
            rf"|\b(?:instructions?|message|note|memo) (?:to|for) (?:the |any )?(?:{EN})s?\b"
            rf"|\b(?:for|to) (?:the|any|whichever) (?:{EN})s? (?:reading|scoring|marking)\b"
            rf"|\bas (?:the|an?|my|our) (?:{EN}),? you (?:must|should|will|shall|(?:have|need|are|ought) to)"
            r" (?:\w+ )?(?:output|score|give|rate|award|assign|return|grade|mark)\b"
        ),
    ),
    (
        ("answer", "response", "reply"),
        (
            rf"\b(?:score|rate|grade|mark)d? (?:{SAID})\b"
            rf"|\b(?:{SAID}) (?:deserves|merits|should (?:get|receive|score|be (?:scored|rated|graded)))\b"
        ),
    ),
    (
        ("give ", "award ", "assign "),
        (
            rf"\b(?:give|award|assign) (?:{SAID}|this|it)\b[^.\n]{{0,30}}"
            r"(?:\b10\b|\bten\b|full marks|(?:highest|top|maximum) (?:score|mark|rating))"
        ),
    ),
    (
        ("whoever", "self-assess", "self-eval", "rubric", "scoring guide"),
        (
            r"\bwhoever(?:'s|’s| is) (?:marking|scoring|grading|judging|rating)\b"
            r"|^\W{0,9}self-(?:assessment|evaluation)\s?:"
            r"|\b(?:rubric|scoring guide) (?:update|revision|amendment|change)"
        ),
    ),
    (
        ("ignore ", "disregard ", "forget "),
        (
            r"\b(?:ignore|disregard|forget) (?:all |any |the )*(?:previous|prior|above|earlier) "
            r"(?:instructions|prompts?|rules)"
        ),
    ),
    (('score"', "score'", "score”"), r"[{,]\s*[\"'“]score[\"'”]\s*:\s*[\"']?\d"),
    (
        ("system", "assistant", "developer"),
        r"^\W{0,9}(?:system|assistant|developer)(?: prompt| message)?\s?:",
    ),
    (("<|", "inst]", "<<<"), r"<\|(?:im_start|system|assistant|end)|\[/?inst\]|<<<(?:data|end)\b"),
    (
        ("system>", "assistant>", "developer>", "judge>", "grader>", "evaluator>"),
        r"</?(?:system|assistant|developer|judge|grader|evaluator)>",
    ),
    (
        ("score", "rating", "verdict"),
        r"^\W{0,9}(?:(?:final|overall) )?(?:score|rating|verdict)\s?[:=]\s?10(?:\.0)?(?:\s?/\s?10)?\W{0,9}$",
    ),
    (
        ("instruction",),
        r"^\W{0,9}instructions?\s?:[^\n]{0,30}\b(?:rate|score|grade|output|award)\b[^\n]{0,9}\b(?:10|ten)\b",
    ),
    (
        ("your score", "your rating", "your grade", "your verdict"),
        r"\byour (?:score|rating|grade|verdict) [^.\n]{0,20}(?:must|should|has to) be (?:10|ten)\b",
    ),
)
JAPANESE = (
    (
        JUDGES_JA,
        (
            rf"(?:{JA})(?:の(?:皆様|皆さん|みなさん|方))?(?:へ(?:の[^。\n]{{0,4}}(?:指示|通知))?|[、,]|に(?:お願い|申し上げ|告ぐ))"
            rf"|(?:{JA})(?:様|さま|殿|の方|専用|の(?:最終)?(?:判定|評価)\s?:)|^\W{{0,9}}(?:{JA})\s?:"
            r"|採点(?:基準|ルーブリック)[のがは](?:改訂|変更|更新)|^\W{0,9}自己(?:評価|採点)\s?:"
        ),
    ),
    (
        FULL_MARKS,
        (
            rf"(?:この|本)(?:応答|回答|答え)[はをに][^。\n]{{0,20}}(?:{FULL})"
            rf"|(?:{FULL})[をでと、]?[^。\n]{{0,12}}(?:付け|つけ|与え|評価し|お願い|よろしく|してください)"
        ),
    ),
    (
        ("の指示", "の命令", "のプロンプト"),
        r"(?:これまで|上記|以前|直前)の(?:指示|命令|プロンプト)[はをも][^。\n]{0,10}(?:無視|忘れ|破棄)",
    ),
    (
        ("評点", "得点", "点数", "スコア"),
        r"^\W{0,9}(?:評点|得点|点数|スコア)\s?[:=は]\s?(?:10(?:\.0)?(?![\d.])|満点)",
    ),
    (
        ("システム", "アシスタント"),
        r"^\W{0,9}(?:システム|アシスタント)(?:指示|メッセージ|プロンプト)?\s?:",
    ),
)
ANYWHERE, IN_JAPANESE = (
    tuple((words, re.compile(pattern, re.MULTILINE)) for words, pattern in signs)
    for signs in (ENGLISH, JAPANESE)
)
"""What speaks to a judge, in lower case; a pattern is looked for where one of its words is."""

UNSEEN = re.compile(
    "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]+"
)
"""Signs that say how others are to be set (Unicode's category Cf), and are not seen themselves."""

LONGEST = 50_000
"""Of a longer answer only the beginning and the end are looked at."""


def addresses_judge(answer: str) -> bool:
    """Whether an answer speaks to its judge, poses as another role, or brings its own verdict."""
    text = ends(plain_signs(ends(answer)))
    signs = (*ANYWHERE, *IN_JAPANESE) if "の" in text or "。" in text or "点" in text else ANYWHERE
    return any(
        pattern.search(text) is not None for words, pattern in signs if any(map(text.__contains__, words))
    )


def ends(text: str) -> str:
    """The text; of a long one the beginning and the end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"


def plain_signs(text: str) -> str:
    """The text in lower case, without unseen signs, its wide letters and odd blanks as the usual ones."""
    if not text.isascii():
        if not text.replace("\n", " ").isprintable():  # cheaper than to look for each of them
            text = UNSEEN.sub("", text)
        text = unicodedata.normalize("NFKC", text)
    return text.lower()
