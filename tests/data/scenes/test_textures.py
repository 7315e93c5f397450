from __future__ import annotations

import pytest
import torch

from presight.data.scenes import textures
from presight.data.scenes.textures import COUNT, LEVELS, SIDE, TEXELS, texture, weights


def finest(number: int) -> torch.Tensor:
    return texture(number)[:, : SIDE * SIDE].view(2, SIDE, SIDE)


@pytest.mark.parametrize("family", range(10))
def test_maps_are_weights_that_vary_and_repeat_without_a_seam(family: int) -> None:
    for number in range(family, COUNT, 40):
        whole = texture(number)
        assert whole.shape == (2, TEXELS)
        assert whole.min() >= 0
        assert whole.max() <= 1
        first = finest(number)[0]
        assert first.std() > 0.08
        for axis in (0, 1):
            steps = (first - first.roll(1, axis)).abs().mean(1 - axis)
            assert steps[0] <= 1.5 * steps[1:].max() + 0.02


def test_maps_differ() -> None:
    assert len({texture(number)[:, :4096].numpy().tobytes() for number in range(COUNT)}) == COUNT


def test_smaller_sizes_are_means() -> None:
    whole = texture(3)
    begin = 0
    for level in range(LEVELS):
        side = SIDE >> level
        part = whole[:, begin : begin + side * side]
        torch.testing.assert_close(part.mean(1), whole[:, : SIDE * SIDE].mean(1), atol=1e-5, rtol=0)
        begin += side * side
    assert begin == TEXELS


def test_weights_at_texels_are_the_texels_and_between_them_their_mean() -> None:
    maps = torch.cat([texture(0), texture(5)], 1)
    which, level = torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0])
    u = (torch.tensor([7.0, 7.5, 7.0]) + 0.5) / SIDE
    v = (torch.tensor([9.0, 9.0, 9.0 + 3 * SIDE]) + 0.5) / SIDE
    found = weights(maps, which, level, u, v)
    image = finest(5)
    torch.testing.assert_close(found[:, 0], image[:, 9, 7])
    torch.testing.assert_close(found[:, 1], (image[:, 9, 7] + image[:, 9, 8]) / 2)
    torch.testing.assert_close(found[:, 2], image[:, 9, 7], atol=1e-3, rtol=0)
    edge = weights(maps, which[:1], level[:1], torch.ones(1), torch.ones(1))
    corners = (image[:, 0, 0] + image[:, -1, 0] + image[:, 0, -1] + image[:, -1, -1]) / 4
    torch.testing.assert_close(edge[:, 0], corners)


@pytest.mark.parametrize("level", range(LEVELS))
def test_every_level_is_found(level: int) -> None:
    side = SIDE >> level
    before = sum((SIDE >> k) ** 2 for k in range(level))
    one = torch.tensor([0])
    found = weights(
        texture(2), one, one + level, torch.tensor([0.5 / side]), torch.tensor([1.5 / side])
    )
    torch.testing.assert_close(found[:, 0], texture(2)[:, before + side])


def test_a_map_is_the_same_again() -> None:
    first = texture(11).clone()
    textures.texture.cache_clear()
    assert torch.equal(first, texture(11))
