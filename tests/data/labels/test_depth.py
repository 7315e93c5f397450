from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.labels.making import halves, images, opened, plane, told
from data.making import write
from presight.errors import DataError, UsageError


def test_whole_numbers_have_a_scale_and_floats_are_meters(tmp_path: Path) -> None:
    images(tmp_path, 2)
    plane(tmp_path / "depth/0.png", halves(1500, 60_000, np.uint16))
    write(tmp_path / "depth/x", b"")
    np.save(tmp_path / "depth/1.npy", halves(1, 2, np.float64) + 0.25)
    source = opened(tmp_path, "depth", depth_scale=0.001)
    first = source.target(0)
    assert first.depth.dtype == np.float32
    np.testing.assert_allclose(first.depth[0, [0, -1]], [1.5, 60], rtol=1e-6)
    assert first.valid.all()
    only = opened(tmp_path, "depth")
    assert only.target(0).depth[0, [0, -1]].tolist() == [1.25, 2.25]
    assert told(only)[0] == (
        "0.png: whole numbers without a scale; say --depth-scale, 0.001 for millimeters: dropped"
    )


def test_zeros_negatives_and_nan_are_not_known_and_counted(tmp_path: Path) -> None:
    images(tmp_path, 2)
    values = halves(1, 2, np.float32)
    values[0, :6] = [0, 0, -1, np.nan, np.inf, -np.inf]
    for name in "01":
        np.save(tmp_path / "images" / name, values)
    (tmp_path / "depth").mkdir()
    for name in "01":
        (tmp_path / "images" / f"{name}.npy").rename(tmp_path / "depth" / f"{name}.npy")
    source = opened(tmp_path, "depth")
    target = source.target(0)
    assert target.depth[0, :7].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert target.valid.sum() == values.size - 6
    assert source.summary() == [
        "pixel whose depth is not finite, not known: 6 (first: 0.npy)",
        "pixel of depth 0, not known: 4 (first: 0.npy)",
        "pixel of negative depth, not known: 2 (first: 0.npy)",
    ]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    images(tmp_path, 5)
    np.save(write(tmp_path / "depth/0.npy"), halves(1, 2, np.float32))
    plane(tmp_path / "depth/1.png", halves(1, 2))
    np.save(tmp_path / "depth/2.npy", halves(1, 2, np.float32)[:5])
    np.save(tmp_path / "depth/3.npy", halves(0, -2, np.float32))
    np.save(tmp_path / "depth/4.npy", np.zeros(7, np.float32))
    source = opened(tmp_path, "depth", depth_scale=1.0)
    assert told(source)[:4] == [
        "1.png: 8 bits, too few for depths; 16-bit PNG or .npy was expected: dropped",
        "2.npy: depth of 32 x 5 for an image of 32 x 24 pixels: dropped",
        "3.npy: no pixel with a depth: dropped",
        "4.npy: 1 axes; a depth a pixel was expected: dropped",
    ]
    assert len(source) == 1


def test_nothing_usable_and_a_wrong_scale(tmp_path: Path) -> None:
    images(tmp_path, 1)
    plane(tmp_path / "depth/0.png", halves(1, 2, np.uint16))
    with pytest.raises(DataError, match=r"no usable label .*(\n.*)*--depth-scale"):
        opened(tmp_path, "depth")
    for scale in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="a depth scale of"):
            opened(tmp_path, "depth", depth_scale=scale)
