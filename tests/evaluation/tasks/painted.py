"""Gray noise with a colored rectangle: its color tells the class and the depth of its pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evaluation.doubles import Small
from presight.core.batch import Batch
from presight.data.canvas import canvases
from presight.data.targets import IGNORE, DepthTarget, MaskTarget
from presight.evaluation.finetune import StepBudget, finetune, judged
from presight.evaluation.tasks.dense import Dense
from presight.training.runtime import Runtime

DEPTHS = np.array([0, 1, 4, 2], np.float32)
CLASSES = ("nothing", "red", "green", "blue")


class Painted:
    """Pictures of some sizes, as a source of masks or depths and as images.

    Args:
        count: of pictures.
        seed: of all numbers.
        task: segmentation or depth.
        sizes: height and width, in turn.
    """

    spec = fingerprint = "painted"

    def __init__(
        self,
        count: int = 8,
        seed: int = 0,
        task: str = "segmentation",
        sizes: Sequence[tuple[int, int]] = ((24, 32), (20, 20)),
    ) -> None:
        self.task, self.classes = task, CLASSES if task == "segmentation" else ()
        self.sizes = np.array([sizes[i % len(sizes)] for i in range(count)])
        generator = np.random.default_rng(seed)
        self.reads: list[int] = []
        self.pixels: list[NDArray[np.uint8]] = []
        self.masks: list[NDArray[np.uint8]] = []
        for row, (height, width) in enumerate(self.sizes):
            picture = generator.integers(80, 120, (height, width, 3)).astype(np.uint8)
            mask = np.zeros((height, width), np.uint8)
            color = row % 3
            top, left = generator.integers(0, height // 2), generator.integers(0, width // 2)
            part = slice(top, top + height // 2), slice(left, left + width // 2)
            picture[part] = 20
            picture[(*part, color)] = 220
            mask[part] = 1 + color
            self.pixels.append(picture)
            self.masks.append(mask)
        self.order = list(range(count))

    def shuffled(self) -> Painted:
        """Everyone has the labels of the next picture."""
        self.order = [*self.order[1:], self.order[0]]
        return self

    def __len__(self) -> int:
        return len(self.pixels)

    def decode(self, i: int) -> NDArray[np.uint8]:
        return self.pixels[i]

    def identity(self, i: int) -> str:
        return f"{i}.png"

    def target(self, i: int) -> Any:
        self.reads.append(i)
        mask = self.masks[self.order[i]]
        return MaskTarget(mask) if self.task == "segmentation" else DepthTarget(DEPTHS[mask])

    def batch(self, index: Tensor) -> Batch:
        return canvases([self.pixels[i] for i in index.tolist()], index)


class Blocked(Painted):
    """The same, several at a time."""

    def decode_many(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        return [self.pixels[i] for i in indices]


class Fine(Small):
    """A backbone whose map is as large as the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.layers[0] = nn.Conv2d(3, self.dim, 3, padding=1)


def learned(
    make: Callable[[Any], Dense],
    train: Painted,
    test: Painted,
    *,
    updates: int = 60,
    rate: float = 3e-2,
    size: int = 20,
) -> dict[str, float]:
    """Scores on the test set after learning from all of the training set."""
    torch.manual_seed(0)
    task, tested = make(train), make(test)
    budget = StepBudget(least=updates, batch_size=8, rates=(rate,))
    done = finetune(
        task, Fine(), train, torch.arange(len(train)), size=size, frozen=False, budget=budget,
        runtime=Runtime("cpu", "fp32"),
    )  # fmt: skip
    rows = torch.arange(len(test))
    found = tested.score(judged(tested, done.model, test, rows, size=size), rows)
    return {name: float(parts.mean()) for name, parts in found.items()}


def unlabelled(source: Painted, row: int) -> None:
    """Take a picture's labels away."""
    source.masks[row][:] = IGNORE if source.task == "segmentation" else 0
