"""Real HTTP on the loopback."""
