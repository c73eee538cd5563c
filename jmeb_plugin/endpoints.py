"""Endpoints: named models somewhere. The one place that reads the environment.

An endpoint is described in TOML (``[tool.jmeb.endpoints.NAME]``) or written out
(``openai/NAME@http://host:port/v1``). It never holds a key, only the name of the variable that does.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from jmeb_plugin.demo import JUDGES, MAKERS, TARGETS
from jmeb_plugin.errors import EndpointError, SettingsError, closest, plain
from jmeb_plugin.figures import counted
from jmeb_plugin.keys import check_proxy, check_url, check_written, refuse_secrets, showable
from jmeb_plugin.price import Price, parse_price
from jmeb_plugin.providers import HOSTED_KEYS, HOSTED_URLS, NEEDED, PROVIDERS, refuse_unused
from jmeb_plugin.table import MOST, sendable

QUESTIONS = ("{messages}", "{question}")
TEMPLATES = (*QUESTIONS, "{system}", "{model}", "{temperature}", "{top_p}", "{max_tokens}")
"""What may stand in the ``body`` of an ``http`` endpoint to be filled in."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model somewhere, and how it is asked. A parameter that is ``None`` is not sent."""

    name: str
    provider: str
    model: str = ""
    base_url: str = ""
    api_key_env: str = ""
    system_prompt: str = ""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    timeout: float = 120.0
    max_concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    price: Price | None = None
    category: str = ""
    size: float | None = None
    base: str = ""
    family: str = ""
    strip_reasoning: bool = True
    ca_bundle: str = ""
    own: bool = False
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    deployment: str = ""
    api_version: str = ""
    region: str = ""
    project: str = ""
    target: str = ""
    url: str = ""
    headers_env: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""

    @property
    def address(self) -> str:
        """Where it is: the URL, the region, or the Python path. The demo has a name only."""
        if self.provider == "demo":
            return "demo"
        place = self.base_url or self.url or self.target or HOSTED_URLS.get(self.provider, "")
        return place or "/".join(filter(None, (self.project, self.region)))

    @property
    def identity(self) -> tuple[str, str, str]:
        """Provider, address and model: two endpoints alike in these are one judge, not two."""
        return self.provider, self.address.rstrip("/"), self.deployment or self.model

    @property
    def limit(self) -> int | None:
        """The most tokens of an answer; Anthropic's protocol demands a limit, others need none."""
        return self.max_tokens or (4096 if self.provider.startswith("anthropic") else None)

    def parameters(self) -> dict[str, Any]:
        """Whatever can change an answer, as plain data; unset parameters are absent."""
        names = ("system_prompt", "temperature", "top_p", "max_tokens", "extra_body", "body")
        sent = {name: getattr(self, name) for name in (*names, "deployment", "api_version", "answer")}
        kept = {name: value for name, value in sent.items() if value not in (None, "", {})}
        return kept if self.strip_reasoning else {**kept, "strip_reasoning": False}

    def key(self) -> str:
        """The key itself, from its variable; empty where none is needed.

        Raises `EndpointError` naming the variable (never a value) when it is needed and not set.
        """
        return read_variable(self.api_key_env, self.name) if self.api_key_env else ""

    def headers(self) -> dict[str, str]:
        """The headers of an ``http`` endpoint, their values from the named variables."""
        return {head: read_variable(env, self.name) for head, env in self.headers_env.items()}

    def check_environment(self) -> None:
        """Raise `EndpointError` for the first variable that is needed and not set."""
        self.key()
        self.headers()


def variable(name: str) -> str | None:
    """The value of an environment variable, ``None`` where it is not set or empty."""
    return os.environ.get(name) or None


def read_variable(name: str, endpoint: str) -> str:
    """The value of a variable that an endpoint needs, without the line break that files end with."""
    value = (variable(name) or "").strip()
    if not value:
        raise EndpointError(
            f"endpoint {endpoint!r}: the environment variable {name} is not set; "
            f"expected the endpoint's key in it"
        )
    if not (value.isascii() and value.isprintable()):
        raise EndpointError(
            f"endpoint {endpoint!r}: the environment variable {name} holds signs that no header can "
            f"carry; expected one line of ASCII"
        )
    return value


def proxy_for(url: str) -> str:
    """The proxy that the environment names for an address (``HTTPS_PROXY``, ``NO_PROXY``); empty: none.

    Read once for a client: aiohttp's ``trust_env`` asks for every request, in two threads, and takes
    passwords from ``~/.netrc`` besides.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    proxies = getproxies()
    scheme = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy = proxies.get(scheme) or ""
    proxy = proxy if "://" in proxy or not proxy else f"http://{proxy}"
    if proxy:
        check_proxy(proxy, f"{scheme.upper()}_PROXY")
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise EndpointError(
            f"the environment names a {urlsplit(proxy).scheme}:// proxy for {url}; "
            f"expected http:// or https://, or {parts.hostname} in NO_PROXY"
        )
    return proxy


def proxy_addresses() -> list[str]:
    """Every proxy that the environment names, whatever it is for; each may carry a login."""
    return [address if "://" in address else f"http://{address}" for address in getproxies().values()]


def load_endpoints(table: Mapping[str, Any], where: str) -> dict[str, Endpoint]:
    """Every endpoint of a TOML table ``endpoints``. ``where`` names the file in messages."""
    if not isinstance(table, Mapping):
        raise EndpointError(f"{where}: endpoints: expected tables [….endpoints.NAME]")
    return {name: parse_endpoint(name, entry, where) for name, entry in table.items()}


def parse_endpoint(name: str, entry: Any, where: str) -> Endpoint:
    """One endpoint from its table, every key checked."""
    place = f"{where}: endpoints.{plain(name)}"
    if not isinstance(entry, Mapping):
        raise EndpointError(f"{place}: expected a table, found {type(entry).__name__}")
    refuse_secrets(entry, place)
    types = {f.name: str(f.type) for f in fields(Endpoint)}
    known = set(types) - {"name"}
    for key in entry:
        if key not in known:
            raise EndpointError(f"{place}: unknown key {plain(key)!r}{closest(key, known)}")
    provider = entry.get("provider")
    if provider is None:
        raise EndpointError(f"{place}: no provider; expected one of {', '.join(PROVIDERS)}")
    if provider not in PROVIDERS:
        raise EndpointError(
            f"{place}.provider: {plain(repr(provider))} is no provider{closest(str(provider), PROVIDERS)}"
        )
    refuse_unused(provider, entry, places_in(entry.get("body")), place)
    values = {key: convert(value, types[key], f"{place}.{key}") for key, value in entry.items()}
    return complete(Endpoint(name=name, **values), place)


KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
    "int": ((int,), "a whole number"),
}


def convert(value: Any, kind: str, place: str) -> Any:
    """The value as the field's type, or an `EndpointError` that says what was expected."""
    if kind.startswith("Price"):
        return parse_price(value, place)
    name = kind.removesuffix(" | None")
    types, expected = KINDS.get(name, ((Mapping,), "a table"))
    if not isinstance(value, types) or (isinstance(value, bool) and name != "bool"):
        raise EndpointError(f"{place}: expected {expected}, found {type(value).__name__}")
    if isinstance(value, Mapping) and not sendable(value):
        raise EndpointError(
            f"{place}: no date and no infinite number can be sent; expected what JSON can say"
        )
    if not isinstance(value, int | float) or name == "bool":
        return value
    zero_is_fine = place.endswith((".temperature", ".top_p"))
    if not 0 <= value <= MOST or (value == 0 and not zero_is_fine):
        expected = "0 or more" if zero_is_fine else "more than 0"
        raise EndpointError(f"{place}: {value} is impossible; expected {expected}")
    return float(value) if name == "float" else value


def complete(endpoint: Endpoint, place: str) -> Endpoint:
    """The endpoint with its provider's defaults, or an error for what its provider needs."""
    for key in NEEDED[endpoint.provider]:
        alias = endpoint.deployment if key == "model" else ""
        if not getattr(endpoint, key) and not alias:
            raise EndpointError(f"{place}: provider {endpoint.provider!r} needs {key}")
    if endpoint.provider == "azure-openai" and not (endpoint.deployment or endpoint.model):
        raise EndpointError(f"{place}: provider 'azure-openai' needs deployment or model")
    check_url(endpoint.base_url, place)
    check_url(endpoint.url, place)
    if endpoint.provider == "http" and not set(QUESTIONS) & places_in(endpoint.body):
        raise EndpointError(f"{place}.body: nothing is asked; expected {' or '.join(QUESTIONS)} in it")
    known = (*TARGETS, *JUDGES, *MAKERS)
    if endpoint.provider == "demo" and endpoint.model not in known:
        raise EndpointError(
            f"{place}: no demo model {plain(endpoint.model)!r}{closest(endpoint.model, known)}"
        )
    if endpoint.api_key_env or (endpoint.base_url and endpoint.provider != "azure-openai"):
        return endpoint
    return replace(endpoint, api_key_env=HOSTED_KEYS.get(endpoint.provider, ""))


def places_in(template: Any) -> set[str]:
    """The places of a body template that are filled in for every request."""
    text = json.dumps(template, default=str)
    return {name for name in TEMPLATES if name in text}


def resolve(name: str, table: Mapping[str, Endpoint]) -> Endpoint:
    """The endpoint of that name: from the table, or written out as ``provider/model[@url]``."""
    if name in table:
        return table[name]
    written = "demo/steadfast" if name == "demo" else name
    provider, slash, rest = written.partition("/")
    model, *urls = re.split(r"@(?=http)", rest, maxsplit=1, flags=re.IGNORECASE)
    url, shown = "".join(urls), showable(name)
    if not slash or provider not in ("openai", "anthropic", "demo") or not rest:
        known = [*table, "demo", *(f"demo/{model}" for model in TARGETS)]
        raise EndpointError(
            f"no endpoint {shown!r}: expected a name from [tool.jmeb.endpoints], openai/MODEL, "
            f"anthropic/MODEL or demo, each but demo also with @URL{closest(name, known)}"
        )
    place = f"endpoint {shown!r}"
    if provider == "demo" and url:
        raise EndpointError(f"{place}: the demo has no address; expected demo/MODEL alone")
    check_written(provider, model, url, place)
    return complete(Endpoint(name=written, provider=provider, model=model, base_url=url), place)


def check_panel(targets: Sequence[Endpoint], judges: Sequence[Endpoint]) -> list[str]:
    """Raise for a panel that cannot judge these targets; return warnings worth showing."""
    if len(judges) < 2:
        raise EndpointError(
            f"{counted(len(judges), 'judge')} given; expected at least two, "
            f'by --jmeb-judge NAME --jmeb-judge NAME or judges = ["…", "…"] in [tool.jmeb]'
        )
    seen: dict[tuple[str, str, str], str] = {}
    for judge in judges:
        if judge.identity in seen:
            raise EndpointError(
                f"judges {seen[judge.identity]!r} and {judge.name!r} are the same model "
                f"at the same address; expected two different judges"
            )
        seen[judge.identity] = judge.name
    warnings = []
    for target in targets:
        if target.identity in seen:
            raise EndpointError(
                f"judge {seen[target.identity]!r} is also the target {target.name!r}; "
                f"expected a judge that does not mark its own answers"
            )
        warnings += [
            f"judge {judge.name!r} is of the same family as the target {target.name!r} ({target.family})"
            for judge in judges
            if target.family and judge.family == target.family
        ]
        warnings += [
            f"judge {judge.name!r} is the demo's: its keywords say nothing of {target.name!r}"
            for judge in judges
            if judge.provider == "demo" != target.provider
        ]
    return warnings


def check_budget(budget: float | None, endpoints: Iterable[Endpoint], option: str) -> None:
    """Raise for a budget over endpoints whose price nobody said: it would never be spent."""
    priceless = dict.fromkeys(e.name for e in endpoints if e.price is None and e.provider != "demo")
    if budget is not None and priceless:
        raise SettingsError(
            f"{option}: {', '.join(priceless)} without price; "
            f"expected price = {{ input = …, output = … }} (USD per million tokens)"
        )
