from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from presight.data.scenes.pose import matrices
from presight.data.scenes.vectors import about, compose
from presight.evaluation.tasks.turns import (
    ANY,
    HALF,
    degrees_apart,
    matrices_of_six,
    mean_turn,
    quaternions,
    squared_chord,
    upright,
)


def random_turns(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return upright(drawn / drawn.norm(dim=1, keepdim=True)).float()


def about_z(turns: torch.Tensor, angle: float | torch.Tensor) -> torch.Tensor:
    """Turns after the object was turned about its own axis."""
    vector = torch.zeros(3, len(turns))
    vector[2] = angle
    return compose(turns.mT, about(vector)).mT


def scipy_of(turns: torch.Tensor) -> Rotation:
    return Rotation.from_quat(turns.double().numpy()[:, [1, 2, 3, 0]])


def test_equal_turns_are_exactly_nothing_apart() -> None:
    """Catalogue T13: in float32 an arccosine gives up to 0.04 degrees, or NaN."""
    turns = random_turns(100_000)
    for symmetry in (0, HALF, ANY):
        found = degrees_apart(turns, turns, torch.full((len(turns),), symmetry))
        assert found.dtype == torch.float32
        assert not found.any()


def test_random_turns_are_126_degrees_apart() -> None:
    """Catalogue T14: pi / 2 + 2 / pi on average, and 0.75 % of them nearer than 30 degrees."""
    found = degrees_apart(random_turns(200_000, 1), random_turns(200_000, 2)).double()
    assert float(found.mean()) == pytest.approx(math.degrees(math.pi / 2 + 2 / math.pi), abs=0.3)
    share = (math.pi / 6 - math.sin(math.pi / 6)) / math.pi
    assert float((found < 30).double().mean()) == pytest.approx(share, abs=0.0008)


def test_distances_are_those_of_a_second_implementation() -> None:
    first, second = random_turns(500, 1), random_turns(500, 2)
    expected = np.degrees((scipy_of(first).inv() * scipy_of(second)).magnitude())
    assert degrees_apart(first, second).numpy() == pytest.approx(expected, abs=1e-3)
    assert degrees_apart(first, -second).numpy() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("symmetry", "members"), [(HALF, 2), (ANY, 720)])
def test_symmetric_objects_take_the_nearest_member_of_their_group(
    symmetry: int, members: int
) -> None:
    first, second = random_turns(60, 3), random_turns(60, 4)
    kind = torch.full((60,), symmetry)
    angles = [2 * math.pi * i / members for i in range(members)]
    each = torch.stack([degrees_apart(first, about_z(second, angle)) for angle in angles])
    found = degrees_apart(first, second, kind)
    torch.testing.assert_close(found, each.min(0).values, atol=2e-2, rtol=0)
    turned = about_z(second, angles[1])
    torch.testing.assert_close(degrees_apart(first, turned, kind), found, atol=1e-3, rtol=0)


@pytest.mark.parametrize("symmetry", [0, HALF, ANY])
def test_squared_chords_are_8_sin2_of_half_the_distance(symmetry: int) -> None:
    first, second = random_turns(300, 5), random_turns(300, 6)
    kind = torch.full((300,), symmetry)
    angle = torch.deg2rad(degrees_apart(first, second, kind))
    found = squared_chord(matrices(first), matrices(second), kind)
    torch.testing.assert_close(found, 8 * (angle / 2).sin().square(), atol=1e-4, rtol=0)
    if not symmetry:
        norms = (matrices(first) - matrices(second)).square().sum((1, 2))
        torch.testing.assert_close(found, norms, atol=1e-5, rtol=0)


def test_chords_have_gradients_where_they_are_least() -> None:
    for symmetry in (0, HALF, ANY):
        six = torch.tensor([[1.0, 0, 0, 0, -1.0, 0]], requires_grad=True)
        target = matrices(torch.tensor([[1.0, 0, 0, 0]]))
        loss = squared_chord(matrices_of_six(six), target, torch.tensor([symmetry]))
        loss.sum().backward()
        assert six.grad is not None
        assert six.grad.isfinite().all()


def test_six_numbers_become_turns() -> None:
    six = torch.randn(200, 6, generator=torch.Generator().manual_seed(7))
    found = matrices_of_six(six)
    torch.testing.assert_close(found.mT @ found, torch.eye(3).expand(200, 3, 3), atol=1e-5, rtol=0)
    assert torch.linalg.det(found).tolist() == pytest.approx([1.0] * 200, abs=1e-5)
    turns = matrices(random_turns(50))
    back = matrices_of_six(torch.cat([3 * turns[:, :, 0], turns[:, :, 1] + turns[:, :, 0]], 1))
    torch.testing.assert_close(back, turns, atol=1e-5, rtol=0)


def test_matrices_and_quaternions_are_those_of_a_second_implementation() -> None:
    turns = torch.cat([random_turns(500), torch.eye(4), upright(-torch.eye(4))])
    wide = matrices(turns.double())
    assert wide.numpy() == pytest.approx(scipy_of(turns).as_matrix(), abs=1e-6)
    assert degrees_apart(quaternions(wide), turns.double()).max() < 1e-4
    assert (quaternions(wide)[:, 0] >= 0).all()


def test_the_mean_turn_is_that_of_a_second_implementation() -> None:
    turns = random_turns(40, 8)
    signs = torch.tensor([1.0, -1.0]).repeat(20)[:, None]
    expected = scipy_of(turns).mean().as_matrix()
    found = matrices(mean_turn(turns * signs)[None].double())[0]
    assert found.numpy() == pytest.approx(expected, abs=1e-5)
