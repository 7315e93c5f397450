"""Features of the rows of an evaluation: backbones, and raw pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.evaluation.features import Progress, backbone_digest, cached, extract, raw_pixels
from presight.evaluation.labelled import Division, LabelledImages

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.core.recipe import Recipe
    from presight.data.canvas import Images

RAW_PIXELS = "raw pixels"
_FEW = 5000  # training images up to which raw pixels are of 32 pixels a side, not 16


@dataclasses.dataclass(frozen=True)
class Options:
    """How features are made and probed: `measure` says what each is."""

    size: int
    seed: int
    device: torch.device
    cache: Path | None
    thorough: bool
    batch_size: int
    views: Recipe | None
    progress: Progress | None

    def extract(self, backbone: Backbone, images: Images) -> Tensor:
        """Features float32 [N, dim] of a backbone, made in this way."""
        return extract(
            backbone,
            images,
            size=self.size,
            device=self.device,
            batch_size=self.batch_size,
            views=self.views,
            progress=self.progress,
        )


@dataclasses.dataclass(frozen=True)
class Features:
    """A row's features of the training part and of the test part.

    Args:
        row: whose.
        train: float32 [n, d].
        test: float32 [q, d].
        details: what they are, plain JSON.
    """

    row: str
    train: Tensor
    test: Tensor
    details: dict[str, Any]


def _features(
    row: str,
    key: str,
    split: Division,
    side: int,
    options: Options,
    compute: Callable[[Images], Tensor],
) -> Features:
    """Features of both parts; a set that is both is computed once."""
    view = "center" if options.views is None else repr(options.views)

    def of(part: LabelledImages) -> Tensor:
        return cached(
            key, part.fingerprint, side, options.cache, lambda: compute(part.images), view=view
        )

    bank = of(split.train)
    queries = bank if split.test is split.train else of(split.test)
    details = {"features": key, "view": view, "size": side, "dim": bank.shape[1]}
    return Features(row, bank[split.train_rows], queries[split.test_rows], details)


def of_backbone(row: str, backbone: Backbone, split: Division, options: Options) -> Features:
    """Features of a backbone."""
    compute = partial(options.extract, backbone)
    return _features(row, backbone_digest(backbone), split, options.size, options, compute)


def of_pixels(split: Division, options: Options) -> Features:
    """The pixels of small views."""
    side = 32 if len(split.train_rows) <= _FEW else 16
    return _features(
        RAW_PIXELS,
        "raw-pixels",
        split,
        side,
        options,
        lambda images: raw_pixels(images, side, views=options.views),
    )
