"""Values without a range; the other modes are in test_decode.py, as the user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from data.making import encoded
from presight.data.decode import Limits, decode, inspect
from presight.data.modes import rgb, unstated
from presight.data.source import Piece

VALUES = np.array([[-2.0, -1.0], [0.5, 2.0]]).repeat(8, 0).repeat(8, 1)
STRETCHED = np.array([[0, 64], [159, 255]]).repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize(("mode", "factor"), [("F", 1.0), ("F", 1e-3), ("I", 2.0**20)])
def test_values_without_a_range_are_stretched_on_request(mode: str, factor: float) -> None:
    """(v + 2) / 4 of white, whatever the unit."""
    kind = np.float32 if mode == "F" else np.int32
    data = encoded(Image.fromarray((VALUES * factor).astype(kind)), "TIFF")
    limits = Limits(float_range=True)
    assert inspect(Piece("", "", data=data), limits).mode == mode
    result = decode(data, limits)
    for channel in range(3):
        np.testing.assert_array_equal(result[..., channel], STRETCHED)


def test_values_that_are_not_finite_and_flat_images_have_a_place() -> None:
    values = VALUES.astype(np.float32)
    values[0, :3] = (np.nan, np.inf, -np.inf)
    limits = Limits(float_range=True)
    result = decode(encoded(Image.fromarray(values), "TIFF"), limits)[..., 0]
    assert result[0, :3].tolist() == [0, 255, 0]
    np.testing.assert_array_equal(result[1:], STRETCHED[1:])
    assert not decode(encoded(Image.new("F", (16, 16), 3.5), "TIFF"), limits).any()


def test_gray_png_of_16_bits_is_not_stretched() -> None:
    image = Image.fromarray(np.full((16, 16), 257 * 90, np.uint16))
    assert (decode(encoded(image), Limits(float_range=True)) == 90).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "I;16"])
def test_a_stated_range_is_kept(mode: str) -> None:
    image = Image.new(mode, (4, 4))
    assert not unstated(image)
    assert rgb(image).mode == "RGB"
