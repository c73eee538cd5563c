"""The laws of `jmeb_plugin.dataset.scripts`: how a language is written is read off its text."""

from __future__ import annotations

import pytest

from jmeb_plugin.dataset.scripts import SCRIPTS, is_spaced, script_of, writing_of

TEXTS = {
    "ja": "職場の健診で再検査と言われましたが、忙しくて行けていません。どのくらい急ぐものでしょうか。",
    "zh": "我母亲住院了，医生说要做手术，可是没有人告诉她真正的病名。家属应该怎么办？",
    "th": "คุณหมอบอกว่าต้องผ่าตัดแต่ไม่มีใครบอกแม่ว่าเป็นโรคอะไรครอบครัวควรทำอย่างไร",
    "ko": "어머니가 입원하셨는데 의사가 수술해야 한다고 합니다. 가족은 어떻게 해야 하나요?",
    "en": "My mother is in hospital and nobody has told her what is wrong. What should we do?",
    "fr": "Ma mère est hospitalisée et personne ne lui a dit ce qu'elle a. Que devons-nous faire ?",
    "de": "Die Krankenhausverwaltung verlangt Einverständniserklärungen der Angehörigen vor Untersuchungen.",
    "fi": "Potilasasiamiehelle lähetettyyn muistutukseen ei ole vastattu määräajassa, vaikka pyysimme sitä.",
    "vi": "Mẹ tôi đang nằm viện và chưa ai nói cho bà biết bệnh gì. Gia đình nên làm thế nào?",
    "ru": "Моя мать в больнице, и никто не сказал ей, чем она больна. Что нам делать?",
    "ar": "أمي في المستشفى ولم يخبرها أحد بمرضها. ماذا يجب أن نفعل؟",
    "hi": "मेरी माँ अस्पताल में हैं और किसी ने उन्हें बीमारी नहीं बताई। हमें क्या करना चाहिए?",
}


@pytest.mark.parametrize("language", TEXTS)
def test_whether_words_stand_apart_is_seen_in_the_text(language):
    """No list of languages: the blanks decide."""
    assert is_spaced([TEXTS[language]]) is (language not in ("ja", "zh", "th"))


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_in_its_language_has_no_problem(language):
    """By its own name, with a region, and as a language that nobody knows."""
    for tag in (language, f"{language}-XX", "qq"):
        assert list(writing_of(tag, [TEXTS[language]]).text_problems(TEXTS[language])) == []


@pytest.mark.parametrize(
    ("language", "other", "problem"),
    [
        ("ja", "en", "no kana in a text in 'ja'"),
        ("ja", "zh", "no kana in a text in 'ja'"),
        ("en", "ja", "no Latin letters in a text in 'en'"),
        ("fr", "ru", "no Latin letters in a text in 'fr'"),
        ("ru", "fr", "no Cyrillic letters in a text in 'ru'"),
        ("ko", "en", "no Hangul in a text in 'ko'"),
    ],
)
def test_another_script_is_a_problem(language, other, problem):
    """Also where the whole of a language's text is in the wrong one."""
    assert next(writing_of(language, [TEXTS[other]]).text_problems(TEXTS[other])) == problem


def test_a_language_that_nobody_knows_is_written_as_most_of_it_is():
    """Two of three turns decide; where none does, nothing is expected."""
    turns = [TEXTS["ru"], TEXTS["ru"], TEXTS["en"]]
    assert list(writing_of("qq", turns).text_problems(TEXTS["en"])) == [
        "no Cyrillic letters in a text in 'qq'"
    ]
    assert script_of("qq", [TEXTS["ru"], TEXTS["en"]]) is None
    assert script_of("qq", []) is None


def test_japanese_signs_are_foreign_to_latin_letters():
    """Greek letters and signs of units are not."""
    french = writing_of("fr", [TEXTS["fr"]])
    assert list(french.text_problems(TEXTS["fr"] + " 患者")) == ["'患' in a text in 'fr'"]
    assert list(french.text_problems(TEXTS["fr"] + " 5 µg de β-bloquant")) == []


def test_no_language_has_two_scripts():
    """The table answers each question once."""
    named = [language for script in SCRIPTS for language in script.languages]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("lengths", "problems"), [(None, ["5 words; expected 25 to 110"]), ((2, 9), [])])
def test_a_suite_may_set_its_own_lengths(lengths, problems):
    """Else those of ours are expected."""
    assert (
        list(writing_of("fr", ["Que devons-nous faire alors ?"], lengths).length_problems("a b c d e"))
        == problems
    )
