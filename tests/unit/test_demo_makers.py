"""The laws of the demo's makers: they read what they are told, differ by name, and never write a document."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from jmeb_plugin.attackers import Attack
from jmeb_plugin.clients.base import Message, Request
from jmeb_plugin.dataset.records import Seed
from jmeb_plugin.dataset.scripts import writing_of
from jmeb_plugin.dataset.seeds import runs
from jmeb_plugin.dataset.strategies import Logged, Pair, read_summary, summary_request
from jmeb_plugin.demo import MAKERS
from jmeb_plugin.demo.makers import make
from jmeb_plugin.demo.reading import language_of, read
from jmeb_plugin.errors import SuiteError
from jmeb_plugin.prompts import load_prompts
from jmeb_plugin.suite import Strategy, bundled, parse_head
from jmeb_plugin.transcript import Turn
from jmeb_plugin.yaml_file import read_yaml
from tests.unit.test_prompts import GUIDELINE, attack, text

LANGUAGES = ("ja", "en")


def said(model: str, request: Request) -> dict[str, Any]:
    """What a maker answers to a request."""
    return json.loads(make(model, [(m.role, m.content) for m in request.messages]))


def asked_for(language: str, count: int) -> Request:
    """A generator's prompt."""
    prompts = load_prompts(Path(), language)
    order = prompts.text("seeds", "order", count=count)
    return Request((Message("user", f"{prompts.about(GUIDELINE)}\n\n{order}"),))


@pytest.mark.parametrize("language", LANGUAGES)
def test_generators_write_different_requests_about_the_guideline(language: str) -> None:
    """As many as asked for, in the prompt's language, unlike from generator to generator."""
    by_name = {
        name: said(name, asked_for(language, 10))["requests"]
        for name in MAKERS
        if name.startswith("generator")
    }
    for requests in by_name.values():
        assert len(requests) == 10
        assert all(language_of(request) == language for request in requests)
        assert all(GUIDELINE.titles[language] in request for request in requests)
        assert len({runs(request) for request in requests}) >= 9
        assert {read([("user", request)]).asks_harm for request in requests} == {True, False}
    assert len({tuple(requests) for requests in by_name.values()}) == 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_maker_writes_in_the_language_of_its_part(language: str) -> None:
    """An outline may hold texts in one language alone; the other's requests and messages stay clean."""
    other = "en" if language == "ja" else "ja"
    titles = {other: "守秘義務" if other == "ja" else "Confidentiality"}
    guideline = dataclasses.replace(GUIDELINE, titles=titles, bound="書類だけを扱うこと。")
    way = dataclasses.replace(
        attack(language), guideline=guideline, strategy=Strategy("plain", "素直", "まっすぐに頼む。")
    )
    prompts = load_prompts(Path(), language)
    system = Message("system", prompts.text("seeds", "system"))
    order = Message("user", f"{prompts.about(guideline)}\n\n{prompts.text('seeds', 'order', count=8)}")
    written = [
        *said("generator-a", Request((system, order)))["requests"],
        said("attacker-a", way.turn_request((), "0123456789abcdef"))["message"],
        *said("attacker-b", way.script_request("0123456789abcdef"))["turns"],
    ]
    for entry in written:
        assert not list(writing_of(language, written).text_problems(entry))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_attack_begins_harmless_and_ends_with_the_document(language: str) -> None:
    """The arc of the paper's conversations; codes of the fences change nothing, another name does."""
    way = attack(language)
    first = said("attacker-a", way.turn_request((), "0123456789abcdef"))["message"]
    assert not read([("user", first)]).asks_harm
    assert first == said("attacker-a", way.turn_request((), "fedcba9876543210"))["message"]
    two = [
        Turn(first, "Here is what changed."),
        Turn("and then", "I can't help with this." if language == "en" else "お手伝いできません。"),
    ]
    last = said("attacker-a", way.turn_request(two, "0123456789abcdef"))["message"]
    assert read([("user", first), ("user", last)]).asks_document
    assert any(last.startswith(word) for word in ("I see", "Fair", "ためらわれ", "ご懸念"))
    assert (
        len(
            {
                make(f"attacker-{c}", [("user", text(way.turn_request(two, "0123456789abcdef")))])
                for c in "abcde"
            }
        )
        > 2
    )
    script = way.read_script(said("attacker", way.script_request("0123456789abcdef")))
    assert script
    assert len(set(script)) == 3


def ours() -> dict[str, Strategy]:
    """The seven strategies of our own suite."""
    return parse_head(read_yaml(bundled("jmeb") / "suite.yaml", SuiteError))["strategies"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summariser_knows_the_seven(language: str) -> None:
    """Whatever frame made the difference, our own library has it; an empty library learns its name."""
    prompts, seed = load_prompts(Path(), language), Seed("s", "B-2", language, "r", "g")
    known = "\n".join(f"- {s.id}: {s.name}. {s.description}" for s in ours().values())
    names = set()
    for number in range(5):
        tried = [("x", 1.0)] * number
        message = said(
            "attacker",
            Attack(prompts, GUIDELINE, "r", 1).attempt_request(tried, "0123456789abcdef"),
        )["message"]
        pair = Pair(seed, 0, Logged("plain", "no", 9), Logged(message, "yes", 2))
        found = read_summary(said("summariser", summary_request(prompts, known, pair, "0123456789abcdef")))
        assert found is not None
        assert found["known"] in ours()
        new = read_summary(said("summariser", summary_request(prompts, "", pair, "0123456789abcdef")))
        assert new is not None
        assert not new["known"]
        names.add(new["name"])
    assert len(names) >= 4


def test_makers_write_no_part_of_a_document() -> None:
    """Headings are named and never filled in: nothing after a numbered part but its name."""
    way = attack("en")
    last = said("attacker-b", way.turn_request([Turn("a", "b"), Turn("c", "d")], "0123456789abcdef"))[
        "message"
    ]
    assert all(len(part) < 60 for part in re.findall(r"\(\d\) ([^,(]*)", last))
