"""Tests for your own methods: `check_method`, a tiny backbone, pictures in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.testing.conformance import check_method
    from presight.testing.tiny import TinyBackbone, tiny_batch, tiny_data, tiny_encoders
    from presight.testing.trial import Trial

__all__ = ["TinyBackbone", "Trial", "check_method", "tiny_batch", "tiny_data", "tiny_encoders"]

__getattr__ = lazy.names(
    __name__, {**dict.fromkeys(__all__, "tiny"), "check_method": "conformance", "Trial": "trial"}
)
