from __future__ import annotations

import math

import pytest
import torch

from presight.data.scenes.pose import five_poses, viewpoint
from presight.data.scenes.vectors import about

STILL = about(torch.zeros(3, 1))


def turned(x: float, y: float, z: float) -> torch.Tensor:
    return about(torch.tensor([[x], [y], [z]]))


@pytest.mark.parametrize(
    ("turn", "azimuth"),
    [((0, 0, 0), 0), ((0, 0, 0.4), -0.4), ((0, 0, -math.pi / 2), math.pi / 2)],
)
def test_azimuth_is_that_of_the_camera_in_the_objects_frame(
    turn: tuple[float, float, float], azimuth: float
) -> None:
    found = viewpoint(turned(*turn), torch.zeros(3, 1), torch.tensor([2.0, 0.0, 0.0]))
    assert found[:, 0].tolist() == pytest.approx([azimuth, 0], abs=1e-6)


def test_elevation_is_a_quarter_turn_from_above() -> None:
    found = viewpoint(STILL, torch.zeros(3, 1), torch.tensor([0.0, 0.0, 2.0]))
    assert float(found[1, 0]) == pytest.approx(math.pi / 2, abs=1e-3)
    lifted = viewpoint(STILL, torch.tensor([[0.0], [0.0], [1.0]]), torch.tensor([1.0, 0.0, 0.0]))
    assert float(lifted[1, 0]) == pytest.approx(-math.pi / 4, abs=1e-6)


@pytest.mark.parametrize(
    ("turn", "pose"),
    [
        ((0, 0, 2.0), 0),
        ((0, math.radians(22), 0), 0),
        ((0, math.radians(23), 0), 1),  # about y: the top goes to +x
        ((-0.6, 0, 0), 2),
        ((0, -0.6, 0), 3),
        ((0.6, 0, 0), 4),
        ((0.6 * math.sin(-0.7), 0.6 * math.cos(-0.7), 0), 1),  # 40 degrees beside +x
        ((0.6 * math.sin(-0.9), 0.6 * math.cos(-0.9), 0), 2),  # 52 degrees
    ],
)
def test_five_poses(turn: tuple[float, float, float], pose: int) -> None:
    assert five_poses(turned(*turn)).tolist() == [pose]
