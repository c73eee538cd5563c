"""pytest-jmeb: a release gate for chat models in healthcare."""
