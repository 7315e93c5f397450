from __future__ import annotations

from functools import partial

import torch

from evaluation.doubles import Pictures, Small, Whole
from presight.evaluation.features import extract
from presight.evaluation.stages import QUICK, normalized, side_of, stage_features
from presight.nn.backbones import encoders


def test_widths_of_a_resnet50_are_those_of_published_probes() -> None:
    """At 224 pixels kernels of 10, 16, 13, 8 and 6 give the same sides."""
    channels = (64, 256, 512, 1024, 2048)
    widths = [c * side_of(c) ** 2 for c in channels]
    assert widths == [9216, 9216, 8192, 9216, 8192]


def test_a_wide_stage_keeps_one_place() -> None:
    assert side_of(100_000) == 1


def test_features_are_the_maps_means_of_the_rows_asked_for() -> None:
    """With one place a stage's features are its map's mean, and the last one's the output."""
    torch.manual_seed(0)
    net = Small().eval()
    pixels = torch.randint(0, 256, (10, 3, 8, 8), dtype=torch.uint8)
    rows = torch.tensor([7, 2, 9])
    found = stage_features(net, Pictures(pixels), rows, 1, partial(extract, size=8, views=Whole()))
    with torch.no_grad():
        maps = net.stages(pixels[rows].float() / 255)
    assert len(found) == len(maps) == len(net.stage_dims)
    for one, expected in zip(found, maps, strict=True):
        assert torch.allclose(one, expected.mean((2, 3)), atol=1e-5)


def test_pooled_features_have_their_width_at_any_image_size() -> None:
    net = encoders("resnet9:8", image_size=16)().eval()
    pixels = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    whole = partial(extract, size=16, views=Whole())
    found = stage_features(net, Pictures(pixels), torch.arange(3), QUICK.width, whole)
    widths = [c * side_of(c, QUICK.width) ** 2 for c in net.stage_dims]
    assert [part.shape for part in found] == [(3, width) for width in widths]


def test_statistics_are_the_training_rows_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    train = 3 + 5 * torch.randn(50, 4 * 9, generator=generator)
    test = torch.randn(20, 4 * 9, generator=generator)
    first, second = normalized(train, test, 4)
    channels = train.view(50, 4, 9)
    mean, std = channels.mean((0, 2)), channels.var((0, 2), unbiased=False)
    assert first.view(50, 4, 9).mean((0, 2)).abs().max() < 1e-5
    expected = (test.view(20, 4, 9) - mean[:, None]) / std[:, None].sqrt()
    assert torch.allclose(second.view(20, 4, 9), expected, atol=1e-5)
    alone = normalized(train, test[:1], 4)[1]
    assert torch.equal(alone, second[:1])
    assert not normalized(train[:1, :4], test[:, :4], 4)[0].any()  # one image of one place
