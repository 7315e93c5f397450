from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from presight.evaluation.tasks.centernet import (
    CenterNet,
    decoded,
    focal,
    losses,
    middles,
    radii,
)


def perfect(
    boxes: Tensor, label: Tensor, owner: Tensor, count: int, classes: int, size: int
) -> tuple[Tensor, Tensor]:
    """Maps that say exactly these boxes, in cells."""
    middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    cell = middle.floor().long()
    heat = torch.full((count, classes, size, size), -20.0)
    shape = torch.zeros(count, 4, size, size)
    heat[owner, label, cell[:, 1], cell[:, 0]] = 8.0 - torch.arange(len(boxes))
    told = torch.cat([(extent / size / 0.3).log(), middle - cell], 1)
    shape[owner, :, cell[:, 1], cell[:, 0]] = told
    return heat, shape


BOXES = torch.tensor([[1.0, 2, 6, 5.5], [4, 0, 12, 9], [3.25, 3, 5, 12]])
LABEL, OWNER = torch.tensor([0, 2, 2]), torch.tensor([0, 0, 1])


def test_what_is_learned_is_what_is_read() -> None:
    heat, shape = perfect(BOXES, LABEL, OWNER, 2, 3, 12)
    first, second = decoded(heat, shape)
    assert first.boxes[:2] * 12 == pytest.approx(BOXES[:2].numpy(), abs=1e-4)
    assert first.labels[:2].tolist() == [0, 2]
    assert second.boxes[:1] * 12 == pytest.approx(BOXES[2:].numpy(), abs=1e-4)
    assert first.scores[1] > 0.99 > 0.01 > first.scores[2]
    told = losses(heat, shape, BOXES, LABEL, OWNER)
    assert told["sizes"] == pytest.approx(0.0, abs=1e-5)
    assert told["offsets"] == pytest.approx(0.0, abs=1e-5)
    assert told["middles"] < 1e-3


@pytest.mark.parametrize("row", range(3))
def test_a_corner_within_the_radius_keeps_seven_tenths_of_overlap(row: int) -> None:
    """The three ways of moving both corners; one of them fails a little beyond the radius."""
    extent = torch.tensor([[30.0, 40.0], [100.0, 20.0], [64.0, 64.0]])[row : row + 1]
    radius = radii(extent).item()
    assert radius >= 1
    box = torch.cat([torch.zeros(1, 2), extent], 1)

    def least(far: float) -> float:
        moves = torch.tensor([[far, far, far, far], [far, far, -far, -far], [-far, -far, far, far]])
        return box_iou(box, box + moves).min().item()

    assert least(radius) >= 0.7
    assert least(radius + 1) < 0.7


def test_the_wanted_heat_is_a_bell_of_each_class() -> None:
    cell, extent = torch.tensor([[3.0, 2.0], [5.0, 2.0]]), torch.tensor([[20.0, 20.0]] * 2)
    same = middles(cell, extent, torch.tensor([1, 1]), torch.tensor([0, 0]), (1, 2, 8, 8))
    assert same[0, 0].sum() == 0
    assert same[0, 1, 2, 3] == same[0, 1, 2, 5] == 1
    spread = (2 * radii(extent)[0].item() + 1) / 6
    assert same[0, 1, 2, 4] == pytest.approx(math.exp(-1 / (2 * spread**2)))
    assert same[0, 1, 6, 3] == pytest.approx(math.exp(-16 / (2 * spread**2)))
    assert (same <= 1).all()


def test_the_focal_loss_by_hand() -> None:
    heat = torch.tensor([0.0, math.log(3), -math.log(3)]).view(1, 1, 1, 3)
    target = torch.tensor([1.0, 0.5, 0.0]).view(1, 1, 1, 3)
    at = 0.25 * math.log(2)
    near = 0.5**4 * 0.75**2 * math.log(4)
    far = 0.25**2 * -math.log(0.75)
    assert focal(heat, target).item() == pytest.approx(at + near + far)


def test_nothing_in_the_views_is_a_loss_too() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    told = losses(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4, 4), torch.zeros(0, 4), none, none)
    assert told["sizes"] == told["offsets"] == 0
    assert told["middles"] > 0


@pytest.mark.parametrize("side", [32, 36, 50, 64])
def test_any_maps_become_one_of_a_quarter_of_the_side(side: int) -> None:
    torch.manual_seed(0)
    net = CenterNet((4, 6, 8), 5)
    maps = [torch.randn(2, dim, size, size) for dim, size in ((4, side), (6, side // 3), (8, 1))]
    heat, shape = net(maps, side)
    size = round(side / 4)
    assert heat.shape == (2, 5, size, size)
    assert shape.shape == (2, 4, size, size)
    assert 0.05 < heat.sigmoid().mean() < 0.2


def test_only_what_is_highest_around_it_is_an_object() -> None:
    heat = torch.full((1, 1, 5, 5), -9.0)
    heat[0, 0, 2, 1:4] = torch.tensor([1.0, 2.0, 1.5])
    scores = decoded(heat, torch.zeros(1, 4, 5, 5))[0].scores
    assert (scores > 0.5).sum() == 1
    assert scores[0] == pytest.approx(torch.tensor(2.0).sigmoid().item())


def test_the_extreme_of_what_is_told_stays_within_the_view() -> None:
    found = decoded(torch.zeros(1, 1, 2, 2), torch.full((1, 4, 2, 2), 90.0))[0]
    assert (found.boxes >= 0).all()
    assert (found.boxes <= 1).all()
