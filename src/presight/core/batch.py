"""What travels on the road: data's description, a batch, a step's context, a loss's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from presight.core.draw import Draw

Views = dict[str, Tensor]
"""Named views. Several crops of equal size are stacked crop-major: [c*B, ...]. What differs in
number from image to image comes flat, with `owner` (int64 [n], its row)."""


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What a method may know about the data.

    Args:
        n_samples: rows of the source; sample indices are 0..n_samples-1.
        image_size: side of a view, pixels.
        global_batch: images an update, over all processes and micro-batches.
        updates_per_epoch: n_samples // global_batch; training drops the rest, never pads.
        epochs: length of the run; may be a fraction where a time budget decided it.
        channels: of an image.
    """

    n_samples: int
    image_size: int
    global_batch: int
    updates_per_epoch: int
    epochs: float
    channels: int = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Images and their identities. There is no field for labels, on purpose.

    Args:
        images: uint8 [B,C,H,W], canvases (channels_last in memory, so that a CPU executor sees
            HWC images without a copy).
        index: int64 [B], identity of each sample in the source.
        frame: float32 [B,4], x0, y0, x1, y1 of the true image in its canvas, pixels.
        occurrence: int64 [B], how often the sample came before in this epoch; None means never.
    """

    images: Tensor
    index: Tensor
    frame: Tensor
    occurrence: Tensor | None = None

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the batch's rows."""
        return Batch(
            self.images[start:stop],
            self.index[start:stop],
            self.frame[start:stop],
            None if self.occurrence is None else self.occurrence[start:stop],
        )

    def split(self, parts: int) -> Sequence[Batch]:
        """Micro-batches of equal size; `parts` must divide the batch."""
        size = len(self) // parts
        return [self.rows(i * size, (i + 1) * size) for i in range(parts)]

    def to(self, device: torch.device) -> Batch:
        """The batch on another device."""
        if self.images.device == device:
            return self
        occurrence = self.occurrence
        return Batch(
            self.images.to(device, non_blocking=True),
            self.index.to(device, non_blocking=True),
            self.frame.to(device, non_blocking=True),
            None if occurrence is None else occurrence.to(device, non_blocking=True),
        )

    @staticmethod
    def of(images: Tensor, index: Tensor | None = None) -> Batch:
        """A batch of whole images, uint8 [B,C,H,W], without padding; indices 0..B-1 by default."""
        count, _, height, width = images.shape
        if index is None:
            index = torch.arange(count, device=images.device)
        frame = torch.tensor([0.0, 0.0, width, height], device=images.device).repeat(count, 1)
        return Batch(images.contiguous(memory_format=torch.channels_last), index, frame)


@dataclass(frozen=True, slots=True)
class Step:
    """Everything else that a loss may depend on.

    Args:
        number: optimizer updates done so far.
        total: updates of the whole run.
        epoch: from 0.
        index: int64 [B] of this micro-batch.
        draw: random numbers of this micro-batch and turn.
        player: whose turn it is.
    """

    number: int
    total: int
    epoch: int
    index: Tensor
    draw: Draw
    player: str = "all"

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        return self.number / self.total if self.total else 0.0


@dataclass(slots=True)
class Out:
    """What a forward hands back.

    Args:
        loss: scalar, mean over the local batch.
        terms: detached scalars to log.
        embedding: [n, d], for the collapse monitor.
        collapsed: the loss's value if all embeddings were equal, in closed form.
        keep: detached tensors for `after_batch`; they also join the views of the players that
            come after on the same batch.
    """

    loss: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)
    embedding: Tensor | None = None
    collapsed: float | None = None
    keep: dict[str, Tensor] = field(default_factory=dict)
