"""Where endpoints are: the demo's server, started when one of its models is needed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from jmeb_plugin.endpoints import Endpoint

if TYPE_CHECKING:
    from jmeb_plugin.demo.server import DemoServer


class Hosting:
    """Gives endpoints their address. Close it when nobody asks any more."""

    def __init__(self) -> None:
        self.demo: DemoServer | None = None

    def reachable(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its address."""
        if endpoint.provider != "demo":
            return endpoint
        if self.demo is None:
            from jmeb_plugin.demo.server import DemoServer

            self.demo = DemoServer()
            self.demo.start()
        return dataclasses.replace(endpoint, base_url=self.demo.url)

    def close(self) -> None:
        """Stop the demo's server, if it runs."""
        if self.demo is not None:
            self.demo.stop()
