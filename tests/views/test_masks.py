from __future__ import annotations

import torch

from presight.views import masks


def test_center_mask_is_a_central_square() -> None:
    mask = masks.center_mask(2, 8, 4, torch.device("cpu"))
    assert mask.shape == (2, 8, 8)
    assert mask[0, 2:6, 2:6].all()
    assert mask.sum() == 2 * 16


def test_blocks_are_whole_and_inside() -> None:
    corners = torch.tensor([[[0.0, 0.99]], [[0.5, 0.0]]])
    mask = masks.block_mask(corners, torch.tensor([[3], [4]]), 8)
    assert mask[0, 5:8, 0:3].all()
    assert mask[0].sum() == 9
    assert mask[1, 0:4, 2:6].all()
    assert mask[1].sum() == 16


def test_lowest_names_the_lowest_scores_in_order_of_place() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.5, 0.2]])
    assert masks.lowest(scores, 2).tolist() == [[1, 3]]
    assert masks.hidden(masks.lowest(scores, 2), 4).tolist() == [[True, False, True, False]]


def test_smooth_scores_are_smooth() -> None:
    noise = torch.rand(4, 2, 2)
    wide = masks.smooth_scores(noise, 16)
    assert wide.shape == (4, 16, 16)
    assert wide.diff(dim=2).abs().max() < 0.25
