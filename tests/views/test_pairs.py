from __future__ import annotations

import torch

from presight import views
from presight.core.batch import Batch
from presight.core.draw import Draw
from presight.views.pairs import BYOLPair, MoCoV1Pair, MoCoV2Pair, SimCLRPair

from .pictures import pictures


def test_simclr_below_64_pixels_has_half_strength_and_no_blur() -> None:
    small, large = SimCLRPair().sized(32), SimCLRPair().sized(96)
    assert (small.strength, small.blur) == (0.5, (0.0, 0.0))
    assert (large.strength, large.blur) == (1.0, (0.5, 0.5))
    assert small.scale == (0.08, 1.0)
    kept = SimCLRPair(strength=0.7, blur=(0.1, 0.2)).sized(32)
    assert (kept.strength, kept.blur) == (0.7, (0.1, 0.2))


def test_strength_scales_the_color_ranges() -> None:
    batch = Batch.of(pictures(2000, 4, 4))
    draw = Draw(0, 0, batch.index)
    jitter = SimCLRPair().sized(32).one(batch, draw, 32).jitter
    assert jitter is not None
    assert 0.6 <= jitter.brightness.min() < 0.62
    assert 1.38 < jitter.brightness.max() <= 1.4
    assert 0.095 < jitter.hue.max() <= 0.1


def test_moco_v2_differs_from_v1_by_blur_hue_probability_and_order_of_gray() -> None:
    first, second = MoCoV1Pair().sized(224), MoCoV2Pair().sized(224)
    assert first.scale == second.scale == (0.2, 1.0)
    assert first.color == (0.4, 0.4, 0.4, 0.4)
    assert second.color == (0.4, 0.4, 0.4, 0.1)
    assert (first.jitter, second.jitter) == (1.0, 0.8)
    assert (first.blur, second.blur) == ((0.0, 0.0), (0.5, 0.5))
    assert (first.early_gray, second.early_gray) == (True, False)


def test_byol_treats_the_views_differently() -> None:
    recipe = BYOLPair().sized(224)
    assert recipe.blur == (1.0, 0.1)
    assert recipe.solarize == (0.0, 0.2)
    batch = Batch.of(pictures(400, 8, 8))
    draw = Draw(0, 0, batch.index)
    second = recipe.one(batch, draw.fork("view1"), 224, blur=0.1, solarize=0.2)
    assert second.solarize is not None
    assert 0.1 < second.solarize.float().mean() < 0.3


def test_the_views_of_a_sample_are_independent_and_crop_major() -> None:
    batch = Batch.of(pictures(4, 40, 40))
    made = views.recipe("simclr", size=32)(batch, Draw(0, 0, batch.index))["views"]
    first, second = made.chunk(2)
    assert made.shape == (8, 3, 32, 32)
    assert all(not torch.equal(a, b) for a, b in zip(first, second, strict=True))
    alone = views.recipe("simclr", size=32)(batch.rows(2, 3), Draw(0, 0, batch.index[2:3]))
    assert torch.equal(alone["views"], made[[2, 6]])
