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
from presight.views.memory import keep_freed_memory
from presight.views.params import Jitter, RandAugment, ViewParams

Image: TypeAlias = npt.NDArray[np.uint8]
Act: TypeAlias = Callable[[Image, int], None]

SOFT = 1.05
"""Up to this much shrinking plain bilinear interpolation is within about the rounding to 8 bits of
the antialiased one, 0.1 to 0.4 of 255 levels in the mean; at 1.1 strong jitter shows the difference
on pictures of 32 pixels, at 1.5 it is up to 4 levels."""

# OpenCV's own threads would fight with the data workers', and calls are too small to gain.
cv2.setNumThreads(0)
keep_freed_memory()


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
    views = np.empty((len(params), size, size, channels), np.float32)
    image = np.empty((size, size, channels), np.uint8)
    boxes = params.boxes.round().int().tolist()
    acts = _acts(params, size, channels)
    for row in range(count):
        # The crops of one image follow each other while it is in the processor's cache.
        for view in range(row, len(params), count):
            _crop(canvases[row], boxes[view], image)
            for act in acts:
                act(image, view)
            cv2.LUT(image, pixels.UNIT, dst=views[view])
    return torch.from_numpy(views).permute(0, 3, 1, 2)


def _crop(canvas: Image, box: list[int], image: Image) -> None:
    left, top, right, bottom = box
    part = canvas[top:bottom, left:right]
    size = len(image)
    limit = SOFT * size
    if right - left <= limit and bottom - top <= limit:
        cv2.resize(part, (size, size), dst=image, interpolation=cv2.INTER_LINEAR)
        return
    tensor = torch.from_numpy(np.ascontiguousarray(part)).permute(2, 0, 1)[None]
    small = F.interpolate(tensor, (size, size), mode="bilinear", antialias=True)
    np.copyto(image, small[0].permute(1, 2, 0).numpy())


def _acts(params: ViewParams, size: int, channels: int) -> list[Act]:
    acts: list[Act] = []
    if params.flip is not None:
        acts.append(_where(params.flip, pixels.mirror))
    if params.vertical is not None:
        acts.append(_where(params.vertical, pixels.upend))
    if params.shift is not None:
        acts.append(_shift(params.shift))
    if params.warp is not None:
        acts.append(_warp(params.warp))
    if params.rand_augment is not None:
        acts.append(_rand_augment(params.rand_augment))
    colors = _color_acts(params, size)
    acts += colors if channels == 3 else [_on_color(act) for act in colors]
    if params.cutout is not None:
        acts.append(_cutout(params.cutout))
    return acts


def _color_acts(params: ViewParams, size: int) -> list[Act]:
    acts: list[Act] = []
    if params.early_gray is not None:
        acts.append(_where(params.early_gray, pixels.gray))
    if params.jitter is not None:
        acts.append(_jitter(params.jitter, size))
    if params.gray is not None:
        acts.append(_where(params.gray, pixels.gray))
    if params.sigma is not None:
        acts.append(_blur(params.sigma))
    if params.solarize is not None:
        acts.append(_where(params.solarize, pixels.solarize))
    return acts


def _on_color(act: Act) -> Act:
    def wrapped(image: Image, row: int) -> None:
        color = np.ascontiguousarray(image[:, :, :3])
        act(color, row)
        image[:, :, :3] = color

    return wrapped


def _where(flags: Tensor, op: Callable[[Image], None]) -> Act:
    hits = flags.tolist()

    def act(image: Image, row: int) -> None:
        if hits[row]:
            op(image)

    return act


def _shift(by: Tensor) -> Act:
    steps = by.tolist()
    return lambda image, row: pixels.shift(image, *steps[row])


def _warp(matrices: Tensor) -> Act:
    rows = matrices.double().numpy()
    return lambda image, row: pixels.warp(image, rows[row])


def _blur(sigma: Tensor) -> Act:
    values = sigma.tolist()

    def act(image: Image, row: int) -> None:
        if values[row]:
            pixels.blur(image, values[row])

    return act


def _cutout(boxes: Tensor) -> Act:
    rows = boxes.tolist()

    def act(image: Image, row: int) -> None:
        left, top, right, bottom = rows[row]
        image[top:bottom, left:right] = 128

    return act


def _jitter(jitter: Jitter, size: int) -> Act:
    room = np.empty((size, size, 3), np.float32)
    steps: tuple[Callable[[Image, float], None], ...] = (
        pixels.brightness,
        pixels.contrast,
        pixels.saturation,
        lambda image, turn: pixels.hue(image, turn, room),
    )
    drawn = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    factors = torch.stack(drawn, 1).tolist()
    order, neutral = jitter.order.tolist(), (1.0, 1.0, 1.0, 0.0)

    def act(image: Image, row: int) -> None:
        values = factors[row]
        for step in order[row]:
            if values[step] != neutral[step]:
                steps[step](image, values[step])

    return act


def _rand_augment(choices: RandAugment) -> Act:
    """All channels move, the first three change color."""
    ops, values = choices.op.tolist(), choices.value.tolist()

    def act(image: Image, row: int) -> None:
        for op, value in zip(ops[row], values[row], strict=True):
            if op in rand_augment_uint8.MOVES or image.shape[2] == 3:
                rand_augment_uint8.apply(image, op, value)
            else:
                color = np.ascontiguousarray(image[:, :, :3])
                rand_augment_uint8.apply(color, op, value)
                image[:, :, :3] = color

    return act
