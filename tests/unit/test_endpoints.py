"""Endpoints: their table, their names, and what is refused without being shown."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jmeb_plugin.endpoints import (
    Endpoint,
    Price,
    check_panel,
    load_endpoints,
    parse_endpoint,
    proxy_for,
    resolve,
)
from jmeb_plugin.errors import EndpointError
from jmeb_plugin.providers import MODELS, PROVIDERS

SECRET = "sk-live-0123456789abcdef"
NEEDS: dict[str, dict[str, Any]] = {
    "openai": {"model": "m"},
    "azure-openai": {"base_url": "https://a.test", "api_version": "v", "deployment": "d"},
    "anthropic": {"model": "m"},
    "anthropic-bedrock": {"model": "m", "region": "r"},
    "anthropic-vertex": {"model": "m", "region": "r", "project": "p"},
    "http": {"url": "https://h.test", "body": {"q": "{question}"}, "answer": "a"},
    "python": {"target": "a:b"},
    "demo": {"model": "steadfast"},
}


def parse(**table: Any) -> Endpoint:
    """The endpoint ``it`` of that table in ``f.toml``."""
    return parse_endpoint("it", table, "f.toml")


def openai(name: str = "it", **table: Any) -> Endpoint:
    """An OpenAI-compatible endpoint."""
    return parse_endpoint(name, {"provider": "openai", "model": "m", **table}, "f.toml")


def mistake(**table: Any) -> str:
    """The message that a table of an OpenAI-compatible endpoint is refused with."""
    with pytest.raises(EndpointError) as raised:
        openai(**table)
    assert SECRET not in repr(raised.value)
    return str(raised.value)


# -- the table -------------------------------------------------------------------------------------

ORDINARY = """
    model messages frequency_penalty presence_penalty logit_bias logprobs top_logprobs max_completion_tokens
    max_tokens max_output_tokens max_prompt_tokens n seed stop stop_sequences stream stream_options store
    response_format service_tier parallel_tool_calls tool_choice tools user metadata reasoning_effort reasoning
    verbosity modalities prediction prompt_cache_key prompt_cache_retention safety_identifier web_search_options
    include instructions previous_response_id truncation background conversation text
    thinking budget_tokens top_k system container context_management mcp_servers betas cache_control inference_geo
    min_p repetition_penalty length_penalty min_tokens stop_token_ids include_stop_str_in_output ignore_eos
    skip_special_tokens spaces_between_special_tokens add_special_tokens add_generation_prompt
    continue_final_message truncate_prompt_tokens prompt_logprobs allowed_token_ids bad_words guided_json
    guided_regex guided_choice guided_grammar structured_outputs chat_template chat_template_kwargs
    mm_processor_kwargs priority request_id return_tokens_as_token_ids return_token_ids cache_salt
    kv_transfer_params vllm_xargs documents echo best_of use_beam_search logits_processors enable_thinking
    eos_token bos_token pad_token unk_token think_end_token mirostat grammar json_schema cache_prompt id_slot
    samplers n_predict typical_p keep_alive num_ctx safe_prompt random_seed api_version idempotency_key
    code_execution
"""
"""Parameters of OpenAI's, Anthropic's, vLLM's, llama.cpp's, Ollama's and Mistral's requests."""

TABLE = """
[my-endpoint]
provider = "openai"
base_url = "http://127.0.0.1:8000/v1"
model = "my-medical-llm"
api_key_env = "MY_ENDPOINT_KEY"
system_prompt = "…"
temperature = 0.0
max_tokens = 1024
timeout = 120
max_concurrency = 32
requests_per_minute = 600
tokens_per_minute = 200_000
price = { input = 0.15, cached_input = 0.075, output = 0.60 }
category = "medical"
size = 8
base = "b"
family = "f"
strip_reasoning = true
ca_bundle = "…"
top_p = 1.0
own = true
extra_body = {}
"""


def test_the_table_of_the_contract() -> None:
    """Every key of the documented table is taken, with its value and type."""
    table = tomllib.loads(TABLE)
    made = load_endpoints(table, "f.toml")["my-endpoint"]
    given_back = {key: getattr(made, key) for key in table["my-endpoint"]}
    assert given_back == {**table["my-endpoint"], "price": Price(0.15, 0.60, 0.075)}
    assert isinstance(made.timeout, float)
    assert made.parameters() == {
        "system_prompt": "…",
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 1024,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_provider_needs(provider: str) -> None:
    """With all a provider needs it is an endpoint; without any one of it, the message names that."""
    made = parse(provider=provider, **NEEDS[provider])
    assert made.address
    for key in NEEDS[provider]:
        rest = {name: value for name, value in NEEDS[provider].items() if name != key}
        with pytest.raises(EndpointError, match=rf"f.toml: endpoints.it: provider '{provider}' needs {key}"):
            parse(provider=provider, **rest)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"modle": "x"}, "f.toml: endpoints.it: unknown key 'modle'; did you mean 'model'?"),
        ({"provider": "opnai"}, "endpoints.it.provider: 'opnai' is no provider; did you mean 'openai'?"),
        ({"provider": None}, "endpoints.it: no provider; expected one of openai, azure-openai, "),
        ({"model": 3}, "endpoints.it.model: expected a text, found int"),
        ({"own": "yes"}, "endpoints.it.own: expected true or false, found str"),
        ({"max_tokens": 1.5}, "endpoints.it.max_tokens: expected a whole number, found float"),
        ({"max_tokens": True}, "endpoints.it.max_tokens: expected a whole number, found bool"),
        ({"max_tokens": 0}, "endpoints.it.max_tokens: 0 is impossible; expected more than 0"),
        ({"temperature": "hot"}, "endpoints.it.temperature: expected a number, found str"),
        ({"temperature": -0.1}, "endpoints.it.temperature: -0.1 is impossible; expected 0 or more"),
        ({"timeout": float("nan")}, "endpoints.it.timeout: nan is impossible"),
        ({"timeout": float("inf")}, "endpoints.it.timeout: inf is impossible"),
        ({"extra_body": "x"}, "endpoints.it.extra_body: expected a table, found str"),
        ({"price": 3}, "endpoints.it.price: expected { input = …, output = …, cached_input = … }"),
        ({"price": {"input": 1}}, "endpoints.it.price: expected { input = …"),
        (
            {"price": {"input": 1, "output": 1, "cached": 1}},
            "price: unknown key 'cached'; did you mean 'cach",
        ),
        ({"price": {"input": 1, "output": -1}}, "price.output: expected USD per million tokens, 0 or more"),
        ({"price": {"input": 1, "output": float("nan")}}, "price.output: expected USD"),
        ({"price": {"input": True, "output": 1}}, "price.input: expected USD"),
        ({"base_url": "h:80"}, "endpoints.it: 'h:80' is no address; expected http://host:port/path"),
        ({"base_url": "http://h:99999"}, "'http://h:99999' is no address"),
        ({"base_url": "http://[::1"}, "'http://[::1' is no address"),
        ({"base_url": "http://a b"}, "'http://a b' is no address"),
        ({"base_url": "ftp://h"}, "'ftp://h' is no address"),
        ({"headers_env": "X"}, "endpoints.it.headers_env: expected a table of header = variable"),
        ({"headers_env": {"X: y": "A"}}, "headers_env: expected names of headers before the ="),
    ],
)
def test_mistakes_in_a_table(table: dict[str, Any], words: str) -> None:
    """A wrong key, type or value is named with its place and what was expected."""
    assert words in mistake(**table)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_key_of_another_provider_is_refused(provider: str) -> None:
    """What one provider needs, another that does not use it takes for a mistake, and says whose it is."""
    others = {key: value for name in PROVIDERS for key, value in NEEDS[name].items()}
    shared = {"model"}  # for http and python a name in reports
    for key in set(others) - set(NEEDS[provider]) - shared:
        table = {"provider": provider, **NEEDS[provider], key: others[key]}
        if key == "base_url" and provider in MODELS:
            assert parse(**table).base_url
        else:
            with pytest.raises(EndpointError, match=rf"provider '{provider}' does not use {key} \(for "):
                parse(**table)


def test_a_bot_behind_the_wrong_provider() -> None:
    """All keys in one message, and the provider that uses them all, if there is one."""
    said = mistake(target="bot:chat", region="r")
    assert said == (
        "f.toml: endpoints.it: provider 'openai' does not use target (for python), region (for "
        "anthropic-bedrock or anthropic-vertex); expected a table without"
    )
    assert mistake(region="r", project="p").endswith("; did you mean provider = 'anthropic-vertex'?")
    assert mistake(url="https://h.test", answer="a").endswith("; did you mean provider = 'http'?")


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [("temperature", 0.0, "{temperature}"), ("top_p", 0.9, "{top_p}"), ("system_prompt", "s", "{system}")],
)
def test_a_parameter_that_no_body_sends(key: str, value: Any, place: str) -> None:
    """An ``http`` endpoint sends what its body has a place for; a python one is given messages alone."""
    http = {**NEEDS["http"], key: value}
    with pytest.raises(EndpointError, match=rf"it: {key} is sent nowhere; expected {place} in body, or no"):
        parse(provider="http", **http)
    assert parse(provider="http", **{**http, "body": {"q": ["{question}", {"x": f"a {place}"}]}})
    if key == "system_prompt":
        assert parse(provider="python", target="a:b", system_prompt="s")
    else:
        with pytest.raises(EndpointError, match=rf"provider 'python' does not use {key} \(for openai or "):
            parse(provider="python", target="a:b", **{key: value})


def test_the_name_is_no_key() -> None:
    """An endpoint's name is its table's, not a key in it."""
    with pytest.raises(EndpointError, match="unknown key 'name'"):
        parse(provider="openai", model="m", name="x")


def test_a_table_is_expected() -> None:
    """Where a table should be, anything else is named."""
    with pytest.raises(EndpointError, match=r"f.toml: endpoints.it: expected a table, found str"):
        load_endpoints({"it": "x"}, "f.toml")
    with pytest.raises(EndpointError, match=r"f.toml: endpoints: expected tables"):
        load_endpoints("x", "f.toml")  # type: ignore[arg-type]


def test_azure_needs_a_deployment() -> None:
    """An Azure endpoint without deployment and model is a mistake; either one is enough."""
    table = {**NEEDS["azure-openai"], "deployment": ""}
    with pytest.raises(EndpointError, match="needs deployment or model"):
        parse(provider="azure-openai", **table)
    assert parse(provider="azure-openai", **table, model="m").identity[2] == "m"


def test_a_demo_model_that_is_none() -> None:
    """An unknown demo model is answered with the closest one."""
    with pytest.raises(EndpointError, match="no demo model 'stedfast'; did you mean 'steadfast'"):
        resolve("demo/stedfast", {})


def test_an_application_that_is_asked_nothing() -> None:
    """A body without the question is a mistake."""
    with pytest.raises(EndpointError, match=r"it.body: nothing is asked; expected {messages} or {question}"):
        parse(provider="http", **{**NEEDS["http"], "body": {"q": "{qestion}"}})


@given(st.sampled_from(["temperature", "top_p", "max_tokens", "system_prompt"]))
def test_an_unset_parameter_is_absent(name: str) -> None:
    """What is not set is no parameter, and stripping is one only when it is off."""
    assert name not in openai().parameters()
    assert openai(strip_reasoning=False).parameters() == {"strip_reasoning": False}


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        {"api_key": SECRET},
        {"api_key": "anything"},
        {"openai_api_key": SECRET},
        {"API-KEY": "x"},
        {"token": "x"},
        {"access_token": "x"},
        {"password": "x"},
        {"extra_body": {"auth": {"Authorization": f"Bearer {SECRET}"}}},
        {"extra_body": {"list": [{"secret": SECRET}]}},
        {"extra_body": {"api_keys": ["anything"]}},
        {"extra_body": {"subscription-key": "anything"}},
        {"extra_body": {"x-functions-key": "anything"}},
        {"extra_body": {"headers": {"X-Auth": "anything"}}},
        {"extra_body": {"session_token": "anything"}},
        {"extra_body": {"key": "0f9a7c31d2e5b84a"}},
        {"extra_body": {"auth": "0f9a7c31d2e5b84a"}},
        {"extra_body": {"tenant_token": "0f9a7c31d2e5b84a"}},
        {"extra_body": {"harmless": f"Bearer {SECRET}"}},
        {"model": SECRET},
        {"system_prompt": f"use {SECRET}"},
        {"base_url": f"https://{SECRET}.test"},
        {"api_key_env": SECRET},
    ],
)
def test_a_key_in_the_file(table: dict[str, Any]) -> None:
    """A key is refused wherever it stands, and its value is not in the message."""
    message = mistake(**table)
    assert "a key does not belong in a file; expected api_key_env (or headers_env) with the name" in message
    assert "anything" not in message


@pytest.mark.parametrize(
    "table",
    [
        {"api_key_env": "my-own-secret"},
        {"api_key_env": "s3cr3t"},
        {"api_key_env": 5},
        {"headers_env": {"X-Key": "s3cr3t"}},
        {"headers_env": {"X-Key": 5}},
    ],
)
def test_a_value_for_the_name_of_a_variable(table: dict[str, Any]) -> None:
    """Where the name of a variable belongs, a value is refused and not shown."""
    message = mistake(**table)
    assert "take names of environment variables (capitals, digits, _), not the values" in message
    assert "cret" not in message


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@h/v1",
        "http://hunter2@h",
        "http://me:hunter2@h:99999",
        "http://u:hunter2@h b",
        "http:/me:hunter2@h:80/v1",
        "me:hunter2@127.0.0.1:80/v1",
        "https://me:hunter2/x@127.0.0.1/v1",
        "https://me:hunter2?x@127.0.0.1/v1",
        "https://me:hunter2#x@127.0.0.1/v1",
        "HTTP://me:hunter2@127.0.0.1:80/v1",
        "//me:hunter2@h",
    ],
)
def test_a_password_in_an_address(url: str) -> None:
    """A login in an address is refused and not shown, in the file and written out."""
    found = mistake(base_url=url)
    assert "the address holds a user or password; expected api_key_env instead" in found
    assert "hunter2" not in found
    for name in (f"openai/m@{url}", f"openai/{url}", f"nobody/m@{url}", url, f"demo/flaky@{url}"):
        with pytest.raises(EndpointError) as raised:
            resolve(name, {})
        assert "hunter2" not in str(raised.value)


def test_a_key_in_a_name() -> None:
    """A key in a name that is written out is refused and not shown, known or not."""
    for name in (f"openai/{SECRET}", f"openai/{SECRET}@http://h", SECRET):
        with pytest.raises(EndpointError, match=r"holds a key|no endpoint '\*\*\*'") as raised:
            resolve(name, {})
        assert SECRET not in str(raised.value)


def test_an_address_may_shout() -> None:
    """A scheme in capitals is one; a colon in a model's name is none of a password's."""
    made = resolve("openai/llama:8b@HTTP://127.0.0.1:80/v1", {})
    assert (made.model, made.base_url) == ("llama:8b", "HTTP://127.0.0.1:80/v1")
    with pytest.raises(EndpointError, match="the address has no scheme; expected openai/MODEL@http://"):
        resolve("openai/llama:8b@127.0.0.1:80/v1", {})


@pytest.mark.parametrize(
    "rest",
    [
        "?api_key=hunter2",
        "?api%5Fkey=hunter2",
        "?key=hunter2",
        "?api-version=1&code=hunter2",
        "?sv=1&sig=hunter2",
        "?subscription-key=hunter2",
        "?session_token=hunter2",
        "?X-Amz-Signature=hunter2",
        "#access_token=hunter2",
        "?a=1;api_key=hunter2",
        ";token=hunter2",
    ],
)
def test_a_key_in_an_address(rest: str) -> None:
    """A key in a query, a fragment or a path's parameter is refused and not shown."""
    message = mistake(base_url=f"http://h/v1{rest}")
    assert "the address holds a key; expected api_key_env or headers_env instead" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "table",
    [
        {"max_tokens": 5, "tokens_per_minute": 5},
        {"extra_body": {"stop_token_ids": [1], "eos_token": "</s>", "max_completion_tokens": 5}},
        {"extra_body": dict.fromkeys(ORDINARY.split(), "a-value-of-2026-11-29")},
        {"extra_body": {"filters": [{"key": "city", "code": "ja"}], "language": {"code": "ja-JP-2026"}}},
        {"extra_body": {"pad_token": "<|reserved_special_token_12|>", "cache_salt": "0f9a7c31d2e5b84a"}},
        {"base_url": "http://h/v1?api-version=2026-01-01&deployment=a&max_tokens=5&prompt_cache_key=a&key"},
        {"model": "risk-assessment-of-hospital-wards"},
        {"system_prompt": "Never give out a password."},
    ],
)
def test_what_is_no_key(table: dict[str, Any]) -> None:
    """Ordinary parameters are no keys."""
    assert openai(**table)


def test_a_place_in_a_body_is_no_key() -> None:
    """A body may name a field ``token`` if a place fills it in."""
    assert parse(provider="http", **{**NEEDS["http"], "body": {"token": "{question}"}})


def test_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is its variable's value, stripped; one that is needed and not set is named."""
    made = openai(api_key_env="A_KEY")
    monkeypatch.setenv("A_KEY", f" {SECRET}\n")
    monkeypatch.delenv("B_KEY", raising=False)
    assert made.key() == SECRET
    assert SECRET not in repr(made)
    made = parse(provider="http", **NEEDS["http"], headers_env={"X-Key": "B_KEY"})
    with pytest.raises(EndpointError, match=r"endpoint 'it': the environment variable B_KEY is not set"):
        made.check_environment()
    monkeypatch.setenv("B_KEY", "b")
    made.check_environment()
    assert made.headers() == {"X-Key": "b"}


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_variable_is_not_set(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds nothing is as good as none."""
    monkeypatch.setenv("A_KEY", value)
    with pytest.raises(EndpointError, match="A_KEY is not set; expected the endpoint's key in it"):
        openai(api_key_env="A_KEY").key()


@pytest.mark.parametrize("value", ["鍵0123", "two\nlines"])
def test_a_key_that_no_header_can_carry(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key with other signs is a mistake before it is sent, and is not shown."""
    monkeypatch.setenv("A_KEY", value)
    with pytest.raises(EndpointError, match="A_KEY holds signs that no header can carry") as raised:
        openai(api_key_env="A_KEY").check_environment()
    assert value not in str(raised.value)


@pytest.mark.parametrize(
    ("provider", "table", "env"),
    [
        ("openai", {}, "OPENAI_API_KEY"),
        ("openai", {"base_url": "http://h/v1"}, ""),
        ("openai", {"base_url": "http://h/v1", "api_key_env": "MINE"}, "MINE"),
        ("anthropic", {}, "ANTHROPIC_API_KEY"),
        ("anthropic", {"base_url": "http://h"}, ""),
        ("azure-openai", {}, "AZURE_OPENAI_API_KEY"),
        ("anthropic-bedrock", {}, ""),
        ("python", {}, ""),
        ("demo", {}, ""),
    ],
)
def test_whose_key(provider: str, table: dict[str, Any], env: str) -> None:
    """A hosted service has its SDK's variable; with a ``base_url`` no key is needed."""
    assert parse(provider=provider, **NEEDS[provider], **table).api_key_env == env


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "provider", "model", "url"),
    [
        ("openai/gpt-5-mini", "openai", "gpt-5-mini", ""),
        ("openai/org/model", "openai", "org/model", ""),
        ("openai/@cf/meta/llama", "openai", "@cf/meta/llama", ""),
        ("anthropic/claude-sonnet-4", "anthropic", "claude-sonnet-4", ""),
        ("openai/NAME@http://host:80/v1", "openai", "NAME", "http://host:80/v1"),
        ("openai/org/NAME@https://host/v1", "openai", "org/NAME", "https://host/v1"),
        ("demo/flaky", "demo", "flaky", ""),
        ("demo", "demo", "steadfast", ""),
    ],
)
def test_names_written_out(name: str, provider: str, model: str, url: str) -> None:
    """A written-out name is provider, model and perhaps an address."""
    made = resolve(name, {})
    assert (made.provider, made.model, made.base_url) == (provider, model, url)
    assert made.name == ("demo/steadfast" if name == "demo" else name)


def test_the_files_names_come_first() -> None:
    """A name in the file is that endpoint, whatever it looks like."""
    mine = openai(name="openai/gpt")
    assert resolve("openai/gpt", {"openai/gpt": mine}) is mine


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my-endpont", "no endpoint 'my-endpont': expected a name from [tool.jmeb.endpoints]"),
        ("my-endpont", "did you mean 'my-endpoint'?"),
        ("openai/", "no endpoint 'openai/'"),
        ("http/x", "no endpoint 'http/x'"),
        ("openai/@http://h", "endpoint 'openai/@…': provider 'openai' needs model"),
        ("openai/m@http://", "is no address"),
        ("openai/m@h:8000/v1", "the address has no scheme; expected openai/MODEL@http://host:port/v1"),
        ("demo/flaky@http://h", "the demo has no address; expected demo/MODEL alone"),
    ],
)
def test_names_that_are_none(name: str, words: str) -> None:
    """An unknown name says what there is, and the closest of it."""
    with pytest.raises(EndpointError) as raised:
        resolve(name, {"my-endpoint": openai()})
    assert words in str(raised.value)


# -- the panel -------------------------------------------------------------------------------------

TARGET, A, B = (openai(name, model=name, family="f") for name in "tab")


@pytest.mark.parametrize(
    ("judges", "words"),
    [
        ([], "0 judges given; expected at least two, by --jmeb-judge NAME --jmeb-judge NAME"),
        ([A], "1 judge given; expected at least two"),
        ([A, dataclasses.replace(A, name="c")], "judges 'a' and 'c' are the same model at the same address"),
        (
            [A, dataclasses.replace(TARGET, name="c")],
            "judge 'c' is also the target 't'; expected a judge that",
        ),
    ],
)
def test_panels_that_cannot_judge(judges: list[Endpoint], words: str) -> None:
    """Too few, twice the same, or the target itself: each is a mistake."""
    with pytest.raises(EndpointError) as raised:
        check_panel([TARGET], judges)
    assert words in str(raised.value)


def test_a_slash_makes_no_second_judge() -> None:
    """The same address with and without a slash at its end is one judge."""
    one, two = openai("a", base_url="http://h/v1"), openai("b", base_url="http://h/v1/")
    with pytest.raises(EndpointError, match="are the same model at the same address"):
        check_panel([], [one, two])


def test_a_judge_of_the_demo_beside_a_real_model() -> None:
    """Its scores are keywords; for a demo target that is what one expects."""
    demo = [resolve(f"demo/judge-{k}", {}) for k in "ab"]
    assert check_panel([TARGET], demo) == [
        f"judge 'demo/judge-{k}' is the demo's: its keywords say nothing of 't'" for k in "ab"
    ]
    assert check_panel([resolve("demo", {})], demo) == []


def test_a_judge_of_the_family() -> None:
    """A judge of the target's family is a warning, one of no known family is none."""
    stranger = dataclasses.replace(B, family="")
    assert check_panel([TARGET], [A, stranger]) == ["judge 'a' is of the same family as the target 't' (f)"]
    assert check_panel([dataclasses.replace(TARGET, family="")], [A, stranger]) == []


# -- money and proxies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "usd"),
    [(Price(1, 10), 0.0011), (Price(1, 10, 0.5), 0.0009), (Price(0, 0), 0)],
)
def test_prices(price: Price, usd: float) -> None:
    """Cached input has its own price, or the input's."""
    assert price.usd(100, 400, 0) >= 0
    assert price.usd(600, 400, 50) == pytest.approx(usd)


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_the_environments_proxies(proxies: pytest.MonkeyPatch) -> None:
    """Each scheme has its proxy, then the one for all; hosts of NO_PROXY, with or without port, none."""
    assert proxy_for("https://h.test/v1") == ""
    proxies.setenv("ALL_PROXY", "http://all:1")
    proxies.setenv("HTTPS_PROXY", "proxy:3128")
    proxies.setenv("NO_PROXY", "no.test, port.test:8000")
    assert proxy_for("https://h.test/v1") == "http://proxy:3128"
    assert proxy_for("http://h.test/v1") == "http://all:1"
    assert proxy_for("https://a.no.test/v1") == ""
    assert proxy_for("https://port.test:8000/v1") == ""
    assert proxy_for("https://port.test:8001/v1") == "http://proxy:3128"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address",
    [
        "http://u:s3cr3t@127.0.0.1:notaport", "http://u:s3cr3t@127.0.0.1:99999", "http://us er:s3cr3t@h:3128",
        "http://u:s3cr3t@[::1", "u:s3cr3t@[::1", "http://u:s3cr3t@", "http://u:s3cr3t@h\t:1", "http://u:s3cr3t秘@h:1",
        "http://u:s3cr3t@h:0", "socks5://u:s3cr3t@h:x",
    ],
)  # fmt: skip
def test_a_proxy_that_is_no_address_is_named_and_not_shown(
    proxies: pytest.MonkeyPatch, name: str, address: str
) -> None:
    """The variable is to blame, not the endpoint; a login may stand in it."""
    proxies.setenv(name, address)
    with pytest.raises(EndpointError) as caught:
        proxy_for("http://h.test/v1")
    assert str(caught.value) == (
        f"the environment variable {name} holds no usable address; "
        f"expected http://host:port, with %-escapes in a login"
    )


def test_a_proxy_may_have_a_login(proxies: pytest.MonkeyPatch) -> None:
    """With escapes, and before any kind of host."""
    for address in ("http://me:a%20b%40c@[::1]:3128", "https://me@proxy"):
        proxies.setenv("HTTP_PROXY", address)
        assert proxy_for("http://h.test/v1") == address


def test_a_proxy_of_another_kind(proxies: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be spoken to is named with the way round it."""
    proxies.setenv("ALL_PROXY", "socks5://me:hunter2@p:1")
    with pytest.raises(
        EndpointError, match=r"a socks5:// proxy for http://h.test; .* h.test in NO_PROXY"
    ) as raised:
        proxy_for("http://h.test")
    assert "hunter2" not in str(raised.value)
