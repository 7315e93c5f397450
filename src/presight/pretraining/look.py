"""What --dry-run and --print-config answer: the configuration, and the least memory it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from presight.core import configuration as layout
from presight.core import world
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.core.plan import TrainPlan
from presight.pretraining.configuration import Configuration
from presight.restore import build_method

_MOMENTS = {"sgd": 1, "lars": 1, "adam": 2, "adamw": 2}
"""Numbers that an optimizer keeps for each parameter."""
_FEW = 4
"""Images whose views are made; the views of a batch are as many times larger."""


@dataclass(frozen=True)
class Memory:
    """Bytes on one device that training cannot do without; activations come on top.

    Args:
        weights, gradients, optimizer: of everything that the method holds.
        views: of one part of a batch.
    """

    weights: int
    gradients: int
    optimizer: int
    views: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.optimizer + self.views

    def line(self) -> str:
        """For a person; also a comment of YAML."""
        parts = ", ".join(f"{name} {value / 2**20:,.1f}" for name, value in asdict(self).items())
        return (
            f"# memory  at least {self.total / 2**20:,.1f} MiB a device: {parts}; activations, "
            "which grow with the batch, come on top"
        )


def least_memory(config: Configuration) -> Memory:
    """Of a method that is built for it, and the views of a few black images."""
    method = build_method(config.origin, config.settings.init)
    trained = _bytes(p for p in method.parameters() if p.requires_grad)
    size = config.spec.image_size
    index = torch.arange(_FEW)
    batch = Batch.of(torch.zeros(_FEW, 3, size, size, dtype=torch.uint8), index)
    views = method.views(batch, Draw(config.plan.seed, 0, index))
    return Memory(
        weights=_bytes(method.state_dict().values()),
        gradients=trained,
        optimizer=trained * _MOMENTS[config.plan.optimizer],
        views=_bytes(views.values()) * _images(config.plan) // _FEW,
    )


def _images(plan: TrainPlan) -> int:
    """Images that a device sees at a time."""
    return plan.batch_size // (world.size() * plan.accumulate)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def look(config: Configuration) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A record for machines and lines for people; the lines are a YAML file."""
    saved = layout.nested(config.data, config.settings, config.plan, config.options)
    record: dict[str, Any] = {"dry_run": True, "configuration": saved}
    text = config.to_yaml()
    if config.settings.print_config:
        return record, (text,)
    memory = least_memory(config)
    record["memory"] = {"at_least": memory.total, **asdict(memory)}
    return record, (text, memory.line(), "# nothing was written (--dry-run)")
