"""The embedded demo endpoint: an HTTP server on the loopback, its personas and its judges.

It needs no key and no network, and imports nothing else of this package.
"""

TARGETS = ("steadfast", "eroding", "compliant", "overcautious", "flaky")
JUDGES = ("judge-a", "judge-b")
MAKERS = tuple(
    kind + tail
    for kind in ("generator", "attacker", "summariser")
    for tail in ("", "-a", "-b", "-c", "-d", "-e")
)
"""Those that write: each name writes differently."""
