"""Operations on one uint8 HWC image, through OpenCV; the counterparts of the batched ones.

Every one returns an image that may be written to, and leaves the one it is given alone.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from presight.views.color import LUMA

Image: TypeAlias = npt.NDArray[np.uint8]

UNIT = (np.arange(256) / 255.0).astype(np.float32)
"""The value in [0, 1] of each of the 256 levels."""

_SOLARIZE = np.where(np.arange(256) >= 128, 255 - np.arange(256), np.arange(256)).astype(np.uint8)
_RED, _GREEN, _BLUE = LUMA


def resize(image: Image, size: int) -> Image:
    """Bilinear resize to a square, without antialiasing."""
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def mirror(image: Image) -> Image:
    """Left and right exchanged."""
    return cv2.flip(image, 1)  # type: ignore[return-value]


def shift(image: Image, right: int, down: int) -> Image:
    """A whole shift, reflected without repeating the border pixel."""
    height, width = image.shape[:2]
    up, left = max(-down, 0), max(-right, 0)
    grown = cv2.copyMakeBorder(image, max(down, 0), up, max(right, 0), left, cv2.BORDER_REFLECT_101)
    return grown[up : up + height, left : left + width].copy()  # type: ignore[return-value]


def warp(image: Image, matrix: npt.NDArray[np.float64]) -> Image:
    """An affine map, bilinear, mirrored beyond the border.

    Args:
        image: uint8 [h,w,c].
        matrix: float64 [2,3], from centered pixels of the result to centered pixels of the source.
    """
    height, width, channels = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    full = matrix.copy()
    full[:, 2] += middle - matrix[:, :2] @ middle
    if channels > 4:
        parts = [image[:, :, c : c + 3] for c in range(0, channels, 3)]
        return np.dstack([warp(np.ascontiguousarray(part), matrix) for part in parts])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(image, full, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return moved.reshape(image.shape)  # type: ignore[return-value]


def gray(image: Image) -> Image:
    """Luma on all three channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[return-value]


def brightness(image: Image, factor: float) -> Image:
    """Pixels times a factor."""
    return cv2.convertScaleAbs(image, alpha=factor)  # type: ignore[return-value]


def contrast(image: Image, factor: float) -> Image:
    """Pixels blended with the mean gray."""
    red, green, blue, _ = cv2.mean(image)
    mean = _RED * red + _GREEN * green + _BLUE * blue
    return cv2.addWeighted(image, factor, image, 0.0, (1.0 - factor) * mean)  # type: ignore[return-value]


def saturation(image: Image, factor: float) -> Image:
    """Pixels blended with their own gray."""
    rest = 1.0 - factor
    red, green, blue = rest * _RED, rest * _GREEN, rest * _BLUE
    matrix = np.array(
        [[red + factor, green, blue], [red, green + factor, blue], [red, green, blue + factor]]
    )
    return cv2.transform(image, matrix)  # type: ignore[return-value]


def hue(image: Image, turn: float) -> Image:
    """The HSV hue turned by a share of the full turn.

    In float32: 8 bits of hue are steps of 1.4 degrees, which strong colors show.
    """
    hsv = cv2.cvtColor(cv2.LUT(image, UNIT), cv2.COLOR_RGB2HSV)
    # OpenCV wraps hues above 360 degrees, not those below 0.
    cv2.add(hsv, (360.0 * (turn % 1.0), 0.0, 0.0, 0.0), dst=hsv)  # type: ignore[call-overload]
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB, dst=hsv)
    return cv2.convertScaleAbs(rgb, alpha=255.0)  # type: ignore[return-value]


def blur(image: Image, sigma: float) -> Image:
    """Gaussian blur with a kernel of 2 ceil(3 sigma) + 1 pixels."""
    kernel = cv2.getGaussianKernel(2 * math.ceil(3 * sigma) + 1, sigma, cv2.CV_32F)
    return cv2.sepFilter2D(image, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]


def solarize(image: Image) -> Image:
    """Values of 128 and above, inverted."""
    return cv2.LUT(image, _SOLARIZE)  # type: ignore[return-value]
