from __future__ import annotations

import torch

from presight.views import patches


def test_patches_are_cut_where_their_corners_are() -> None:
    images = torch.rand(2, 3, 10, 12)
    corners = torch.tensor([[[0, 0], [8, 6]], [[3, 1], [5, 2]]])
    cut = patches.cut(images, corners, 4)
    assert cut.shape == (4, 3, 4, 4)
    assert torch.equal(cut[0], images[0, :, :4, :4])
    assert torch.equal(cut[2], images[0, :, 6:10, 8:12])
    assert torch.equal(cut[1], images[1, :, 1:5, 3:7])


def test_grid_corners_respect_gap_and_jitter() -> None:
    offset = torch.randint(0, 22, (200, 9, 2))
    corners = patches.grid_corners(255, 3, 0, offset)
    side = patches.patch_side(255, 3, 0, 21)
    assert side == 64
    grid = corners.view(200, 3, 3, 2)
    space = grid[:, :, 1:, 0] - grid[:, :, :-1, 0] - side
    assert space.min() >= 0
    assert space.max() <= 42
    assert corners.min() >= 0
    assert (corners + side).max() <= 255


def test_the_gap_is_the_least_distance() -> None:
    side = patches.patch_side(30, 3, 3, 2)
    for extreme in ([2, 0], [0, 2]):
        offset = torch.tensor([[[extreme[0]] * 2, [extreme[1]] * 2] * 4 + [[0, 0]]])
        grid = patches.grid_corners(30, 3, 3, offset).view(3, 3, 2)
        space = grid[:, 1:, 0] - grid[:, :-1, 0] - side
        assert space.min() >= 3
    widest = patches.grid_corners(30, 3, 3, torch.full((1, 9, 2), 2))
    assert (widest + side).max() <= 30


def test_standardize_floors_the_deviation() -> None:
    flat = torch.full((1, 3, 4, 4), 0.7)
    assert patches.standardize(flat).abs().max() < 1e-4
