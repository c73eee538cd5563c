"""Connections: through which proxy, trusting whom, and what it means when one breaks."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp

from jmeb_plugin.clients.tls import context
from jmeb_plugin.endpoints import Endpoint, proxy_for
from jmeb_plugin.errors import EndpointError, JmebError, Rejected, Transient

NETWORK = (aiohttp.ClientError, OSError)
CONNECT_WITHIN = 20.0
"""Seconds in which a server accepts a connection; what it then thinks about may take `timeout`."""

LOUD = (
    "anthropic",
    "openai",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "botocore",
    "boto3",
    "google",
    "urllib3",
)
"""The SDKs and what they stand on, by the first part of their loggers' names."""

MOST_BYTES = 16 << 20
"""Bytes that an answer may have, unpacked; a server that says more is broken or means harm."""


def too_large(endpoint: Endpoint) -> Rejected:
    """The error for an answer of more than `MOST_BYTES`."""
    return Rejected(f"{endpoint.name}: the answer is larger than {MOST_BYTES >> 20} MiB")


async def gathered(parts: AsyncIterator[bytes], endpoint: Endpoint) -> bytes:
    """The whole of a body that comes in parts; `Rejected` as soon as it is too large."""
    found = bytearray()
    async for part in parts:
        found += part
        if len(found) > MOST_BYTES:
            raise too_large(endpoint)
    return bytes(found)


def connect_within(endpoint: Endpoint) -> float:
    """Seconds that connecting may take."""
    return min(endpoint.timeout, CONNECT_WITHIN)


def quieten() -> None:
    """Let no library log what it sends and gets: texts of conversations, and headers with keys.

    Whatever ``--log-level`` or ``ANTHROPIC_LOG`` say: logs are shown, and kept by CI.
    """
    for name in {*LOUD, *(name for name in logging.root.manager.loggerDict if name.split(".")[0] in LOUD)}:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


def sdk_options(endpoint: Endpoint, url: str) -> dict[str, Any]:
    """What an SDK's ``DefaultAioHttpClient`` is made with; it reads nothing from the environment itself.

    Imports httpx2, which only the SDKs need.
    """
    import httpx2

    quieten()
    verify, address = context(endpoint), proxy_for(url)
    proxy = httpx2.Proxy(address) if address else None
    if proxy and proxy.auth:
        # the SDKs' transports pass a login on in a way that aiohttp warns about; in the URL it is fine
        proxy.url, proxy.auth = httpx2.URL(address), None
    return {
        "verify": verify,
        "proxy": proxy,
        "trust_env": False,
        "follow_redirects": False,
        # 0 is aiohttp's "no limit"; None would be its default of 100
        "limits": httpx2.Limits(max_connections=0, max_keepalive_connections=None),
        "event_hooks": {"response": [lambda response: read_whole(response, endpoint)]},
        "timeout": httpx2.Timeout(endpoint.timeout, connect=connect_within(endpoint)),
    }


async def read_whole(response: Any, endpoint: Endpoint) -> None:
    """Read an SDK's response before the SDK does, which would read without end."""
    # the only way to hand it what was read: its stream cannot be read twice
    response._content = await gathered(response.aiter_bytes(), endpoint)  # noqa: SLF001


def forget_environment(sdk: Any) -> None:
    """Drop the headers that an SDK took from variables (``…_CUSTOM_HEADERS``, ``OPENAI_ORG_ID``).

    They were meant for another program's server and may be secrets.
    """
    sdk._custom_headers = {}  # noqa: SLF001 - there is no other way to refuse them
    if hasattr(sdk, "organization"):
        sdk.organization = sdk.project = None


def broken(endpoint: Endpoint, error: BaseException, *, begun: bool = False) -> JmebError:
    """The error that a connection without an answer stands for, whichever library reports it.

    ``begun``: whether a status had come before it broke.
    """
    if (ours := next(causes(error, Rejected), None)) is not None:
        return Rejected(str(ours))
    name, cause = endpoint.name, next(causes(error), error)
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return untrusted(endpoint, cause)
    if isinstance(cause, aiohttp.InvalidURL):
        return EndpointError(f"endpoint {name!r}: {endpoint.address!r} is no address")
    if isinstance(cause, aiohttp.ClientHttpProxyError) and cause.status == 407:
        return login_wanted(endpoint)
    answered = begun or isinstance(cause, aiohttp.ClientPayloadError | aiohttp.ClientResponseError)
    return Transient(
        f"{name}: {described(endpoint, cause)}",
        answered=answered and not isinstance(cause, aiohttp.ClientHttpProxyError),
    )


def described(endpoint: Endpoint, cause: BaseException) -> str:
    """How a connection failed, in words without the library's own (they may hold headers)."""
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return f"no connection to {endpoint.address} within {connect_within(endpoint):g} s"
    if isinstance(cause, TimeoutError):
        return f"no answer within {endpoint.timeout:g} s"
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"no connection to {endpoint.address} (the proxy answers {cause.status})"
    if isinstance(cause, aiohttp.ClientConnectorError):
        proxy = "the proxy: " * isinstance(cause, aiohttp.ClientProxyConnectionError)
        why = cause.os_error.strerror or type(cause).__name__
        return f"no connection to {endpoint.address} ({proxy}{why})"
    return f"the connection broke ({type(cause).__name__})"


def causes(error: BaseException, *kinds: type[BaseException]) -> Iterator[BaseException]:
    """The errors of these kinds (of none: the network's own) behind an error, outermost first."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, kinds or NETWORK):
            yield at
        at = at.__cause__ or at.__context__


def login_wanted(endpoint: Endpoint) -> EndpointError:
    """The error for a proxy that wants a login, or another one."""
    return EndpointError(
        f"endpoint {endpoint.name!r}: the proxy wants a login; expected it in HTTP_PROXY or HTTPS_PROXY"
    )


def untrusted(endpoint: Endpoint, error: aiohttp.ClientConnectorCertificateError) -> EndpointError:
    """The error for a certificate that does not hold."""
    reason = error.certificate_error
    why = reason.verify_message if isinstance(reason, ssl.SSLCertVerificationError) else type(reason).__name__
    return EndpointError(
        f"endpoint {endpoint.name!r}: the certificate of {error.host} is not trusted ({why}); "
        f"expected its authority in ca_bundle or SSL_CERT_FILE"
    )
