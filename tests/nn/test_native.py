"""ResNet-9."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.nn.native import IMAGENET_MEAN, IMAGENET_STD, ResNet9, normalize_for


@pytest.mark.parametrize("width", [3, 8])
def test_stages_have_the_promised_shapes(width: int) -> None:
    net = ResNet9(width)
    maps = net.stages(torch.rand(2, 3, 32, 32))
    assert [m.shape[1] for m in maps] == list(net.stage_dims) == [width * k for k in (1, 2, 4, 8)]
    assert [m.shape[2] for m in maps] == [32, 16, 8, 4]
    assert net(torch.rand(2, 3, 32, 32)).shape == (2, net.dim)


def test_parameters_in_closed_form() -> None:
    width, convolutions = 5, [(3, 1), (1, 2), (2, 2), (2, 2), (2, 4), (4, 8), (8, 8), (8, 8)]
    weights = 9 * width * 3 * 1 + sum(9 * a * b * width**2 for a, b in convolutions[1:])
    norms = 2 * width * sum(b for _, b in convolutions)
    assert sum(p.numel() for p in ResNet9(width).parameters()) == weights + norms


def test_normalization_comes_first_and_is_not_saved() -> None:
    net = ResNet9(2).eval()
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    assert net.normalize(mean).abs().max() < 1e-6
    assert torch.allclose(
        net.normalize(mean + torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)),
        torch.ones(1),
        atol=1e-5,
    )
    assert not any(key.startswith("normalize") for key in net.state_dict())
    direct = net.trunk.maps(net.normalize(mean))[-1]
    assert torch.equal(direct, net.stages(mean)[-1])


def test_other_channels_and_norms() -> None:
    net = ResNet9(2, in_channels=2, norm=lambda c: nn.GroupNorm(1, c))
    assert net(torch.rand(1, 2, 16, 16)).shape == (1, 16)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    assert torch.allclose(normalize_for(1)(torch.full((1, 1, 2, 2), 0.75)), torch.ones(1))


def test_residual_with_silent_branch_is_identity() -> None:
    net = ResNet9(2).eval()
    residual = net.trunk.stage1[2]
    nn.init.zeros_(residual.second[1].weight)
    maps = torch.rand(1, 4, 8, 8)
    assert torch.equal(residual(maps), maps)
