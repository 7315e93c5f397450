from __future__ import annotations

import math

import pytest
import torch

from presight.data.scenes.camera import PLACE, camera


@pytest.mark.parametrize("objects", [1, 4])
def test_the_origin_is_in_the_middle_and_its_depth_is_the_distance(objects: int) -> None:
    column, row, depth = camera(objects).project(torch.zeros(3, 1), 64)[:, 0].tolist()
    assert (column, row) == pytest.approx((32, 32), abs=1e-4)
    assert depth == pytest.approx(math.hypot(*PLACE), abs=1e-5)


def test_left_of_the_world_is_right_of_the_image_and_up_is_up() -> None:
    """The camera looks along -x, so +y lies to its right."""
    column, row, _ = camera(1).project(torch.tensor([[0.0], [0.1], [0.1]]), 64)[:, 0].tolist()
    assert column > 32
    assert row < 32


@pytest.mark.parametrize(("objects", "degrees"), [(1, 28.7), (4, 38.0)])
def test_fields_of_view(objects: int, degrees: float) -> None:
    assert 2 * math.degrees(math.atan(1 / camera(objects).focal)) == pytest.approx(degrees, abs=0.1)


def test_a_rolled_camera_turns_the_picture() -> None:
    point = torch.tensor([[0.0], [0.1], [0.05]])
    x, y, depth = camera(1).project(point, 64)[:, 0].tolist()
    u, v, same = camera(1, roll=math.pi / 2).project(point, 64)[:, 0].tolist()
    assert same == pytest.approx(depth, abs=1e-5)
    assert (u - 32, v - 32) == pytest.approx((y - 32, 32 - x), abs=1e-3)
    assert camera(1, roll=0.3).axes.T @ camera(1, roll=0.3).axes == pytest.approx(
        torch.eye(3), abs=1e-6
    )
