from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torchvision.transforms import RandomResizedCrop

from presight.core.draw import Draw
from presight.views import params

MANY = 4000
SURE = 1e-4
"""A statistical test with fixed seeds fails below this probability."""


def _draw(count: int = MANY, seed: int = 0) -> Draw:
    return Draw(seed, 0, torch.arange(count))


def _frame(width: float, height: float, count: int = MANY) -> torch.Tensor:
    return torch.tensor([0.0, 0.0, width, height]).repeat(count, 1)


@pytest.mark.parametrize(("width", "height"), [(96, 96), (120, 80), (40, 100)])
def test_crops_are_distributed_as_torchvisions(width: int, height: int) -> None:
    scale, ratio = (0.08, 1.0), (3 / 4, 4 / 3)
    boxes = params.crop_boxes(_draw(), _frame(width, height), scale, ratio)
    torch.manual_seed(0)
    blank = torch.empty(3, height, width)
    theirs = np.array(
        [RandomResizedCrop.get_params(blank, list(scale), list(ratio)) for _ in range(MANY)]
    )
    top, left, tall, wide = theirs.T
    x0, y0, x1, y1 = boxes.double().numpy().T
    pairs = {
        "area": ((x1 - x0) * (y1 - y0), tall * wide),
        "ratio": ((x1 - x0) / (y1 - y0), wide / tall),
        "left": (x0, left),
        "top": (y0, top),
    }
    for name, (ours, reference) in pairs.items():
        assert ks_2samp(ours, reference).pvalue > SURE, name


def test_crops_lie_in_the_frame_on_whole_pixels() -> None:
    frame = torch.tensor([7.0, 3.0, 60.0, 45.0]).repeat(MANY, 1)
    boxes = params.crop_boxes(_draw(), frame, (0.01, 1.0), (0.2, 5.0))
    assert torch.equal(boxes, boxes.round())
    assert (boxes[:, :2] >= frame[:, :2]).all()
    assert (boxes[:, 2:] <= frame[:, 2:]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (100.0, 10.0, [43.0, 0.0, 56.0, 10.0]),
        (10.0, 100.0, [0.0, 43.0, 10.0, 56.0]),
    ],
)
def test_where_no_try_fits_the_largest_central_crop_is_taken(
    width: float, height: float, expected: list[float]
) -> None:
    boxes = params.crop_boxes(_draw(5), _frame(width, height, 5), (1.0, 1.0), (3 / 4, 4 / 3))
    assert boxes.tolist() == [expected] * 5


def test_a_crop_has_a_pixel_even_where_the_ratio_leaves_none() -> None:
    for ratio, frame in (((0.01, 0.02), (20.0, 20.0)), ((50.0, 99.0), (20.0, 20.0))):
        boxes = params.crop_boxes(_draw(9), _frame(*frame, 9), (0.5, 1.0), ratio)
        assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize("probability", [0.1, 0.5, 1.0])
def test_chances_are_as_often_as_said(probability: float) -> None:
    hits = params.chance(_draw(), "flip", probability)
    assert hits is not None
    spread = math.sqrt(probability * (1 - probability) / MANY)
    assert abs(float(hits.float().mean()) - probability) <= 4 * spread
    assert params.chance(_draw(2), "flip", 0.0) is None


def test_the_center_is_the_largest_central_square() -> None:
    frame = torch.tensor([[0.0, 0.0, 10.0, 7.0], [2.0, 4.0, 8.0, 14.0]])
    assert params.center_boxes(frame).tolist() == [[1.0, 0.0, 8.0, 7.0], [2.0, 6.0, 8.0, 12.0]]


def test_jitter_is_uniform_in_its_range_and_applied_as_often_as_said() -> None:
    drawn = params.jitter(_draw(), (0.4, 0.3, 0.2, 0.1), 0.8)
    assert drawn is not None
    on = drawn.brightness != 1.0
    assert abs(float(on.float().mean()) - 0.8) < 4 * math.sqrt(0.16 / MANY)
    assert torch.equal(on, drawn.hue != 0.0)
    for values, low, width in (
        (drawn.brightness, 0.6, 0.8),
        (drawn.contrast, 0.7, 0.6),
        (drawn.saturation, 0.8, 0.4),
        (drawn.hue, -0.1, 0.2),
    ):
        assert kstest(values[on].numpy(), "uniform", (low, width)).pvalue > SURE


def test_a_width_above_one_never_makes_a_factor_negative() -> None:
    drawn = params.jitter(_draw(), (1.5, 1.5, 1.5, 0.0))
    assert drawn is not None
    assert drawn.brightness.min() >= 0.0
    assert drawn.brightness.max() > 2.4


def test_the_order_of_the_jitter_is_uniform() -> None:
    drawn = params.jitter(_draw(), (0.4, 0.4, 0.4, 0.1))
    assert drawn is not None
    number = (drawn.order * torch.tensor([64, 16, 4, 1])).sum(1)
    _, counts = number.unique(return_counts=True)
    assert len(counts) == 24
    assert ((counts - MANY / 24).abs() < 5 * math.sqrt(MANY / 24)).all()


def test_no_jitter_without_probability_or_width() -> None:
    assert params.jitter(_draw(2), (0.4, 0.4, 0.4, 0.1), 0.0) is None
    assert params.jitter(_draw(2), (0.0, 0.0, 0.0, 0.0)) is None


def test_blur_as_often_as_said_and_uniform() -> None:
    sigma = params.blur_sigma(_draw(), 0.3, (0.1, 2.0))
    on = sigma > 0
    assert abs(float(on.float().mean()) - 0.3) < 4 * math.sqrt(0.21 / MANY)
    assert kstest(sigma[on].numpy(), "uniform", (0.1, 1.9)).pvalue > SURE


def test_warps_stay_in_their_ranges() -> None:
    matrices = params.warps(_draw(), 32, 10.0, 0.1, (0.8, 1.25))
    assert matrices is not None
    inverse = matrices[:, :, :2].double()
    zoom = torch.linalg.det(inverse).rsqrt()
    degrees = torch.rad2deg(torch.atan2(inverse[:, 0, 1], inverse[:, 0, 0]))
    moved = -torch.linalg.solve(inverse, matrices[:, :, 2].double())
    assert kstest(zoom.numpy(), "uniform", (0.8, 0.45)).pvalue > SURE
    assert kstest(degrees.numpy(), "uniform", (-10, 20)).pvalue > SURE
    assert kstest(moved.flatten().numpy(), "uniform", (-3.2, 6.4)).pvalue > SURE
    assert params.warps(_draw(2), 32, 0.0, 0.0, (1.0, 1.0)) is None


def test_cutout_is_a_square_cut_at_the_border() -> None:
    boxes = params.cutout_boxes(_draw(), 16, 0.5)
    assert boxes is not None
    sides = boxes[:, 2:] - boxes[:, :2]
    assert sides.max() == 8
    assert sides.min() >= 4
    assert boxes.min() >= 0
    assert boxes.max() <= 16


def test_the_center_of_a_cutout_is_uniform() -> None:
    boxes = params.cutout_boxes(_draw(), 8, 0.01 + 1 / 8)
    assert boxes is not None
    assert (boxes[:, 2:] - boxes[:, :2] == 1).all()
    counts = torch.bincount(8 * boxes[:, 1] + boxes[:, 0], minlength=64)
    assert ((counts - MANY / 64).abs() < 5 * math.sqrt(MANY / 64)).all()


def test_shifts_cover_their_range_evenly() -> None:
    by = params.shifts(_draw(), 4)
    assert by is not None
    values, counts = by.unique(return_counts=True)
    assert values.tolist() == list(range(-4, 5))
    assert ((counts - 2 * MANY / 9).abs() < 5 * math.sqrt(2 * MANY / 9)).all()


def test_a_row_does_not_depend_on_the_other_rows() -> None:
    frame = torch.rand(50, 4) * 5 + torch.tensor([0.0, 0.0, 60.0, 50.0])
    frame = frame.round()
    index = torch.arange(50) * 7
    draw = Draw(3, 2, index)
    whole = params.crop_boxes(draw, frame, (0.08, 1.0), (0.75, 4 / 3))
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))[:13]
    part = params.crop_boxes(Draw(3, 2, index[order]), frame[order], (0.08, 1.0), (0.75, 4 / 3))
    assert torch.equal(part, whole[order])


def test_stacked_and_moved_parameters_keep_every_step() -> None:
    draw, frame = _draw(3), _frame(32, 32, 3)
    one = params.ViewParams(
        boxes=params.center_boxes(frame),
        flip=torch.tensor([True, False, True]),
        jitter=params.jitter(draw, (0.4, 0.4, 0.4, 0.1)),
        rand_augment=params.RandAugment(torch.zeros(3, 2, dtype=torch.long), torch.ones(3, 2)),
        sigma=torch.ones(3),
    )
    two = params.moved(params.stack([one, one]), "cpu")
    assert len(two) == 6
    assert two.flip is not None
    assert two.flip.tolist() == [True, False, True] * 2
    assert two.jitter is not None
    assert two.jitter.order.shape == (6, 4)
    assert two.rand_augment is not None
    assert two.rand_augment.value.shape == (6, 2)
    assert two.gray is None


def test_a_crop_reaches_both_borders_equally_often() -> None:
    boxes = params.crop_boxes(_draw(), _frame(4, 4), (0.25, 0.25), (1.0, 1.0))
    places, counts = boxes[:, :2].unique(return_counts=True)
    assert places.tolist() == [0.0, 1.0, 2.0]
    assert ((counts - 2 * MANY / 3).abs() < 5 * math.sqrt(2 * MANY / 3)).all()
