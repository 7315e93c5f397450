from __future__ import annotations

import math

import torch

from presight.data.scenes import vectors

TOLERANCE = 1e-5  # float32, a handful of products of numbers around 1


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def columns(a: torch.Tensor) -> torch.Tensor:
    """[3, 3, n] to [n, 3, 3]."""
    return a.permute(2, 0, 1)


def test_products_are_those_of_linear_algebra() -> None:
    a, b, m, k = some(3, 8), some(3, 8, seed=1), some(3, 3, 8, seed=2), some(3, 3, 8, seed=3)
    near = {"atol": TOLERANCE, "rtol": 0}
    torch.testing.assert_close(vectors.dot(a, b), (a * b).sum(0), **near)
    torch.testing.assert_close(vectors.cross(a, b), torch.linalg.cross(a, b, dim=0), **near)
    torch.testing.assert_close(
        vectors.times(m, a).T[..., None], columns(m) @ a.T[..., None], **near
    )
    back = vectors.times_transposed(m, a).T[..., None]
    torch.testing.assert_close(back, columns(m).transpose(1, 2) @ a.T[..., None], **near)
    torch.testing.assert_close(columns(vectors.product(m, k)), columns(m) @ columns(k), **near)
    identity = columns(vectors.product(vectors.inverse(m), m))
    torch.testing.assert_close(identity, torch.eye(3).expand(8, 3, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(vectors.unit(a).norm(dim=0), torch.ones(8), **near)
    assert vectors.unit(torch.zeros(3, 1)).eq(0).all()


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    quarter = vectors.about(torch.tensor([[0.0], [0.0], [math.pi / 2]]))
    x = torch.tensor([[1.0], [0.0], [0.0]])
    turned = vectors.times(vectors.rotation(quarter), x)
    torch.testing.assert_close(turned, torch.tensor([[0.0], [1.0], [0.0]]))


def test_rotations_compose_and_stay_rotations() -> None:
    first, second = vectors.about(some(3, 6)), vectors.about(some(3, 6, seed=1))
    both = vectors.compose(first, second)
    assert (both[0] >= 0).all()
    expected = vectors.product(vectors.rotation(first), vectors.rotation(second))
    torch.testing.assert_close(vectors.rotation(both), expected, atol=TOLERANCE, rtol=0)
    frame = columns(vectors.rotation(both))
    eye = torch.eye(3).expand(6, 3, 3)
    torch.testing.assert_close(frame @ frame.transpose(1, 2), eye, atol=TOLERANCE, rtol=0)
    assert vectors.about(torch.zeros(3, 1))[:, 0].tolist() == [1, 0, 0, 0]
