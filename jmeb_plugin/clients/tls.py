"""The TLS context of an endpoint: the system's certificates and its own ``ca_bundle``."""

from __future__ import annotations

import ssl

from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import EndpointError


def context(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """A verifying context; ``True`` (the library's default) for plain HTTP.

    ``SSL_CERT_FILE`` is honoured by OpenSSL itself.
    """
    if endpoint.provider == "demo" or endpoint.address.startswith("http://"):
        return True
    trusted = ssl.create_default_context()
    if endpoint.ca_bundle:
        try:
            trusted.load_verify_locations(endpoint.ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise EndpointError(
                f"endpoint {endpoint.name!r}: ca_bundle {endpoint.ca_bundle!r} cannot be used ({error})"
            ) from None
    return trusted
