"""Where the features that heads learn from come from: a cache, or one forward a batch."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.core.recipe import Recipe
from presight.data.canvas import Images
from presight.data.loader import ahead


class Feed(Protocol):
    """Where features of rows come from."""

    def learn(self, batches: Sequence[Tensor], epoch: int) -> Generator[Tensor, None, None]:
        """Features [b, d] of each batch of rows int64 [b], as an epoch of learning sees them."""
        ...

    def measure(self, rows: Tensor) -> Tensor:
        """Features [b, d] of rows int64 [b], as they are measured."""
        ...


@dataclass(frozen=True)
class Cached:
    """Features that were computed once.

    Args:
        features: float [N, d].
    """

    features: Tensor

    def learn(self, batches: Sequence[Tensor], epoch: int) -> Generator[Tensor, None, None]:
        """The same in every epoch."""
        for rows in batches:
            yield self.measure(rows)

    def measure(self, rows: Tensor) -> Tensor:
        """Features [b, d] of rows int64 [b]."""
        return self.features[rows.to(self.features.device)]


@dataclass(frozen=True)
class Forwarded:
    """Features of new views in every epoch, from one forward a batch that serves all heads.

    Args:
        backbone: on the device that does the work; is put into evaluation mode, and not changed.
        images: of the labelled set.
        augmented: makes `view` for learning, as the published random crop and flip.
        plain: makes `view` for measuring, as the center crop.
        seed: of the augmented views.
    """

    backbone: Backbone
    images: Images
    augmented: Recipe
    plain: Recipe
    seed: int = 0

    def learn(self, batches: Sequence[Tensor], epoch: int) -> Generator[Tensor, None, None]:
        """Features of views that the seed, the epoch and the row decide; images one batch ahead."""
        with contextlib.closing(ahead(self._images, batches, self._device)) as made:
            for batch in made:
                yield self._features(batch, self.augmented, epoch)

    def measure(self, rows: Tensor) -> Tensor:
        """Features [b, d] of the plain views."""
        return self._features(self._images(rows).to(self._device), self.plain, 0)

    @property
    def _device(self) -> torch.device:
        return next(itertools.chain(self.backbone.parameters(), self.backbone.buffers())).device

    def _images(self, rows: Tensor) -> Batch:
        return self.images.batch(rows.cpu())

    def _features(self, batch: Batch, recipe: Recipe, epoch: int) -> Tensor:
        with torch.no_grad():
            view = recipe(batch, Draw(self.seed, epoch, batch.index))["view"]
            found: Tensor = self.backbone.eval()(view.to(self._device))
        return found
