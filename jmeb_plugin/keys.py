"""Keys, passwords and tokens: where none may stand, and how one is told without being shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from jmeb_plugin.errors import EndpointError, plain

SECRET_NAME = re.compile(
    r"(.*[-_.])?((access|auth|bearer|api|secret|private|subscription|functions?)[-_]?(token|key)s?"
    r"|session[-_]?token|authori[sz]ation|secret|passw(or)?d|bearer|credentials?)|token|x[-_]auth",
    re.IGNORECASE,
)
"""Names under which people write keys down."""

DOUBTFUL_NAME = re.compile(
    r"(?!.*((cache|idempotency|partition|primary|sort)[-_]key|(bos|eos|pad|unk|sep|start|end)[-_]token)$)"
    r"(.*[-_])?(key|token|sig(nature)?)|auth|code",
    re.IGNORECASE,
)
"""Names under which keys stand, and much else: in a table a value must look random as well."""

RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+/=-]{16,}", re.ASCII)
"""What nobody makes up: a long word of letters and digits."""

KEY_SHAPE = re.compile(
    r"\b(sk-[\w-]{12,}|(hf|gsk|ghp|xai|nvapi)[-_]\w{16,}|AIza[\w-]{20,}|A[KS]IA[A-Z0-9]{16}"
    r"|ya29\.[\w-]{20,}|eyJ[\w-]{10,}\.[\w-]{10,}(\.[\w-]+)?)\b"
    r"|Bearer\s+[\w.~+/-]{16,}"
)
"""What the keys of the usual services look like."""

PLACE = re.compile(r"\{\w+\}")
"""A text of a body template that is filled in for every request."""


def refuse_secrets(entry: Mapping[str, Any], place: str) -> None:
    """Raise for a key, password or token written into the file; never show it."""
    for path, value in texts_of(entry):
        name = path.rpartition(".")[2]
        named = SECRET_NAME.fullmatch(name) and not PLACE.fullmatch(value)
        if named or (DOUBTFUL_NAME.fullmatch(name) and RANDOM.fullmatch(value)) or KEY_SHAPE.search(value):
            raise EndpointError(
                f"{place}.{KEY_SHAPE.sub('***', path)}: a key does not belong in a file; expected "
                f"api_key_env (or headers_env) with the name of an environment variable"
            )
    heads = entry.get("headers_env", {})
    if not isinstance(heads, Mapping):
        raise EndpointError(f"{place}.headers_env: expected a table of header = variable")
    for name in (entry.get("api_key_env", "A"), *heads.values()):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise EndpointError(
                f"{place}: api_key_env and headers_env take names of environment variables "
                f"(capitals, digits, _), not the values themselves"
            )
    if not all(re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", head, re.ASCII) for head in heads):
        raise EndpointError(f"{place}.headers_env: expected names of headers before the =")


def texts_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside a table, with its dotted path; ``headers_env`` names headers, not values."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key != "headers_env":
                yield from texts_of(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner, path)


def showable(name: str) -> str:
    """An endpoint's written name as a message may show it: nothing of its address, and no key."""
    head, at, rest = KEY_SHAPE.sub("***", name).partition("@")
    if not at:
        return head
    return f"{head if rest.lower().startswith('http') else head.partition(':')[0]}@…"


def check_written(provider: str, model: str, url: str, place: str) -> None:
    """Raise for a written name that holds a password or a key, or an address that is not told as one."""
    if KEY_SHAPE.search(model):
        raise EndpointError(f"{place}: the name holds a key; expected api_key_env instead")
    if not url and re.search(r"@.*@", model):
        raise EndpointError(f"{place}: the address holds a user or password; expected api_key_env instead")
    if not url and re.search(r"@[\w.-]+:\d+(/|$)|:.*@", model):
        raise EndpointError(
            f"{place}: the address has no scheme; expected {provider}/MODEL@http://host:port/v1, "
            f"without user or password"
        )


def named_in(url: str) -> Iterator[str]:
    """The names of an address's parameters that have a value, in its query, its fragment or its path."""
    for part in re.split(r"[?#;&]", url)[1:]:
        name, _, value = part.partition("=")
        if value:
            yield unquote_plus(name)


def check_url(url: str, place: str) -> None:
    """Raise for an address that cannot be parsed, or one that carries a password or a key."""
    if not url:
        return
    if "@" in url:  # wherever it stands: a password may hold any sign that ends an authority
        raise EndpointError(
            f"{place}: the address holds a user or password; expected api_key_env instead "
            f"(and %40 for an @ of its path)"
        )
    if KEY_SHAPE.search(url) or any(
        SECRET_NAME.fullmatch(name) or DOUBTFUL_NAME.fullmatch(name) for name in named_in(url)
    ):
        raise EndpointError(f"{place}: the address holds a key; expected api_key_env or headers_env instead")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", url):
        raise EndpointError(f"{place}: {plain(url, 200)!r} is no address; expected http://host:port/path")


def check_proxy(address: str, variable: str) -> None:
    """Raise for a proxy's address that no client can use; its login is never shown."""
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not (usable and address.isascii() and address.isprintable() and " " not in address):
        raise EndpointError(
            f"the environment variable {variable} holds no usable address; "
            f"expected http://host:port, with %-escapes in a login"
        )
