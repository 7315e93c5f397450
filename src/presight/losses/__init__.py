"""Losses: pure functions of tensors, means over rows, natural logarithms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.losses.contrastive import info_nce as info_nce
    from presight.losses.contrastive import nt_xent as nt_xent

__getattr__ = lazy.names(__name__, dict.fromkeys(("info_nce", "nt_xent"), "contrastive"))
