"""presight: see before labels."""
