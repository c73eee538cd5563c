"""Answers that turn to whoever scores them: orders, forged roles and ready-made verdicts.

A cheap look for a count in reports. It changes no score: the judges are told that such text is data.
"""

from __future__ import annotations

import re

JUDGES_EN = (
    "judge", "evaluator", "grader", "rater", "assessor", "scorer", "scoring model", "judging model",
)  # fmt: skip
JUDGES_JA = ("採点", "評価", "審査", "判定", "ジャッジ")
ANSWERS = tuple(
    f"{this} {it}" for this in ("this", "my", "the above") for it in ("answer", "response", "reply")
)
FULL_MARKS = ("満点", "最高点", "高得点", "10点", "１０点")
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
    (('score"', "score'", "score”"), r"[{,]\s*[\"'“]score[\"'”]\s*[:：]\s*[\"']?\d"),
    (
        ("system", "assistant", "developer"),
        r"^\W{0,9}(?:system|assistant|developer)(?: prompt| message)?\s?[:：]",
    ),
    (("<|", "inst]", "<<<"), r"<\|(?:im_start|system|assistant|end)|\[/?inst\]|<<<(?:data|end) "),
)
JAPANESE = (
    (
        JUDGES_JA,
        (
            rf"(?:{JA})(?:の(?:皆様|皆さん|みなさん|方))?(?:へ(?:の[^。\n]{{0,4}}(?:指示|通知))?|、|，|に(?:お願い|申し上げ|告ぐ))"
            rf"|(?:{JA})(?:様|さま|殿|の方|専用|の(?:最終)?(?:判定|評価)\s?[:：])|^\W{{0,9}}(?:{JA})\s?[:：]"
            r"|採点(?:基準|ルーブリック)[のがは](?:改訂|変更|更新)|^\W{0,9}自己(?:評価|採点)\s?[:：]"
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
        ("システム", "アシスタント"),
        r"^\W{0,9}(?:システム|アシスタント)(?:指示|メッセージ|プロンプト)?\s?[:：]",
    ),
)
ANYWHERE, IN_JAPANESE = (
    tuple((words, re.compile(pattern, re.MULTILINE)) for words, pattern in signs)
    for signs in (ENGLISH, JAPANESE)
)
"""What speaks to a judge, in lower case; a pattern is looked for where one of its words is."""

LONGEST = 50_000
"""Of a longer answer only the beginning and the end are looked at."""


def addresses_judge(answer: str) -> bool:
    """Whether an answer speaks to its judge, poses as another role, or brings its own verdict."""
    text = answer.lower()
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    signs = (*ANYWHERE, *IN_JAPANESE) if "の" in text or "。" in text or "点" in text else ANYWHERE
    return any(
        pattern.search(text) is not None for words, pattern in signs if any(map(text.__contains__, words))
    )
