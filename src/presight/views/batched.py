"""The batched executor: views of a batch as torch operations, on any device.

Step by step, which function does what here and in `per_image`:

    step          batched                    per image (uint8)
    crop          geometry.resized_crop      slice, cv2.resize; antialiased above 1.1x
    flip          geometry.flip              cv2.flip
    vertical      geometry.flip              cv2.flip
    shift         geometry.shift             cv2.copyMakeBorder, slice
    warp          geometry.warp              cv2.warpAffine, BORDER_REFLECT
    rand_augment  rand_augment.apply         rand_augment_uint8.apply
    early_gray    color.grayscale            cv2.cvtColor
    jitter        color.color_jitter         tables, cv2.transform, cv2.cvtColor (HSV)
    gray          color.grayscale            cv2.cvtColor
    sigma         filters.gaussian_blur      cv2.sepFilter2D
    solarize      color.solarize             cv2.LUT
    cutout        geometry.cutout            slice
"""

from __future__ import annotations

import torch
from torch import Tensor

from presight.views import color, filters, geometry, rand_augment
from presight.views.params import ViewParams


def render(images: Tensor, params: ViewParams, size: int) -> Tensor:
    """Views of a batch.

    Args:
        images: uint8 [B,C,H,W], canvases.
        params: of c*B views, crop-major.
        size: side of a view, pixels.

    Returns:
        float32 [c*B,C,size,size] in [0, 1].
    """
    # Whole float32 also where a caller's autocast would do the products with fewer digits.
    with torch.autocast(images.device.type, enabled=False):
        canvases = images.float() / 255.0
        boxes = torch.split(params.boxes, len(images))
        crops = [geometry.resized_crop(canvases, box, size) for box in boxes]
        views = _finish(_place(torch.cat(crops), params), params)
    return views.clamp(0.0, 1.0)  # weights that sum to 1 do so but for rounding


def _place(views: Tensor, params: ViewParams) -> Tensor:
    if params.flip is not None:
        views = geometry.flip(views, params.flip)
    if params.vertical is not None:
        views = geometry.flip(views, params.vertical, axis=-2)
    if params.shift is not None:
        views = geometry.shift(views, params.shift)
    if params.warp is not None:
        views = geometry.warp(views, params.warp)
    if params.rand_augment is not None:
        views = rand_augment.apply(views, params.rand_augment)
    return views


def _finish(views: Tensor, params: ViewParams) -> Tensor:
    if params.early_gray is not None:
        views = color.grayscale(views, params.early_gray)
    if params.jitter is not None:
        j = params.jitter
        views = color.color_jitter(views, j.brightness, j.contrast, j.saturation, j.hue, j.order)
    if params.gray is not None:
        views = color.grayscale(views, params.gray)
    if params.sigma is not None:
        blurred = filters.gaussian_blur(views[:, :3], params.sigma)
        views = torch.cat([blurred, views[:, 3:]], 1) if views.shape[1] > 3 else blurred
    if params.solarize is not None:
        views = color.solarize(views, params.solarize)
    if params.cutout is not None:
        views = geometry.cutout(views, params.cutout)
    return views
