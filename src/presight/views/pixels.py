"""Operations on one uint8 HWC image, in place, through OpenCV; the batched ones' counterparts.

In place, because a fresh picture an operation costs more in page faults than in arithmetic.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from presight.views.color import LUMA

Image: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]

UNIT = (np.arange(256) / 255.0).astype(np.float32)
"""The value in [0, 1] of each of the 256 levels."""

_LEVELS = np.arange(256)
_SOLARIZE = np.where(_LEVELS >= 128, 255 - _LEVELS, _LEVELS).astype(np.uint8)
_RED, _GREEN, _BLUE = LUMA


def mirror(image: Image) -> None:
    """Left and right exchanged."""
    cv2.flip(image, 1, dst=image)


def upend(image: Image) -> None:
    """Top and bottom exchanged."""
    cv2.flip(image, 0, dst=image)


def shift(image: Image, right: int, down: int) -> None:
    """A whole shift, reflected without repeating the border pixel."""
    height, width = image.shape[:2]
    up, left = max(-down, 0), max(-right, 0)
    grown = cv2.copyMakeBorder(image, max(down, 0), up, max(right, 0), left, cv2.BORDER_REFLECT_101)
    image[:] = grown[up : up + height, left : left + width]


def warp(image: Image, matrix: npt.NDArray[np.float64]) -> None:
    """An affine map, bilinear, mirrored beyond the border.

    Args:
        image: uint8 [h,w,c].
        matrix: float64 [2,3], from centered pixels of the result to centered pixels of the source.
    """
    height, width, channels = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    full = matrix.copy()
    full[:, 2] += middle - matrix[:, :2] @ middle
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for first in range(0, channels, 3):
        part = np.ascontiguousarray(image[:, :, first : first + 3])
        part = part.copy() if part.base is image else part
        moved = cv2.warpAffine(
            part, full, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
        )
        image[:, :, first : first + 3] = moved.reshape(part.shape)


def gray(image: Image) -> None:
    """Luma on all three channels."""
    cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB, dst=image)


def brightness(image: Image, factor: float) -> None:
    """Pixels times a factor."""
    cv2.convertScaleAbs(image, dst=image, alpha=factor)


def contrast(image: Image, factor: float) -> None:
    """Pixels blended with the mean gray."""
    red, green, blue, _ = cv2.mean(image)
    offset = (1.0 - factor) * (_RED * red + _GREEN * green + _BLUE * blue)
    if offset >= 0:
        cv2.convertScaleAbs(image, dst=image, alpha=factor, beta=offset)
    else:
        cv2.addWeighted(image, factor, image, 0.0, offset, dst=image)


def saturation(image: Image, factor: float) -> None:
    """Pixels blended with their own gray."""
    rest = 1.0 - factor
    red, green, blue = rest * _RED, rest * _GREEN, rest * _BLUE
    matrix = np.array(
        [[red + factor, green, blue], [red, green + factor, blue], [red, green, blue + factor]],
        np.float32,
    )
    cv2.transform(image, matrix, dst=image)


def hue(image: Image, turn: float, room: Floats) -> None:
    """The HSV hue turned by a share of the full turn.

    In float32: 8 bits of hue are steps of 1.4 degrees, which strong colors show.

    Args:
        image: uint8 [h,w,3].
        turn: share of the full turn.
        room: float32 [h,w,3], overwritten.
    """
    np.copyto(room, image)
    cv2.cvtColor(room, cv2.COLOR_RGB2HSV, dst=room)
    # OpenCV wraps hues above 360 degrees, not those below 0.
    cv2.add(room, (360.0 * (turn % 1.0), 0.0, 0.0, 0.0), dst=room)  # type: ignore[call-overload]
    cv2.cvtColor(room, cv2.COLOR_HSV2RGB, dst=room)
    cv2.convertScaleAbs(room, dst=image)


def blur(image: Image, sigma: float) -> None:
    """Gaussian blur with a kernel of 2 ceil(3 sigma) + 1 pixels."""
    kernel = cv2.getGaussianKernel(2 * math.ceil(3 * sigma) + 1, sigma, cv2.CV_32F)
    cv2.sepFilter2D(image.copy(), -1, kernel, kernel, dst=image, borderType=cv2.BORDER_REFLECT_101)


def solarize(image: Image) -> None:
    """Values of 128 and above, inverted."""
    cv2.LUT(image, _SOLARIZE, dst=image)


def look_up(image: Image, table: npt.NDArray[np.int_]) -> None:
    """Each value replaced by the table's."""
    cv2.LUT(image, table.astype(np.uint8), dst=image)
