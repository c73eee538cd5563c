"""What a run leaves: results in, text out. Nothing here knows pytest or a network."""
