"""Studies that are known by a name."""
