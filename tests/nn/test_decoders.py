"""Decoders and adversarial networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.errors import UsageError
from presight.nn.decoders import (
    CodeDecoder,
    CodeHead,
    Decoder,
    Generator,
    PairCritic,
    critic_trunk,
    halvings,
    initialize_adversarial,
    sides,
)


@pytest.mark.parametrize(
    ("image", "chain"),
    [(32, (4, 8, 16, 32)), (96, (6, 12, 24, 48, 96)), (224, (7, 14, 28, 56, 112, 224)), (5, (5,))],
)
def test_sides_at_most_double(image: int, chain: tuple[int, ...]) -> None:
    assert sides(image) == chain


@pytest.mark.parametrize("image", [16, 33, 50])
@pytest.mark.parametrize("side", [1, 2, 4, 8, 13])
def test_a_map_of_any_size_becomes_the_image(image: int, side: int) -> None:
    decoder = Decoder(6, image, out_channels=2, width=8)
    assert decoder(torch.rand(2, 6, side, side)).shape == (2, 2, image, image)


def test_decoder_is_linear_at_its_end_and_upsamples_by_repeating() -> None:
    decoder = Decoder(3, 16, width=8)
    last = [m for m in decoder.modules() if not list(m.children())][-1]
    assert isinstance(last, nn.Conv2d)
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in decoder.modules())


def test_every_parameter_of_the_decoders_learns() -> None:
    torch.manual_seed(0)
    decoder = CodeDecoder(5, 16, width=8)
    decoder(torch.randn(3, 5)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in decoder.parameters())


def test_code_head_keeps_where_things_are() -> None:
    maps = torch.zeros(2, 3, 8, 8)
    maps[0, :, :4, :4] = 1.0
    maps[1, :, 4:, 4:] = 1.0
    torch.manual_seed(0)
    corner, mean = CodeHead(3, 4, grid=4), CodeHead(3, 4, grid=1)
    assert not torch.allclose(*corner(maps))
    assert torch.allclose(*mean(maps))
    assert corner(torch.rand(1, 3, 2, 2)).shape == (1, 4)


@pytest.mark.parametrize(("image", "count"), [(16, 2), (24, 2), (32, 3), (40, 3), (64, 4), (96, 4)])
def test_generator_and_critic_fit_any_multiple_of_eight(image: int, count: int) -> None:
    assert halvings(image) == count
    assert 4 <= image >> count <= 7
    generator, critic = Generator(5, image, width=2), PairCritic(5, image, width=2, hidden=4)
    codes = torch.randn(3, 5)
    images = generator(codes)
    assert images.shape == (3, 3, image, image)
    assert images.min() >= 0
    assert images.max() <= 1
    assert critic(images, codes).shape == (3,)


@pytest.mark.parametrize("image", [8, 20, 33])
def test_other_sides_are_refused(image: int) -> None:
    with pytest.raises(UsageError, match="multiple of 8"):
        Generator(4, image)


def test_critic_without_norm_judges_each_pair_alone() -> None:
    critic = PairCritic(5, 16, width=2, hidden=4)
    images, codes = torch.rand(4, 3, 16, 16), torch.randn(4, 5)
    together = critic(images, codes)
    alone = torch.cat([critic(images[i : i + 1], codes[i : i + 1]) for i in range(4)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_batch_norm_is_left_out_of_the_first_layer() -> None:
    layers, flat = critic_trunk(16, width=2, norm="batch")
    norms = [m for m in layers if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 1
    assert isinstance(layers[1], nn.LeakyReLU)
    assert layers(torch.rand(2, 3, 16, 16)).shape == (2, flat)


def test_initial_weights_are_dcgans() -> None:
    torch.manual_seed(0)
    layer, norm = nn.Linear(200, 200), nn.BatchNorm2d(2000)
    initialize_adversarial(layer)
    initialize_adversarial(norm)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert layer.bias.abs().max() == 0
    assert norm.weight.mean().item() == pytest.approx(1.0, abs=0.005)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.1)
