"""Hypothesis for this room: the same examples on every machine, no deadline, nothing left on disk."""

from hypothesis import settings

settings.register_profile("unit", deadline=None, derandomize=True, database=None)
settings.load_profile("unit")
