"""What a run may cost."""

from __future__ import annotations

from jmeb_plugin.clients.base import Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent


class Budget:
    """USD spent over the whole run, and the most that may be.

    A request is let through while what was spent, plus what is in flight at the dearest price seen,
    stays below the limit: the limit is passed by at most what was in flight.
    """

    def __init__(self, usd: float | None) -> None:
        self.usd = usd
        self.spent = 0.0
        self.flying = 0
        self.dearest: dict[str, float] = {}

    @property
    def blind(self) -> bool:
        """Whether there is a limit, and no price has been seen yet."""
        return self.usd is not None and not self.dearest

    def fits(self) -> bool:
        """Whether one more request may go now. Raises `BudgetSpent` when none ever may."""
        if self.usd is None:
            return True
        expected = max(self.dearest.values(), default=0.0)
        if self.spent + (self.flying + 1) * expected <= self.usd:
            return True
        if not self.flying:
            raise BudgetSpent(
                f"--jmeb-budget {self.usd:g}: {self.spent:.4f} USD are spent, "
                f"and the next requests could pass it"
            )
        return False

    def pay(self, endpoint: Endpoint, usage: Usage) -> float:
        """Count the price of an answer, in USD."""
        if endpoint.price is None:
            return 0.0
        usd = endpoint.price.usd(usage.input, usage.cached, usage.output)
        self.spent += usd
        self.dearest[endpoint.name] = max(usd, self.dearest.get(endpoint.name, 0.0))
        return usd
