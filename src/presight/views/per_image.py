"""The CPU executor: views image by image on uint8 pixels through OpenCV.

It takes the same parameters as `batched` and agrees with it within the rounding to 8 bits. All
parameters become Python lists at once; no torch call happens in the loop but for crops that
shrink by more than `SOFT`, which need an antialiased filter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from presight.views import pixels, rand_augment_uint8
from presight.views.params import Jitter, RandAugment, ViewParams

Image: TypeAlias = npt.NDArray[np.uint8]
Act: TypeAlias = Callable[[Image, int], Image]

SOFT = 1.5
"""Up to this much shrinking plain bilinear interpolation is as good as the antialiased one."""

# OpenCV's own threads would fight with the data workers', and calls are too small to gain.
cv2.setNumThreads(0)


def render(images: Tensor, params: ViewParams, size: int) -> Tensor:
    """Views of a batch; bit for bit the same whatever else is in the batch.

    Args:
        images: uint8 [B,C,H,W] on the CPU, canvases, best channels_last.
        params: of c*B views, crop-major.
        size: side of a view, pixels.

    Returns:
        float32 [c*B,C,size,size] in [0, 1], channels_last.
    """
    canvases: Image = images.permute(0, 2, 3, 1).contiguous().numpy()
    count, channels = len(images), images.shape[1]
    out = np.empty((len(params), size, size, channels), np.uint8)
    boxes = params.boxes.round().int().tolist()
    acts = _acts(params, channels)
    for row in range(count):
        # The crops of one image follow each other while it is in the processor's cache.
        for view in range(row, len(params), count):
            image = _crop(canvases[row], boxes[view], size)
            for act in acts:
                image = act(image, view)
            out[view] = image
    return _to_float(out)


def _to_float(views: Image) -> Tensor:
    floats = np.empty(views.shape, np.float32)
    if views.size:
        cv2.LUT(views.reshape(len(views), -1), pixels.UNIT, floats.reshape(len(views), -1))
    return torch.from_numpy(floats).permute(0, 3, 1, 2)


def _crop(image: Image, box: list[int], size: int) -> Image:
    left, top, right, bottom = box
    part = image[top:bottom, left:right]
    limit = SOFT * size
    if right - left <= limit and bottom - top <= limit:
        return pixels.resize(part, size)
    tensor = torch.from_numpy(part).permute(2, 0, 1)[None]
    small = F.interpolate(tensor, (size, size), mode="bilinear", antialias=True)
    result: Image = small[0].permute(1, 2, 0).contiguous().numpy()
    return result


def _acts(params: ViewParams, channels: int) -> list[Act]:
    acts: list[Act] = []
    if params.flip is not None:
        acts.append(_where(params.flip, pixels.mirror))
    if params.shift is not None:
        acts.append(_shift(params.shift))
    if params.warp is not None:
        acts.append(_warp(params.warp))
    colors = _color_acts(params)
    if params.rand_augment is not None:
        colors.insert(0, _rand_augment(params.rand_augment))
    acts += colors if channels == 3 else [_on_color(act) for act in colors]
    if params.cutout is not None:
        acts.append(_cutout(params.cutout))
    return acts


def _color_acts(params: ViewParams) -> list[Act]:
    acts: list[Act] = []
    if params.early_gray is not None:
        acts.append(_where(params.early_gray, pixels.gray))
    if params.jitter is not None:
        acts.append(_jitter(params.jitter))
    if params.gray is not None:
        acts.append(_where(params.gray, pixels.gray))
    if params.sigma is not None:
        acts.append(_blur(params.sigma))
    if params.solarize is not None:
        acts.append(_where(params.solarize, pixels.solarize))
    return acts


def _on_color(act: Act) -> Act:
    def wrapped(image: Image, row: int) -> Image:
        image[:, :, :3] = act(np.ascontiguousarray(image[:, :, :3]), row)
        return image

    return wrapped


def _where(flags: Tensor, op: Callable[[Image], Image]) -> Act:
    hits = flags.tolist()
    return lambda image, row: op(image) if hits[row] else image


def _shift(by: Tensor) -> Act:
    steps = by.tolist()
    return lambda image, row: pixels.shift(image, *steps[row])


def _warp(matrices: Tensor) -> Act:
    rows = matrices.double().numpy()
    return lambda image, row: pixels.warp(image, rows[row])


def _blur(sigma: Tensor) -> Act:
    values = sigma.tolist()
    return lambda image, row: pixels.blur(image, values[row]) if values[row] else image


def _cutout(boxes: Tensor) -> Act:
    rows = boxes.tolist()

    def act(image: Image, row: int) -> Image:
        left, top, right, bottom = rows[row]
        image[top:bottom, left:right] = 128
        return image

    return act


def _jitter(jitter: Jitter) -> Act:
    steps = (pixels.brightness, pixels.contrast, pixels.saturation, pixels.hue)
    factors = torch.stack(
        [jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue], 1
    ).tolist()
    order, neutral = jitter.order.tolist(), (1.0, 1.0, 1.0, 0.0)

    def act(image: Image, row: int) -> Image:
        values = factors[row]
        for step in order[row]:
            if values[step] != neutral[step]:
                image = steps[step](image, values[step])
        return image

    return act


def _rand_augment(choices: RandAugment) -> Act:
    ops, values = choices.op.tolist(), choices.value.tolist()

    def act(image: Image, row: int) -> Image:
        for op, value in zip(ops[row], values[row], strict=True):
            image = rand_augment_uint8.apply(image, op, value)
        return image

    return act
