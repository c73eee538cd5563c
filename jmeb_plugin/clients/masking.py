"""What a server says, without the keys and logins that it was sent.

A server, or a proxy on the way, can say whatever it was told: a key whole or in part, quoted,
encoded. What it says when it fails is shown, so there even a few signs in a row that a secret holds
are masked. What it answers is kept and judged: there whole secrets alone are, and in the main forms.
"""

from __future__ import annotations

import base64
import binascii
import functools
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

from jmeb_plugin.endpoints import Endpoint, proxy_addresses, variable
from jmeb_plugin.keys import KEY_SHAPE

HIDDEN = "***"
RUN = 8
"""So many signs in a row that a secret holds as well are no chance."""

WORD = 6
"""A secret of fewer signs (a user called ``me``) is masked as a word of its own only."""

LONG = 12
"""A secret of fewer signs (a local server's ``password``) may be a word of an honest answer."""

CLOUD = {"anthropic-bedrock": ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK")}
"""The variables that an SDK takes its credentials from by itself."""

LOWER = {ord(sign): sign.lower() for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def masked(text: str, endpoint: Endpoint) -> str:
    """An error's text without any secret that was sent, in whole, in part or encoded.

    Nor with anything that looks like a key: an application has keys of its own.
    """
    text = KEY_SHAPE.sub(HIDDEN, text)
    values = (*sent(endpoint), *logins(proxy_addresses()))
    found = {form for value in values for secret in parts(value) for form in forms(secret)}
    for form in sorted((form for form in found if len(form) < RUN), key=len, reverse=True):
        whole = re.escape(form) if len(form) >= WORD else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(whole, HIDDEN, text)
    return without_runs(text, found)


def unkeyed(endpoint: Endpoint, *texts: str) -> tuple[str, ...]:
    """What a reply says, without the secrets that the endpoint was sent."""
    for needle in needles(sent(endpoint)):
        if any(needle in text for text in texts):
            texts = tuple(text.replace(needle, HIDDEN) for text in texts)
    return texts


@functools.lru_cache(maxsize=64)
def needles(values: tuple[str, ...]) -> tuple[str, ...]:
    """What is looked for in every answer: the long secrets of these values in every form, longest first."""
    found = {
        form for value in values for secret in parts(value) if len(secret) >= LONG for form in forms(secret)
    }
    return tuple(sorted(found, key=len, reverse=True))


def sent(endpoint: Endpoint) -> tuple[str, ...]:
    """The values of the variables whose content goes to the endpoint."""
    names = (endpoint.api_key_env, *endpoint.headers_env.values(), *CLOUD.get(endpoint.provider, ()))
    return tuple(filter(None, ((variable(name) or "").strip() for name in names if name)))


def logins(addresses: Iterable[str]) -> Iterator[str]:
    """The login of each proxy as it is sent to it, where the address has one."""
    for address in addresses:
        user, at, _ = address.partition("://")[2].rpartition("@")
        if at:
            yield f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
            yield from user.split(":", 1)


def parts(value: str) -> Iterator[str]:
    """What is secret of a header: the whole, what follows the scheme, a login in Basic."""
    scheme, _, rest = value.partition(" ")
    yield value
    for word in rest.split():
        yield word
        if scheme.lower() == "basic":
            try:
                login = base64.b64decode(word, validate=True).decode()
            except (binascii.Error, ValueError):
                continue
            yield from filter(None, (login, *login.split(":", 1)))


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, escaped, quoted and encoded."""
    yield secret
    escaped = json.dumps(secret)[1:-1]
    yield from (escaped, json.dumps(escaped)[1:-1], repr(secret)[1:-1], html.escape(secret))
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), secret.encode().hex())
    for before in range(3):
        yield from (in_base64(secret, before), in_base64(secret, before).translate({43: "-", 47: "_"}))


def in_base64(secret: str, before: int) -> str:
    """What is always the same in base64 of a text that holds the secret after so many bytes (modulo 3)."""
    raw = b"\0" * before + secret.encode()
    text = base64.b64encode(raw).decode().rstrip("=")
    return text[(0, 2, 3)[before] : len(text) - bool(before and len(raw) % 3)]


def without_runs(text: str, secrets: Iterable[str]) -> str:
    """The text without any `RUN` signs in a row that stand in one of the secrets, in whatever case."""
    lowered = text.translate(LOWER)
    known = {run for secret in secrets for run in runs(secret.translate(LOWER))}
    hidden = bytearray(len(text))
    for at, run in enumerate(runs(lowered)):
        if run in known and run == run.strip():
            hidden[at : at + RUN] = b"\1" * RUN
    kept = (HIDDEN if hide else sign for sign, hide in zip(text, hidden, strict=True))
    return re.sub(rf"(?:{re.escape(HIDDEN)})+", HIDDEN, "".join(kept))


def runs(text: str) -> Iterator[str]:
    """Every `RUN` signs in a row of the text, in its order."""
    return (text[at : at + RUN] for at in range(len(text) - RUN + 1))
