"""How a suite is made and checked."""
