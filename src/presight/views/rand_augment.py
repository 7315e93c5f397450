"""RandAugment's operations on batches, pure torch, and their draws.

Source: Cubuk, Zoph, Shlens, Le: RandAugment (2020); magnitudes as in torchvision's 31 bins, with
reflection instead of black borders.
"""

from __future__ import annotations

import torch
from torch import Tensor

from presight.core.draw import Draw
from presight.views import color, geometry
from presight.views.params import RandAugment, warp_matrices

OPS = (
    "identity",
    "shear-x",
    "shear-y",
    "translate-x",
    "translate-y",
    "rotate",
    "brightness",
    "saturation",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)
HIGHEST = 30.0


def draw_rand_augment(draw: Draw, count: int, magnitude: float, size: int) -> RandAugment | None:
    """Choices of ops and their values.

    Args:
        draw: random numbers, n rows.
        count: ops one after the other; 0 is none.
        magnitude: strength of every op, 0 to 30.
        size: side of a view, pixels.
    """
    if count <= 0:
        return None
    op = draw.integers("augment.op", (count,), len(OPS))
    sign = draw.integers("augment.sign", (count,), 2) * 2 - 1
    share = magnitude / HIGHEST
    reach = [0.0, 0.3, 0.3, 150 / 331 * size, 150 / 331 * size, 30.0, 0.9, 0.9, 0.9, 0.9]
    signed = torch.tensor([share * r for r in reach] + [0.0] * 4, device=op.device)
    fixed = torch.zeros(len(OPS), device=op.device)
    fixed[6:10] = 1.0
    fixed[10] = 8 - round(share * 4)
    fixed[11] = 1.0 - share
    return RandAugment(op, fixed[op] + sign * signed[op])


def apply(images: Tensor, choices: RandAugment) -> Tensor:
    """Images after their ops.

    Args:
        images: float [n,c,h,w] in [0, 1].
        choices: n rows.
    """
    for op, value in zip(choices.op.unbind(1), choices.value.unbind(1), strict=True):
        moved = geometry.warp(images, matrices(op, value))
        keep = ((op == 0) | (op > 5))[:, None, None, None]
        images = torch.where(keep, images, moved)
        images = torch.cat([_color(images[:, :3], op, value), images[:, 3:]], 1)
    return images


def matrices(op: Tensor, value: Tensor) -> Tensor:
    """Warps of the geometric ops, float [n,2,3]; the identity for the others."""

    def pick(number: int) -> Tensor:
        return torch.where(op == number, value, 0.0)

    return warp_matrices(
        pick(5),
        torch.stack([pick(3), pick(4)], 1),
        torch.ones_like(value),
        torch.stack([pick(1), pick(2)], 1),
    )


def _color(images: Tensor, op: Tensor, value: Tensor) -> Tensor:
    def factor(number: int) -> Tensor:
        return torch.where(op == number, value, 1.0)

    mixed = color.mix(images, factor(6), factor(8), factor(7))
    wide = value[:, None, None, None]
    for number, changed in (
        (9, sharpness(images, wide)),
        (10, posterize(images, wide)),
        (11, torch.where(images >= wide, 1.0 - images, images)),
        (12, autocontrast(images)),
        (13, equalize(images)),
    ):
        mixed = torch.where((op == number)[:, None, None, None], changed, mixed)
    return mixed


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Images blended with their 3x3 average; the outermost pixels stay."""
    kernel = images.new_tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13.0
    count, channels, height, width = images.shape
    flat = images.reshape(-1, 1, height, width)
    soft = images.clone()
    inner = torch.nn.functional.conv2d(flat, kernel[None, None])
    soft[:, :, 1:-1, 1:-1] = inner.view(count, channels, height - 2, width - 2)
    return (soft + factor * (images - soft)).clamp(0.0, 1.0)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """The highest bits of 8-bit values; `bits` [n,1,1,1] in 1..8."""
    step = 2.0 ** (8.0 - bits)
    levels = torch.round(images * 255.0)
    return torch.floor(levels / step) * step / 255.0


def autocontrast(images: Tensor) -> Tensor:
    """Each channel stretched to [0, 1]; a constant channel stays."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    span = high - low
    stretched = (images - low) / torch.where(span > 0, span, torch.ones_like(span))
    return torch.where(span > 0, stretched, images)


def equalize(images: Tensor) -> Tensor:
    """Each channel's histogram of 256 values flattened, by PIL's rule."""
    count, channels, height, width = images.shape
    levels = torch.round(images * 255.0).long().clamp_(0, 255).view(count * channels, -1)
    histogram = torch.zeros(count * channels, 256, dtype=torch.long, device=images.device)
    histogram.scatter_add_(1, levels, torch.ones_like(levels))
    last = 255 - (histogram.flip(1) > 0).int().argmax(1, keepdim=True)
    step = (height * width - histogram.gather(1, last)) // 255
    before = histogram.cumsum(1) - histogram
    table = (before + step // 2) // step.clamp(min=1)
    mapped = table.clamp_(0, 255).gather(1, levels)
    mapped = torch.where(step > 0, mapped, levels)
    return (mapped.to(images.dtype) / 255.0).view_as(images)
