from __future__ import annotations

import torch

from presight.views import batched
from presight.views.params import ViewParams

from .pictures import pictures


def test_steps_run_in_the_order_of_the_fields() -> None:
    """Solarizing a gray picture is not graying a solarized one; the hole is cut last."""
    images = pictures(1, 16, 16)
    yes = torch.ones(1, dtype=torch.bool)
    params = ViewParams(
        boxes=torch.tensor([[0.0, 0.0, 16.0, 16.0]]),
        gray=yes,
        solarize=yes,
        cutout=torch.tensor([[0, 0, 4, 4]]),
    )
    view = batched.render(images, params, 16)[0]
    assert (view[:, :4, :4] == 0.5).all()
    gray = torch.einsum("chw,c->hw", images[0] / 255.0, torch.tensor([0.299, 0.587, 0.114]))
    expected = torch.where(gray >= 0.5, 1.0 - gray, gray)
    torch.testing.assert_close(view[0, 4:], expected[4:], atol=1e-5, rtol=0)


def test_crops_are_stacked_crop_major() -> None:
    images = pictures(2, 12, 12)
    low, high = [0.0, 0.0, 6.0, 6.0], [6.0, 6.0, 12.0, 12.0]
    views = batched.render(images, ViewParams(boxes=torch.tensor([low, low, high, high])), 6)
    for number, view in enumerate(views):
        start = 0 if number < 2 else 6
        part = images[number % 2, :, start : start + 6, start : start + 6] / 255.0
        torch.testing.assert_close(view, part)


def test_views_are_in_range() -> None:
    """Weights of a resampling filter sum to 1 but for rounding, so white could be above 1."""
    images = torch.full((4, 3, 20, 20), 255, dtype=torch.uint8)
    boxes = torch.tensor([[0.0, 0.0, 20.0, 20.0]]).repeat(4, 1)
    views = batched.render(images, ViewParams(boxes=boxes, sigma=torch.ones(4)), 33)
    assert views.min() > 0.999
    assert views.max() <= 1.0


def test_a_callers_autocast_does_not_change_views() -> None:
    images = pictures(2, 24, 24)
    boxes = torch.tensor([[2.0, 1.0, 20.0, 23.0]]).repeat(2, 1)
    params = ViewParams(boxes=boxes, gray=torch.tensor([True, False]), sigma=torch.ones(2))
    plain = batched.render(images, params, 16)
    with torch.autocast("cpu", torch.bfloat16):
        cast = batched.render(images, params, 16)
    assert torch.equal(plain, cast)
