from __future__ import annotations

import numpy as np
import pytest

from presight.data import raster


def area(points: np.ndarray) -> float:
    canvas = np.zeros((1000, 1000), np.uint8)
    raster.fill(canvas, 500 + 400 * points, (255,))
    return float(canvas.sum() / 255 / 160_000)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (raster.box(-0.5, -1, 0.5, 1), 2.0),
        (raster.box(-0.5, -1, 0.5, 1, 0.5), 1.5),
        (raster.triangle(-1, -1, 1, 1, 0.3), 2.0),
        (raster.disk(0, 0, 1, 0.5), np.pi / 2),
        (raster.disk(0, 0, 1, 1, 0.5), np.pi / 2),
    ],
)
def test_shapes_have_their_area(points: np.ndarray, expected: float) -> None:
    assert area(points) == pytest.approx(expected, rel=0.02)


def test_half_a_disk_is_its_upper_half() -> None:
    assert raster.disk(0, 0, 1, 1, 0.5)[:, 1].max() < 1e-6


@pytest.mark.parametrize("first", [0.1, 0.5, 0.9])
def test_textures_stay_within_one(first: float) -> None:
    for seed in range(5):
        u = np.random.default_rng(seed).random(5, dtype=np.float32)
        u[0] = first
        pattern = raster.texture(32, u)
        assert pattern.shape == (32, 32)
        assert np.abs(pattern).max() <= 1
        assert pattern.std() > 0.05


def test_noise_has_unit_variance_and_crops_wrap() -> None:
    for smooth in (False, True):
        tile = raster.noise(256, np.zeros(2, np.float32), smooth=smooth)
        assert tile.std() == pytest.approx(1, abs=0.05)
        far = raster.noise(64, np.full(2, 0.999, np.float32), smooth=smooth)
        assert far.shape == (64, 64)
        np.testing.assert_array_equal(far[1:, 1:], tile[:63, :63])


def test_grid_is_centered() -> None:
    x, y = raster.grid(4)
    assert x[0].tolist() == y[:, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]


def test_the_ground_begins_above_the_feet() -> None:
    u = np.zeros(24, np.float32)
    u[0], u[1:4], u[5:8] = 1, 1, 0
    image = raster.background(64, u, feet=0.2)[:, 32, 0]
    assert image[37] < 60  # row 37 is at 0.17, between horizon and feet
    assert image[32] > 200
