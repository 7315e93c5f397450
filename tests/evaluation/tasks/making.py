"""Small labelled sets that tasks learn, and what is left after learning."""

from __future__ import annotations

from typing import Any

import torch

from evaluation.doubles import Pictures
from presight.data.labels import open_task
from presight.evaluation.finetune import StepBudget, Trained, finetune
from presight.nn.backbones import encoders


def opened(spec: str, task: str) -> tuple[Any, Any]:
    """Scenes with their labels, and their images in memory."""
    source = open_task(spec, task=task)
    pixels = torch.from_numpy(source.decode_many(range(len(source))))
    return source, Pictures(pixels.permute(0, 3, 1, 2))


def taught(
    kind: Any, spec: str, task: str, *, updates: int, rate: float, size: int = 16
) -> tuple[Any, Trained, Any]:
    """A task on all rows of a set, learned by a whole small network."""
    source, images = opened(spec, task)
    made = kind.of(source, images)
    torch.manual_seed(0)
    backbone = encoders("resnet9:8", image_size=size)()
    budget = StepBudget(least=updates, most=updates, batch_size=8, rates=(rate,))
    rows = torch.arange(len(images))
    trained = finetune(made, backbone, images, rows, size=size, frozen=False, budget=budget)
    return made, trained, images
