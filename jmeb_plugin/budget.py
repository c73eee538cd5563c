"""What a run may cost."""

from __future__ import annotations

from jmeb_plugin.clients.base import Usage
from jmeb_plugin.endpoints import Endpoint
from jmeb_plugin.errors import BudgetSpent


class Budget:
    """USD spent over the whole run, and the most that may be.

    A request is let through while what was spent, plus what is in flight, stays below the limit; each
    in flight is held at the dearest price seen of its endpoint, and before one was seen at a guess:
    the limit is passed by at most what was in flight.
    """

    def __init__(self, usd: float | None) -> None:
        self.usd = usd
        self.spent = 0.0
        self.held = 0.0
        self.flying = 0
        self.dearest: dict[str, float] = {}

    def blind(self, name: str) -> bool:
        """Whether there is a limit, and no price has been seen of that endpoint yet."""
        return self.usd is not None and name not in self.dearest

    def fits(self, name: str, guess: float = 0.0, in_flight: int = 0) -> bool:
        """Whether one more request to an endpoint may go now. Raises `BudgetSpent` when none ever may.

        A guess alone refuses nobody: the first of an endpoint goes while anything is left.
        """
        if self.usd is None:
            return True
        taken = self.spent + self.held
        if taken + self.dearest.get(name, guess) <= self.usd:
            return True
        if taken < self.usd and self.blind(name) and not in_flight:
            return True
        if not self.flying:
            raise BudgetSpent(
                f"--jmeb-budget {self.usd:g}: {self.spent:.4f} USD are spent, "
                f"and the next requests could pass it"
            )
        return False

    def hold(self, name: str, guess: float) -> float:
        """Hold the money of a request that goes, in USD; `free` gives it back."""
        held = self.dearest.get(name, guess)
        self.flying += 1
        self.held += held
        return held

    def free(self, held: float) -> None:
        """A request is no longer in flight."""
        self.flying -= 1
        self.held = self.held - held if self.flying else 0.0

    def pay(self, endpoint: Endpoint, usage: Usage) -> float:
        """Count the price of an answer, in USD."""
        if endpoint.price is None:
            return 0.0
        usd = endpoint.price.usd(usage.input, usage.cached, usage.output)
        self.spent += usd
        self.dearest[endpoint.name] = max(usd, self.dearest.get(endpoint.name, 0.0))
        return usd
