from __future__ import annotations

import torch

from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.views.multicrop import DINOCrops, SwAVCrops

from .pictures import pictures


def test_constants_of_the_papers() -> None:
    swav, dino = SwAVCrops().sized(224), DINOCrops().sized(224)
    assert (swav.scale, swav.small_scale) == ((0.14, 1.0), (0.05, 0.14))
    assert (dino.scale, dino.small_scale) == ((0.4, 1.0), (0.05, 0.4))
    assert (swav.small_count, dino.small_count) == (6, 8)
    assert swav.small_size == dino.small_size == 96
    assert swav.color == (0.8, 0.8, 0.8, 0.2)
    assert dino.color == (0.4, 0.4, 0.2, 0.1)
    assert (swav.blur, dino.blur) == ((0.5, 0.5, 0.5), (1.0, 0.1, 0.5))
    assert dino.solarize == (0.0, 0.2, 0.0)


def test_sizes_and_counts() -> None:
    batch = Batch.of(pictures(3, 64, 64))
    made = SwAVCrops(small_count=2).sized(64)(batch, Draw(0, 0, batch.index))
    assert made["views"].shape == (6, 3, 64, 64)
    assert made["small"].shape == (6, 3, 27, 27)
    none = SwAVCrops(small_count=0).sized(32)(batch, Draw(0, 0, batch.index))
    assert set(none) == {"views"}


def test_local_crops_are_small_parts() -> None:
    """On a ramp the range of a view's values is the width of its crop."""
    ramp = torch.arange(0, 256, 4, dtype=torch.uint8).expand(20, 3, 64, 64).contiguous()
    batch = Batch.of(ramp)
    recipe = SwAVCrops(ratio=(1.0, 1.0), jitter=0.0, gray=0.0, blur=(0.0, 0.0, 0.0)).sized(64)
    made = recipe(batch, Draw(0, 0, batch.index))

    def widths(views: torch.Tensor) -> torch.Tensor:
        return (views.amax((1, 2, 3)) - views.amin((1, 2, 3))) * 255 / 4 + 1

    assert widths(made["small"]).max() <= 64 * 0.14**0.5 + 1
    assert widths(made["small"]).min() >= 64 * 0.05**0.5 - 2
    assert widths(made["views"]).min() >= 64 * 0.14**0.5 - 1


def test_local_crops_differ_from_each_other() -> None:
    batch = Batch.of(pictures(1, 64, 64))
    made = DINOCrops().sized(64)(batch, Draw(0, 0, batch.index))["small"]
    assert len({tuple(view.flatten().tolist()) for view in made}) == len(made) == 8
    assert torch.isfinite(made).all()
