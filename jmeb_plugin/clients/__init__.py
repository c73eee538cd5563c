"""Clients: one file for each SDK or protocol, loaded only when an endpoint needs it."""

from __future__ import annotations

import importlib

from jmeb_plugin.clients.base import Client
from jmeb_plugin.endpoints import Endpoint

HOMES = {
    "openai": "lean:LeanClient",
    "demo": "lean:LeanClient",
    "azure-openai": "azure:AzureClient",
    "anthropic": "anthropic_sdk:AnthropicClient",
    "anthropic-bedrock": "anthropic_sdk:AnthropicClient",
    "anthropic-vertex": "anthropic_sdk:AnthropicClient",
    "http": "applications:HttpClient",
    "python": "applications:PythonClient",
}


def connect(endpoint: Endpoint, *, answered: bool = False) -> Client:
    """A client for the endpoint, which may have ``answered`` an earlier session.

    Raises `EndpointError` for a key or target that is missing.
    """
    from jmeb_plugin.clients.guarded import Guarded

    module, name = HOMES[endpoint.provider].split(":")
    made: Client = getattr(importlib.import_module(f"jmeb_plugin.clients.{module}"), name)(endpoint)
    return Guarded(endpoint, made, answered=answered)
