"""Color of batches: jitter with true HSV hue, gray, solarize, Lab. Pure torch.

Images have three color channels or more; channels after the third pass unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor

from presight.views.params import BRIGHTNESS, CONTRAST, HUE, SATURATION

LUMA = (0.299, 0.587, 0.114)


def _luma(images: Tensor) -> Tensor:
    return images.new_tensor(LUMA)


def _with_rest(color: Tensor, images: Tensor) -> Tensor:
    return color if images.shape[1] == 3 else torch.cat([color, images[:, 3:]], 1)


def grayscale(images: Tensor, where: Tensor | None = None) -> Tensor:
    """ITU-R 601 luma on all three channels, where bool [n] is true or everywhere."""
    color = images[:, :3]
    gray = torch.einsum("nchw,c->nhw", color, _luma(images))[:, None].expand_as(color)
    if where is not None:
        gray = torch.where(where[:, None, None, None], gray, color)
    return _with_rest(gray, images)


def mix(color: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Brightness, contrast and saturation as one affine map, of which at most one is not 1.

    Args:
        color: float [n,3,h,w] in [0, 1].
        brightness: factor [n].
        contrast: factor [n] around the mean gray.
        saturation: factor [n] around each pixel's gray.

    Returns:
        float [n,3,h,w], clamped to [0, 1].
    """
    luma = _luma(color)
    mean = color.mean((2, 3)) @ luma
    linear = torch.eye(3, device=color.device, dtype=color.dtype)
    linear = linear * (brightness * contrast * saturation)[:, None, None]
    linear = linear + (1.0 - saturation)[:, None, None] * luma
    offset = ((1.0 - contrast) * mean)[:, None, None]
    flat = torch.matmul(linear, color.flatten(2)).add_(offset)
    return flat.clamp_(0.0, 1.0).view_as(color)


def shift_hue(color: Tensor, hue: Tensor) -> Tensor:
    """Colors with their HSV hue turned.

    Args:
        color: float [n,3,h,w] in [0, 1].
        hue: float [n], share of a full turn.
    """
    red, green, blue = color.unbind(1)
    value, low = color.amax(1), color.amin(1)
    span = value - low
    safe = torch.where(span > 0, span, torch.ones_like(span))
    turn = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2.0 + (blue - red) / safe, 4.0 + (red - green) / safe),
    )
    turn = turn + 6.0 * hue[:, None, None]
    # Channel of the six-sided hue: value - span * clamp(min(k, 4 - k), 0, 1), k = (n + turn) mod 6.
    channels = []
    for start in (5.0, 3.0, 1.0):
        k = torch.remainder(start + turn, 6.0)
        channels.append(value - span * torch.minimum(k, 4.0 - k).clamp_(0.0, 1.0))
    return torch.stack(channels, 1)


def color_jitter(
    images: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    saturation: Tensor,
    hue: Tensor,
    order: Tensor,
) -> Tensor:
    """Color jitter in each image's own order, clamped after every step.

    Hue is computed once: the up to three steps before it run first, then the ones after it.

    Args:
        images: float [n,c,h,w] in [0, 1].
        brightness: factor [n].
        contrast: factor [n].
        saturation: factor [n].
        hue: float [n] in [-0.5, 0.5].
        order: int64 [n,4], a permutation of 0 brightness, 1 contrast, 2 saturation, 3 hue.

    Returns:
        float [n,c,h,w] in [0, 1].
    """
    color = images[:, :3]
    place = (order == HUE).int().argmax(1)
    for slot in (0, 1, 2):
        color = _step(color, brightness, contrast, saturation, order[:, slot], slot < place)
    color = torch.where((hue != 0)[:, None, None, None], shift_hue(color, hue), color)
    for slot in (1, 2, 3):
        color = _step(color, brightness, contrast, saturation, order[:, slot], slot > place)
    return _with_rest(color, images)


def _step(
    color: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    saturation: Tensor,
    op: Tensor,
    active: Tensor,
) -> Tensor:
    def factor(value: Tensor, number: int) -> Tensor:
        return torch.where(active & (op == number), value, 1.0)

    return mix(
        color,
        factor(brightness, BRIGHTNESS),
        factor(contrast, CONTRAST),
        factor(saturation, SATURATION),
    )


def solarize(images: Tensor, where: Tensor, threshold: float | Tensor = 0.5) -> Tensor:
    """Images whose values at or above the threshold are inverted, where bool [n] is true.

    Args:
        images: float [n,3,h,w] in [0, 1].
        where: bool [n].
        threshold: in [0, 1]; one for all, or one that broadcasts to the images.
    """
    color = images[:, :3]
    hit = (color >= threshold) & where[:, None, None, None]
    return _with_rest(torch.where(hit, 1.0 - color, color), images)


def to_lab(images: Tensor) -> Tensor:
    """CIE Lab of sRGB images under D65.

    Args:
        images: float [n,3,h,w] in [0, 1].

    Returns:
        float [n,3,h,w]: L in [0, 100], a in [-86.2, 98.3], b in [-107.9, 94.5].
    """
    linear = torch.where(
        images <= 0.04045, images / 12.92, ((images + 0.055) / 1.055).clamp(min=0) ** 2.4
    )
    to_xyz = images.new_tensor(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    # Rows are divided by their own sums, so that white is exactly (1, 1, 1) and gray has no color.
    xyz = torch.einsum("dc,nchw->ndhw", to_xyz / to_xyz.sum(1, keepdim=True), linear)
    knee = 6.0 / 29.0
    curve = torch.where(
        xyz > knee**3, xyz.clamp(min=1e-9) ** (1 / 3), xyz / (3 * knee**2) + 4.0 / 29.0
    )
    x, y, z = curve.unbind(1)
    return torch.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], 1)


def split_lab(images: Tensor) -> tuple[Tensor, Tensor]:
    """Lightness minus 50, [n,1,h,w] in [-50, 50], and the colors a and b, [n,2,h,w]."""
    with torch.autocast(images.device.type, enabled=False):  # Lab needs all digits
        lab = to_lab(images)
    return lab[:, :1] - 50.0, lab[:, 1:]
