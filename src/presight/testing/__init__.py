"""Tests for your own methods: `check_method`, a tiny backbone, pictures in memory."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from presight.testing.conformance import check_method
    from presight.testing.tiny import TinyBackbone, tiny_batch, tiny_data, tiny_encoders
    from presight.testing.trial import Trial

__all__ = ["TinyBackbone", "Trial", "check_method", "tiny_batch", "tiny_data", "tiny_encoders"]

_HOME = {"check_method": "conformance", "Trial": "trial"}


def __getattr__(name: str) -> object:
    """Torch is imported when something here is used, not before."""
    if name not in __all__:
        raise AttributeError(f"presight.testing has no {name}")
    return getattr(import_module(f"presight.testing.{_HOME.get(name, 'tiny')}"), name)
