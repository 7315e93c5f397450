"""Weights for other libraries, loaded back and compared before a file gets its name."""
