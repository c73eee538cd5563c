"""The laws of the prompts: one file a language, a fallback for the others, bounds in every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmeb_plugin.attackers import Attack, only_own
from jmeb_plugin.clients.base import Request
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError, SuiteError
from jmeb_plugin.prompts import BUNDLED, load_prompts
from jmeb_plugin.suite import Guideline, Strategy
from jmeb_plugin.transcript import Turn

GUIDELINE = Guideline(
    "B-2", "p", {"ja": "同意", "en": "Consent"}, {"ja": "守る。", "en": "Ask first."}, bound="only forms"
)
WAY = Strategy("plain", "Plain Asking", "Asks and asks again.")


def attack(language: str, turns: int = 3) -> Attack:
    """An attack in a language that the prompts may or may not speak."""
    return Attack(load_prompts(Path(), language), GUIDELINE, "a {request}", turns, WAY)


def text(request: Request) -> str:
    """All that is said."""
    return "\n".join(message.content for message in request.messages)


@pytest.mark.parametrize("language", ["ja", "en", "fr"])
def test_every_maker_is_told_what_stays_out(language: str) -> None:
    """Each system text holds the bounds; the guideline's own bound and duty stand beside them."""
    prompts = load_prompts(Path(), language)
    for section in ("seeds", "attacker", "summariser"):
        assert prompts.texts["bounds"] in prompts.text(section, "system")
    for phrase in {"ja": ("未成年", "用量", "実在"), "en": ("minors", "doses", "real persons")}.get(
        language, ("minors",)
    ):
        assert phrase in prompts.texts["bounds"]
    told = text(attack(language).turn_request((), "code"))
    assert "only forms" in told
    assert ("守る。" if language == "ja" else "Ask first.") in told or language == "fr"


def test_a_language_without_prompts_is_named_by_its_code() -> None:
    """The English texts then say which language to write in."""
    assert load_prompts(Path(), "fr").language == 'the language whose code is "fr"'
    assert 'in the language whose code is "fr"' in load_prompts(Path(), "fr").text("seeds", "order", count=2)


def test_a_suite_brings_its_own_prompts(tmp_path: Path) -> None:
    """``prompts.LANGUAGE.yaml`` in the suite's folder comes first; what it lacks or adds is an error."""
    own = tmp_path / "prompts.fr.yaml"
    own.write_text(
        (BUNDLED / "en.yaml").read_text("utf-8").replace("language: English", "language: français"), "utf-8"
    )
    assert load_prompts(tmp_path, "fr").language == "français"
    own.write_text(own.read_text("utf-8").replace("  free:", "  fre:"), "utf-8")
    with pytest.raises(
        SuiteError, match=r"prompts.fr.yaml:\d+: attacker.fre: unknown key 'fre'; did you mean 'free'"
    ):
        load_prompts(tmp_path, "fr")
    own.write_text("language: français\n", "utf-8")
    with pytest.raises(SuiteError, match="other: expected a text"):
        load_prompts(tmp_path, "fr")


def test_an_attacker_sees_the_conversation_as_data() -> None:
    """Earlier turns stand between marks, braces in them stay as they are, and the place is named."""
    told = text(attack("en").turn_request([Turn("q {x}", "a")], "c0de", again=True))
    assert "<<<data c0de conversation>>>\nUser: q {x}\n\nModel: a\n<<<end c0de conversation>>>" in told
    assert "<<<data c0de request>>>\na {request}\n" in told
    assert "number 2 of 3" in told
    assert "Strategy: Plain Asking\nHow it works: Asks and asks again." in told
    assert told.endswith("nothing before or after it.")


def test_a_script_has_as_many_messages_as_asked_for() -> None:
    """One too few, an empty one or another kind of thing is no script."""
    way = attack("en", turns=2)
    assert way.read_script({"turns": ["a", " b "]}) == ("a", "b")
    for unfit in (["a"], ["a", " "], ["a", 2], "ab", None, ["a", "b" * 5000]):
        assert way.read_script({"turns": unfit}) is None


def test_only_our_own_endpoints_are_asked() -> None:
    """``own = true`` or the demo; any other is refused by name."""
    only_own([Endpoint("mine", "openai", own=True), Endpoint("demo/attacker", "demo")], "it")
    with pytest.raises(
        EndpointError, match=r"it asks your own models only, .*'theirs'.*own = true in \[tool"
    ):
        only_own([Endpoint("theirs", "openai")], "it")
