"""Hypothesis for this room: the same examples on every machine, no deadline, nothing left on disk."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(__import__("os").environ.get("FUZZ_N", "60")),
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
settings.load_profile("fuzz")
