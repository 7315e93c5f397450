from __future__ import annotations

import itertools

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from presight.views import color

from .pictures import pictures

EXACT = 3e-4
"""torchvision rounds the weights of gray to four digits; four operations pass that on."""


def _images(count: int, side: int = 24) -> torch.Tensor:
    return pictures(count, side, side).float() / 255.0


def _reference(image: torch.Tensor, values: list[float], order: list[int]) -> torch.Tensor:
    steps = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue)
    for step in order:
        image = steps[step](image, values[step])
    return image


def test_color_jitter_is_torchvisions_in_every_order() -> None:
    orders = torch.tensor(list(itertools.permutations(range(4))))
    count = len(orders)
    images = _images(count)
    unit = torch.rand(count, 4, generator=torch.Generator().manual_seed(1))
    values = torch.cat([0.2 + 1.6 * unit[:, :3], unit[:, 3:] * 0.4 - 0.2], 1)
    ours = color.color_jitter(images, *values.unbind(1), orders)
    for row in range(count):
        theirs = _reference(images[row], values[row].tolist(), orders[row].tolist())
        torch.testing.assert_close(ours[row], theirs, atol=EXACT, rtol=0)


def test_neutral_jitter_changes_nothing() -> None:
    images = _images(2)
    one, none = torch.ones(2), torch.zeros(2)
    order = torch.arange(4).repeat(2, 1)
    torch.testing.assert_close(color.color_jitter(images, one, one, one, none, order), images)


@pytest.mark.parametrize("turn", [-0.5, -0.3, 0.0, 0.1, 0.5])
def test_hue_is_hsv_hue(turn: float) -> None:
    images = _images(2)
    ours = color.shift_hue(images, torch.full((2,), turn))
    torch.testing.assert_close(ours, tv.adjust_hue(images, turn), atol=EXACT, rtol=0)


def test_hue_keeps_gray_and_full_turns() -> None:
    gray = torch.rand(1, 1, 4, 4).expand(1, 3, 4, 4)
    assert torch.equal(color.shift_hue(gray, torch.tensor([0.3])), gray)
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    green = color.shift_hue(red, torch.tensor([1 / 3]))
    torch.testing.assert_close(green.flatten(), torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_gray_is_torchvisions_and_only_where_asked() -> None:
    images = _images(2)
    theirs = tv.rgb_to_grayscale(images, num_output_channels=3)
    # torchvision's weights have four digits.
    torch.testing.assert_close(color.grayscale(images), theirs, atol=2e-4, rtol=0)
    some = color.grayscale(images, torch.tensor([False, True]))
    assert torch.equal(some[0], images[0])
    assert torch.equal(some[1, 0], some[1, 2])


def test_solarize_is_torchvisions() -> None:
    images = _images(2)
    some = color.solarize(images, torch.tensor([True, False]))
    torch.testing.assert_close(some[0], tv.solarize(images[0], 0.5))
    assert torch.equal(some[1], images[1])


def test_channels_after_the_third_keep_their_values() -> None:
    images = torch.rand(2, 5, 8, 8)
    half, order = torch.full((2,), 0.5), torch.arange(4).repeat(2, 1)
    yes = torch.ones(2, dtype=torch.bool)
    for changed in (
        color.color_jitter(images, half, half, half, half, order),
        color.grayscale(images, yes),
        color.solarize(images, yes),
    ):
        assert torch.equal(changed[:, 3:], images[:, 3:])
        assert not torch.equal(changed[:, :3], images[:, :3])


def test_lab_of_known_colors() -> None:
    corners = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])[
        :, :, None, None
    ]
    lab = color.to_lab(corners).flatten(1)
    expected = torch.tensor(
        [
            [100.0, 0.0, 0.0],
            [0.0, 0.0, 0.0],
            [53.24, 80.09, 67.20],
            [87.73, -86.18, 83.18],
            [32.30, 79.19, -107.86],
        ]
    )
    torch.testing.assert_close(lab, expected, atol=0.02, rtol=0)


def test_a_callers_autocast_does_not_change_lab() -> None:
    images = _images(2)
    plain = color.split_lab(images)
    with torch.autocast("cpu", torch.bfloat16):
        cast = color.split_lab(images)
    assert all(map(torch.equal, plain, cast))


def test_gray_has_no_lab_color() -> None:
    lightness, chroma = color.split_lab(torch.rand(1, 1, 4, 4).expand(2, 3, 4, 4))
    assert chroma.abs().max() < 1e-3
    assert lightness.shape == (2, 1, 4, 4)
    assert -50.0 <= lightness.min() <= lightness.max() <= 50.0
