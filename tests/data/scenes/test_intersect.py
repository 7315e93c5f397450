"""Rays against solids: hits lie on the surface, the first one, and as many as the area says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from presight.data.scenes import intersect as solids

KINDS = [
    (solids.ELLIPSOID, 1.0),
    (solids.BOX, 1.0),
    (solids.FRUSTUM, 1.0),
    (solids.FRUSTUM, 0.3),
    (solids.CUSHION, 1.0),
    (solids.BRICK, 1.0),
    (solids.TORUS, 0.3),
]
ON_SURFACE = 1e-2  # the march ends within 5e-3 of a torus, Newton's within 2e-2 of a sum


def outside(kind: int, x: Tensor, p: float) -> Tensor:
    """Negative within a solid, zero on its surface."""
    a, b, c = x.abs()
    if kind == solids.ELLIPSOID:
        return (x * x).sum(0).sqrt() - 1
    if kind == solids.BOX:
        return torch.maximum(torch.maximum(a, b), c) - 1
    if kind == solids.FRUSTUM:
        radius = (1 + p) / 2 + (p - 1) / 2 * x[2]
        return torch.maximum((x[0] ** 2 + x[1] ** 2).sqrt() - radius, c - 1)
    if kind == solids.TORUS:
        return (((x[0] ** 2 + x[1] ** 2).sqrt() - 1) ** 2 + x[2] ** 2).sqrt() - p
    k = 4 if kind == solids.CUSHION else 8
    return (a**k + b**k + c**k) ** (1 / k) - 1


def rays(count: int = 4000) -> tuple[Tensor, Tensor]:
    """From a ball of radius 4 towards places near the middle."""
    generator = torch.Generator().manual_seed(0)
    origin = torch.randn(3, count, generator=generator)
    origin = 4 * origin / origin.norm(dim=0)
    aim = 2.4 * torch.rand(3, count, generator=generator) - 1.2
    return origin, aim - origin


@pytest.mark.parametrize(("kind", "p"), KINDS)
def test_hits_lie_on_the_surface_and_nothing_lies_before(kind: int, p: float) -> None:
    origin, ray = rays()
    t = solids.entry(kind, origin, ray, torch.full((4000,), p), 1e-4)
    hit = t.isfinite()
    assert 0.1 < hit.float().mean() < 0.95
    at = origin + t * ray
    assert outside(kind, at[:, hit], p).abs().max() < ON_SURFACE
    steps = torch.linspace(0, 1.6, 400)
    path = origin[:, :, None] + steps * ray[:, :, None]
    inside = outside(kind, path.reshape(3, -1), p).view(4000, 400) < -ON_SURFACE
    first = torch.where(inside.any(1), steps[inside.float().argmax(1)], math.inf)
    assert (t <= first).all()


@pytest.mark.parametrize(("kind", "p"), KINDS)
def test_parallel_rays_hit_as_often_as_the_shadow_is_large(kind: int, p: float) -> None:
    side = 401
    axis = torch.linspace(-1.5, 1.5, side)
    x, y = axis.repeat(side), axis.repeat_interleave(side)
    origin = torch.stack([x, y, torch.full_like(x, 5.0)])
    ray = torch.tensor([0.0, 0.0, -1.0])[:, None].expand_as(origin)
    t = solids.entry(kind, origin, ray, torch.full_like(x, p), 1e-4)
    area = float(t.isfinite().float().mean()) * 9

    def power(k: int) -> float:
        return 4 * math.gamma(1 + 1 / k) ** 2 / math.gamma(1 + 2 / k)

    expected = {
        solids.ELLIPSOID: math.pi,
        solids.BOX: 4.0,
        solids.FRUSTUM: math.pi,
        solids.CUSHION: power(4),
        solids.BRICK: power(8),
        solids.TORUS: math.pi * ((1 + p) ** 2 - (1 - p) ** 2),
    }[kind]
    assert area == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("kind", "p"), KINDS)
def test_normals_are_the_gradient(kind: int, p: float) -> None:
    origin, ray = rays()
    parameter = torch.full((4000,), p)
    t = solids.entry(kind, origin, ray, parameter, 1e-4)
    hit = t.isfinite()
    at = (origin + t * ray)[:, hit].double().requires_grad_()
    if kind == solids.FRUSTUM:  # a rim has no normal
        at = at.detach()[:, (at[2].abs() < 0.98) | (at[2].abs() > 0.9999)].requires_grad_()
    outside(kind, at, p).sum().backward()
    gradient = torch.nn.functional.normalize(at.grad, dim=0)
    held = torch.full((at.shape[1],), kind)
    found = solids.normal(held, at.detach().float(), parameter[: at.shape[1]]).double()
    found = torch.nn.functional.normalize(found, dim=0)
    cosine = (found * gradient).sum(0)
    assert cosine.quantile(0.01) > 0.995


@pytest.mark.parametrize(("kind", "p"), KINDS)
def test_rays_that_begin_behind_or_point_away_miss(kind: int, p: float) -> None:
    origin, ray = rays(500)
    parameter = torch.full((500,), p)
    assert solids.entry(kind, origin, -ray, parameter, 1e-4).isinf().all()
    t = solids.entry(kind, origin, ray, parameter, 1e-4)
    if kind != solids.TORUS:  # which can be entered twice
        later = solids.entry(kind, origin, ray, parameter, 1.7)
        assert (later.isinf() | (t > 1.7)).all()


def test_sizes_of_the_boxes_around() -> None:
    kind = torch.tensor([solids.BOX, solids.TORUS])
    half = solids.half_sizes(kind, torch.tensor([1.0, 0.25]))
    assert half.T.tolist() == [[1, 1, 1], [1.25, 1.25, 0.25]]
