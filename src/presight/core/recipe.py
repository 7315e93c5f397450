"""Recipe: how views are made of a batch. A frozen dataclass; its fields are options."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import ClassVar, Literal, Self

from presight.core.batch import Batch, Views
from presight.core.draw import Draw

Executor = Literal["auto", "per-image", "batched"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """Views of a batch, from one set of draws.

    A recipe is a value: equal, hashable, printable, saved in the configuration. It reads options
    and draws, never a method's weights.

    Args:
        size: side of a view, pixels; 0 until `sized` gives it.
        executor: `per-image` runs uint8 images through OpenCV on the CPU, `batched` runs tensors
            on any device; `auto` takes per-image on a CPU and batched on an accelerator.
    """

    name: ClassVar[str]
    keys: ClassVar[dict[str, str]]
    """View name -> shape and meaning, printed in help and docs."""

    size: int = 0
    executor: Executor = "auto"

    @abstractmethod
    def __call__(self, batch: Batch, draw: Draw) -> Views:
        """Float views in [0, 1], by name; equal crops stacked crop-major."""

    def sized(self, size: int) -> Self:
        """This recipe at a view's side of `size` pixels."""
        return dataclasses.replace(self, size=size)
