"""OpenAI's chat protocol: bodies and answers, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.clients.base import Message, Reply, Request, Usage, split_reasoning
from jmeb_plugin.clients.filters import withheld
from jmeb_plugin.clients.openai_protocol import Dialect, chat_body, chat_reply, dialect_of
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import Rejected, Transient

HERE = Endpoint("it", "openai", "m", "http://h/v1")
ASKED = Request((Message("user", "u"),))
OLD, NEW = Dialect(), Dialect(("max_completion_tokens", "max_tokens"))


def answered(message: dict[str, Any], finish: str = "stop", **more: Any) -> dict[str, Any]:
    """An answer of that message."""
    return {"choices": [{"message": message, "finish_reason": finish}], **more}


@pytest.mark.parametrize(
    ("endpoint", "dialect"),
    [
        (HERE, OLD),
        (Endpoint("it", "openai", "m"), NEW),
        (Endpoint("it", "azure-openai", "m", "http://h"), NEW),
    ],
)
def test_the_first_name_of_the_limit(endpoint: Endpoint, dialect: Dialect) -> None:
    """Hosted services are asked in the new name first, servers of one's own in the old one."""
    assert dialect_of(endpoint) == dialect


@pytest.mark.parametrize("dialect", [OLD, NEW])
def test_a_requests_own_limit_wins(dialect: Dialect) -> None:
    """The request's limit replaces the endpoint's, under the dialect's name alone."""
    endpoint = Endpoint("it", "openai", "m", max_tokens=5)
    body = chat_body(endpoint, Request(ASKED.messages, max_tokens=9), dialect)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "u"}],
        dialect.limits[0]: 9,
    }


def test_extra_body_wins() -> None:
    """What ``extra_body`` says stands, whatever we would send."""
    endpoint = Endpoint("it", "openai", "m", temperature=1.0, extra_body={"temperature": 0, "seed": 3})
    body = chat_body(endpoint, ASKED, OLD)
    assert (body["temperature"], body["seed"]) == (0, 3)


def test_no_schema_in_a_dialect_without() -> None:
    """A schema is sent strictly, or not at all."""
    asked = Request(ASKED.messages, {"type": "object"})
    sent = chat_body(HERE, asked, OLD)["response_format"]["json_schema"]
    assert sent == {"name": "answer", "strict": True, "schema": {"type": "object"}}
    assert "response_format" not in chat_body(HERE, asked, Dialect(schema=False))


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'", NEW),
        ("{'type': 'extra_forbidden', 'loc': ['body', 'max_tokens']}", NEW),
        ("'response_format' of type 'json_schema' is not supported", Dialect(schema=False)),
        ("This response_format type is unavailable now", Dialect(schema=False)),
        ("context length exceeded", None),
        ("max_tokens_to_sample is odd", None),
    ],
)
def test_the_dialect_after_a_refusal(said: str, after: Dialect | None) -> None:
    """A complaint about the limit's name or the schema changes that; any other changes nothing."""
    assert OLD.after(Rejected(f"it: 400: {said}")) == after


def test_a_dialect_without_a_second_name() -> None:
    """Where the limit has one name only, and the schema is off, there is nothing left to change."""
    only = Dialect(("max_tokens",), schema=False)
    assert only.after(Rejected("max_tokens and json_schema are bad")) is None


@pytest.mark.parametrize(
    ("message", "finish", "reply"),
    [
        ({"content": "a"}, "stop", Reply("a")),
        ({"content": "a"}, "length", Reply("a", "length")),
        ({"content": "a"}, "model_length", Reply("a", "length")),
        ({"content": None}, "content_filter", Reply("", "filter")),
        ({"content": None, "refusal": "no"}, "stop", Reply("no", "refusal")),
        ({"content": "a", "refusal": None}, "stop", Reply("a")),
        ({"content": None}, "tool_calls", Reply("")),
        ({"content": [{"type": "text", "text": "a"}, {"type": "x"}]}, "stop", Reply("a")),
        ({"content": "a", "reasoning_content": "r"}, "stop", Reply("a", reasoning="r")),
        ({"content": "a", "reasoning": "r"}, "stop", Reply("a", reasoning="r")),
        ({"content": "<think>r</think>a"}, "stop", Reply("a", reasoning="r")),
        ({"content": "<think>r"}, "length", Reply("", "length", reasoning="r")),
    ],
)
def test_reading_an_answer(message: dict[str, Any], finish: str, reply: Reply) -> None:
    """Text, finish, refusal and reasoning are told apart."""
    assert chat_reply(HERE, answered(message, finish)) == reply


@pytest.mark.parametrize("finish", ["error", "abort"])
def test_an_answer_that_broke_off(finish: str) -> None:
    """What had been said by then is no answer; the request may succeed later."""
    with pytest.raises(Transient, match=rf"it: the answer broke off \(finish_reason: {finish}\)"):
        chat_reply(HERE, answered({"content": "Sure, here is how: 1."}, finish))


def test_reasoning_may_stay() -> None:
    """With ``strip_reasoning = false`` the text is as it came."""
    endpoint = Endpoint("it", "openai", strip_reasoning=False)
    assert chat_reply(endpoint, answered({"content": "<think>r</think>a"})).text == "<think>r</think>a"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": -3}, Usage()),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 6, "completion_tokens": 3}, Usage(9, 6, 3)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5}}, Usage(9, 5, 0)),
        ({"prompt_tokens": 2, "prompt_tokens_details": None, "completion_tokens": 3}, Usage(2, 0, 3)),
    ],
)
def test_usage(usage: Any, counted: Usage) -> None:
    """What a server does not count is 0; cached tokens have two names."""
    assert chat_reply(HERE, answered({"content": "a"}, usage=usage)).usage == counted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "usage",
                    "prompt_tokens",
                    "refusal",
                    "finish_reason",
                    "text",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["choices", "usage", "model"]), JSON) | JSON)
def test_any_json_is_a_reply_or_transient(data: Any) -> None:
    """No answer a server could give is anything but a reply or `Transient`."""
    try:
        assert isinstance(chat_reply(HERE, data).text, str)
    except Transient as error:
        assert str(error).startswith("it: the answer ")  # noqa: PT017 - either is right


@given(st.text())
def test_replies_carry_no_lone_surrogate(text: str) -> None:
    """Whatever a model writes can be encoded."""
    broken = f"{text}\ud800"
    reply = chat_reply(HERE, answered({"content": broken, "reasoning": broken}, model=broken))
    for part in (reply.text, reply.reasoning, reply.model):
        assert part.encode()


@pytest.mark.parametrize(
    ("text", "answer", "thought"),
    [
        ("a", "a", ""),
        ("<think>t</think>a", "a", "t"),
        ("\n<think>\nt\n</think>\n\na\n", "a", "t"),
        ("t</think>a", "a", "t"),
        ("t</think>a <think>b", "a <think>b", "t"),
        ("<think></think>\n<think>t</think>a", "a", "t"),
        ("<think>t", "", "t"),
        ("a <think>b</think> c", "a <think>b</think> c", ""),
        ("", "", ""),
    ],
)
def test_split_reasoning(text: str, answer: str, thought: str) -> None:
    """What stands before the answer between think tags is thought; tags inside an answer are text."""
    assert split_reasoning(text) == (answer, thought)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"error": {"code": "content_filter"}}', True),
        ('{"error": {"code": "content_policy_violation"}}', True),
        ('{"error": {"code": "invalid_prompt", "message": "Invalid prompt: your prompt was flagged"}}', True),
        (
            '{"error": {"code": "400", "message": "your prompt was flagged as potentially violating our"}}',
            True,
        ),
        ('{"error": {"message": "triggering Azure OpenAI\'s content management policy"}}', True),
        ('{"error": {"message": "invalid prompt: it is no text"}}', False),
        ('{"error": {"code": null, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}', True),
        ('{"error": {"message": "content_filter"}}', False),
        ('{"error": {"code": ["x"]}}', False),
        ('{"error": "content_filter"}', False),
        ("[]", False),
        ("content_filter", False),
        ("[" * 100_000, False),
    ],
)
def test_withheld(body: str, expected: bool) -> None:
    """Only an error whose code is the filter's was withheld; a text that mentions it was not."""
    assert withheld(400, body) is expected
    assert withheld(403, body) is expected
    assert not withheld(500, body)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('Your chosen model requires moderation and your input was flagged for "violence".', True),
        ("Input was flagged by moderation", True),
        ("Request failed content safety check.", True),
        ("Prompt blocked due to security configurations", True),
        ("Blocked by our content policy", True),
        ("Your account was flagged; access is disabled", False),
        ("Missing scopes: api.moderations.write", False),
        ("You do not have access to this model under your organization's policy", False),
        ("<html><h1>403 ERROR</h1>The request could not be satisfied. Request blocked.", False),
    ],
)
def test_flagged_by_a_403(said: str, expected: bool) -> None:
    """A 403 about this prompt is the filter's; about an account, a scope or the address it is not."""
    assert withheld(403, json.dumps({"error": {"message": said}})) is expected
    assert withheld(403, json.dumps({"message": said})) is expected
    assert not withheld(400, json.dumps({"error": {"message": said}}))
    assert not withheld(403, said)


def test_replies_survive_json() -> None:
    """A reply is the same after its plain form."""
    reply = Reply("a", "length", Usage(1, 2, 3), "r", "m")
    assert Reply.from_json(reply.to_json()) == reply
