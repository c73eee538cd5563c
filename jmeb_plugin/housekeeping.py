"""What Python does beside a run, and when: looking for garbage, loading what the end needs."""

from __future__ import annotations

import gc
import sys

from jmeb_plugin.signals import held_back

SELDOM = (100_000, 20, 50)
"""Thresholds of the garbage collector in a session; its own would cost a tenth of a run.

Hundreds of requests in flight are made of tens of thousands of objects; looking at no more frees nothing.
"""

QUICK = 0.0001
"""Seconds after which a thread that loads something lets another one work."""


class Housekeeping:
    """Of the process that the run lives in."""

    def __init__(self) -> None:
        self.thresholds: tuple[int, int, int] | None = None
        self.begun = False
        self.prepared = False

    def open(self) -> None:
        """Look for garbage seldom; give back what an earlier session of this process left."""
        gc.unfreeze()
        self.thresholds = gc.get_threshold()
        gc.set_threshold(*SELDOM)

    def begin(self) -> None:
        """Everything is collected and lives to the end: look for garbage elsewhere."""
        if not self.begun:
            self.begun = True
            gc.freeze()

    def prepare(self, *, compared: bool) -> None:
        """Load what the end needs (scipy, matplotlib), for a time when there is nothing else to do.

        Only a run that is ``compared`` with a baseline needs all of scipy's statistics.
        """
        if self.prepared:
            return
        self.prepared, usual = True, sys.getswitchinterval()
        sys.setswitchinterval(QUICK)  # or the runner waits 5 ms each time it looks at a socket meanwhile
        try:
            with held_back() as came:
                load(compared=compared)
        finally:
            sys.setswitchinterval(usual)
        if came:
            raise KeyboardInterrupt

    def end(self, *, look: bool = False) -> None:
        """The run is over: let nobody look through it again, as pytest and Python would, six times.

        ``look``: once more, for what tests of the user's own have left, which pytest warns of.
        """
        if self.thresholds is not None:
            if look:
                gc.collect()
            gc.freeze()
            gc.set_threshold(*self.thresholds)
            self.thresholds = None


def load(*, compared: bool) -> None:
    """Import what the end needs."""
    import jmeb_plugin.gates
    import jmeb_plugin.report.files
    import jmeb_plugin.summary  # noqa: F401
    from jmeb_plugin.report.as_html import load_page
    from jmeb_plugin.stats.figures import scipy_tests

    load_page()
    if compared:
        scipy_tests()
