"""Methods of self-supervised learning, one file a paper; found by listing, imported by name."""

from presight.core.registry import load, names

__all__ = ["load", "names"]
