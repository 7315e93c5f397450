"""Parameters of views: what is drawn, as tensors, a row a sample. No image is touched here.

Numbers that are rounded to pixels are computed in float64 where the device has it, so that a
sample's crop never depends on how a batch is vectorized.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from presight.core.draw import Draw

TRIES = 10
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


@dataclasses.dataclass(frozen=True, slots=True)
class Jitter:
    """Color jitter's parameters, each [n]; 1, 1, 1 and 0 change nothing.

    Args:
        brightness: factor, >= 0.
        contrast: factor around the mean gray, >= 0.
        saturation: factor around each pixel's gray, >= 0.
        hue: turn of the HSV hue, in [-0.5, 0.5].
        order: int64 [n, 4], a permutation of brightness 0, contrast 1, saturation 2, hue 3.
    """

    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    order: Tensor


@dataclasses.dataclass(frozen=True, slots=True)
class RandAugment:
    """Choices of RandAugment.

    Args:
        op: int64 [n, k], a row of `presight.views.rand_augment.OPS`.
        value: float32 [n, k], that op's parameter in its own unit.
    """

    op: Tensor
    value: Tensor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ViewParams:
    """One view of each of n rows; steps run in the order of the fields, None leaves a step out.

    Args:
        boxes: float32 [n, 4], x0, y0, x1, y1 of the crop, whole pixels of the canvas.
        flip: bool [n], mirror left and right.
        vertical: bool [n], mirror top and bottom.
        shift: int64 [n, 2], right and down in pixels of the view, reflected at the border.
        warp: float32 [n, 2, 3], from centered view pixels to centered source pixels.
        rand_augment: choices of RandAugment.
        early_gray: bool [n], gray before the jitter (MoCo v1's order).
        jitter: color jitter.
        gray: bool [n], gray after the jitter.
        sigma: float32 [n], standard deviation of the blur in pixels; 0 is none.
        solarize: bool [n], invert what is at least one half.
        cutout: int64 [n, 4], x0, y0, x1, y1 of the hole in the view; empty is none.
    """

    boxes: Tensor
    flip: Tensor | None = None
    vertical: Tensor | None = None
    shift: Tensor | None = None
    warp: Tensor | None = None
    rand_augment: RandAugment | None = None
    early_gray: Tensor | None = None
    jitter: Jitter | None = None
    gray: Tensor | None = None
    sigma: Tensor | None = None
    solarize: Tensor | None = None
    cutout: Tensor | None = None

    def __len__(self) -> int:
        return len(self.boxes)


def wide(device: torch.device) -> torch.dtype:
    """The widest float type of a device."""
    return torch.float32 if device.type == "mps" else torch.float64


def chance(draw: Draw, stream: str, probability: float) -> Tensor | None:
    """Bool [n], true with a probability; None where that is 0."""
    return draw.uniform(stream) < probability if probability > 0 else None


def crop_boxes(
    draw: Draw, frame: Tensor, scale: tuple[float, float], ratio: tuple[float, float]
) -> Tensor:
    """Boxes of random resized crops, inside the frame.

    torchvision's rule: ten tries of an area and a log-uniform ratio, the first that fits wins;
    if none does, the largest central crop with an allowed ratio.

    Args:
        draw: random numbers, n rows.
        frame: float32 [n, 4], x0, y0, x1, y1 of the image in its canvas, pixels.
        scale: least and greatest share of the image's area, in (0, 1].
        ratio: least and greatest width / height.

    Returns:
        float32 [n, 4], whole pixels.
    """
    frame = frame.to(wide(frame.device))
    width, height = frame[:, 2] - frame[:, 0], frame[:, 3] - frame[:, 1]
    # One draw of all numbers: a draw's fixed cost is that of twenty small operations.
    unit = draw.uniform("crop", (2 * TRIES + 2,)).to(frame.dtype)
    place = unit[:, 2 * TRIES :]
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(unit[:, TRIES : 2 * TRIES] * (high - low) + low)
    share = unit[:, :TRIES] * (scale[1] - scale[0]) + scale[0]
    area = share * (width * height)[:, None]
    w, h = torch.round(torch.sqrt(area * aspect)), torch.round(torch.sqrt(area / aspect))
    fits = (w > 0) & (h > 0) & (w <= width[:, None]) & (h <= height[:, None])
    rank = fits * torch.arange(TRIES, 0, -1, device=frame.device)
    best, found = rank.argmax(1, keepdim=True), fits.any(1)
    w, h = w.gather(1, best)[:, 0], h.gather(1, best)[:, 0]
    wide_fallback = torch.minimum(width, torch.round(height * ratio[1]).clamp(min=1))
    tall_fallback = torch.minimum(height, torch.round(width / ratio[0]).clamp(min=1))
    w, h = torch.where(found, w, wide_fallback), torch.where(found, h, tall_fallback)
    x = torch.where(found, torch.floor(place[:, 0] * (width - w + 1)), (width - w).div(2).floor())
    y = torch.where(found, torch.floor(place[:, 1] * (height - h + 1)), (height - h).div(2).floor())
    x, y = x + frame[:, 0], y + frame[:, 1]
    return torch.stack([x, y, x + w, y + h], 1).float()


def center_boxes(frame: Tensor) -> Tensor:
    """The largest central square of each frame, float32 [n, 4], whole pixels."""
    width, height = frame[:, 2] - frame[:, 0], frame[:, 3] - frame[:, 1]
    side = torch.minimum(width, height)
    x = frame[:, 0] + ((width - side) / 2).floor()
    y = frame[:, 1] + ((height - side) / 2).floor()
    return torch.stack([x, y, x + side, y + side], 1)


def jitter(draw: Draw, color: Sequence[float], probability: float = 1.0) -> Jitter | None:
    """Color jitter's factors and order.

    Args:
        draw: random numbers, n rows.
        color: half-widths b, c, s, h: factors in [max(0, 1 - b), 1 + b] and so on, hue in [-h, h].
        probability: of a row being jittered at all.
    """
    if probability <= 0 or not any(color):
        return None
    unit = draw.uniform("jitter", (5,))
    on = unit[:, 4] < probability

    def factor(step: int) -> Tensor:
        low, high = max(0.0, 1.0 - color[step]), 1.0 + color[step]
        return torch.where(on, unit[:, step] * (high - low) + low, 1.0)

    return Jitter(
        factor(BRIGHTNESS),
        factor(CONTRAST),
        factor(SATURATION),
        torch.where(on, (unit[:, HUE] * 2.0 - 1.0) * color[HUE], 0.0),
        draw.permutation("jitter.order", 4),
    )


def blur_sigma(draw: Draw, probability: float, sigma: tuple[float, float]) -> Tensor:
    """Standard deviations of the blur in pixels, float32 [n]; 0 where there is none."""
    unit = draw.uniform("blur", (2,))
    value = unit[:, 1] * (sigma[1] - sigma[0]) + sigma[0]
    return torch.where(unit[:, 0] < probability, value, 0.0)


def shifts(draw: Draw, pixels: int) -> Tensor | None:
    """Whole shifts right and down, int64 [n, 2] in -pixels..pixels."""
    return draw.integers("shift", (2,), 2 * pixels + 1) - pixels if pixels > 0 else None


def warp_matrices(
    degrees: Tensor, translate: Tensor, zoom: Tensor, shear: Tensor | None = None
) -> Tensor:
    """Matrices that take centered pixels of the result to centered pixels of the source.

    Args:
        degrees: float [n], clockwise as seen.
        translate: float [n, 2], right and down, pixels.
        zoom: float [n], > 0; 2 shows things twice as large.
        shear: float [n, 2], tangents of the horizontal and vertical shear; None is none.

    Returns:
        float32 [n, 2, 3].
    """
    kind = wide(degrees.device)
    angle, zoom, translate = torch.deg2rad(degrees.to(kind)), zoom.to(kind), translate.to(kind)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    inverse = torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2)
    if shear is not None:
        lean = torch.eye(2, dtype=kind, device=degrees.device).repeat(len(shear), 1, 1)
        lean[:, 0, 1], lean[:, 1, 0] = -shear[:, 0].to(kind), -shear[:, 1].to(kind)
        inverse = lean @ inverse
    offset = -(inverse @ translate[:, :, None])
    return torch.cat([inverse, offset], 2).float()


def warps(
    draw: Draw, size: int, rotation: float, translation: float, zoom: tuple[float, float]
) -> Tensor | None:
    """Random small rotation, translation and scaling.

    Args:
        draw: random numbers, n rows.
        size: side of a view, pixels.
        rotation: greatest angle either way, degrees.
        translation: greatest shift either way, as a share of the side.
        zoom: least and greatest scale.
    """
    if rotation == 0 and translation == 0 and zoom == (1.0, 1.0):
        return None
    reach = translation * size
    return warp_matrices(
        draw.uniform("warp.rotation", (), -rotation, rotation),
        draw.uniform("warp.translation", (2,), -reach, reach),
        draw.uniform("warp.zoom", (), *zoom),
    )


def cutout_boxes(draw: Draw, size: int, share: float) -> Tensor | None:
    """Square holes with a uniform center, cut at the border, int64 [n, 4].

    Args:
        draw: random numbers, n rows.
        size: side of a view, pixels.
        share: side of the hole as a share of the view's.
    """
    side = round(share * size)
    if side <= 0:
        return None
    corner = draw.integers("cutout", (2,), size) - side // 2
    return torch.cat([corner, corner + side], 1).clamp(0, size)


def stack(parts: Sequence[ViewParams]) -> ViewParams:
    """Several views' parameters as one, crop-major; a step must be in all of them or in none."""
    first, rest = parts[0], parts[1:]
    if not rest:
        return first

    def tensor(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    jitters = [part.jitter for part in parts if part.jitter is not None]
    choices = [part.rand_augment for part in parts if part.rand_augment is not None]
    names = ("flip", "vertical", "shift", "warp", "early_gray", "gray", "sigma", "solarize")
    return ViewParams(
        boxes=torch.cat([part.boxes for part in parts]),
        jitter=_stack_jitter(jitters) if jitters else None,
        rand_augment=_stack_choices(choices) if choices else None,
        **{name: tensor(name) for name in (*names, "cutout")},
    )


def _stack_jitter(parts: Sequence[Jitter]) -> Jitter:
    return Jitter(
        torch.cat([part.brightness for part in parts]),
        torch.cat([part.contrast for part in parts]),
        torch.cat([part.saturation for part in parts]),
        torch.cat([part.hue for part in parts]),
        torch.cat([part.order for part in parts]),
    )


def _stack_choices(parts: Sequence[RandAugment]) -> RandAugment:
    return RandAugment(
        torch.cat([part.op for part in parts]), torch.cat([part.value for part in parts])
    )


def moved(params: ViewParams, device: torch.device | str) -> ViewParams:
    """The same parameters on another device."""
    found: dict[str, Tensor | Jitter | RandAugment | None] = {}
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        if isinstance(value, Jitter | RandAugment):
            parts = [getattr(value, part.name).to(device) for part in dataclasses.fields(value)]
            found[field.name] = type(value)(*parts)
        else:
            found[field.name] = None if value is None else value.to(device)
    return ViewParams(**found)  # type: ignore[arg-type]
