from __future__ import annotations

import math

import pytest
import torch

from presight.data.scenes.camera import PLACE, camera
from presight.data.scenes.cast import CENTER, QUINCUNX, Parts, look, shadowed
from presight.data.scenes.intersect import BOX, ELLIPSOID, FRUSTUM, KINDS, TORUS
from presight.data.scenes.vectors import about, rotation

AWAY = math.hypot(*PLACE)


def solids(*rows: tuple[int, tuple[float, float, float], float], image: int = 0) -> Parts:
    """Upright solids by kind, center and half size."""
    count = len(rows)
    return Parts.of(
        kind=torch.tensor([kind for kind, _, _ in rows]),
        image=torch.full((count,), image),
        item=torch.arange(count),
        center=torch.tensor([center for _, center, _ in rows]).T.contiguous(),
        axes=torch.eye(3)[..., None] * torch.tensor([half for *_, half in rows]),
        parameter=torch.full((count,), 0.4),
        shade=torch.ones(count),
    )


@pytest.mark.parametrize("radius", [0.05, 0.2, 0.31])
def test_a_sphere_has_the_depth_and_the_outline_that_geometry_says(radius: float) -> None:
    """Depth: distance less radius. Outline: a cone of half angle asin(r / d), cut by the image."""
    size, eye = 257, camera(1)
    seen = look(solids((ELLIPSOID, (0, 0, 0), radius)), eye, size, 1, CENTER)
    depth = seen.depth[0].view(size, size)
    assert float(depth[128, 128]) == pytest.approx(AWAY - radius, abs=1e-3)
    assert float(depth.min()) == pytest.approx(AWAY - radius, abs=1e-3)
    reach = eye.focal * radius / math.sqrt(AWAY**2 - radius**2)
    area = float((seen.part[0] == 0).float().mean()) * 4
    assert area == pytest.approx(math.pi * reach**2, rel=0.01)


def everywhere(parts: Parts, size: int) -> torch.Tensor:
    """What every pixel sees, without the rows' bounds: rays against all parts."""
    from presight.data.scenes.cast import _rays
    from presight.data.scenes.intersect import entry

    held = _rays(parts, camera(1), size)
    x = (torch.arange(size) + 0.5).repeat(size)
    y = (torch.arange(size) + 0.5).repeat_interleave(size)
    best = torch.full((size * size,), math.inf)
    for part, kind in enumerate(parts.kind.tolist()):
        one = held[:, part, None].expand(13, size * size)
        ray = torch.stack([one[3 + a] + one[6 + a] * x + one[9 + a] * y for a in range(3)])
        best = torch.minimum(best, entry(kind, one[:3], ray, one[12], 1e-4))
    return best


def test_no_hit_is_lost_by_testing_only_the_rows_that_a_box_covers() -> None:
    generator = torch.Generator().manual_seed(0)
    count = 60
    frame = rotation(about(2 * torch.randn(3, count, generator=generator)))
    parts = Parts.of(
        kind=torch.arange(count) % KINDS,
        image=torch.zeros(count, dtype=torch.long),
        item=torch.arange(count),
        center=0.25 * torch.randn(3, count, generator=generator),
        axes=frame * (0.004 + 0.12 * torch.rand(3, count, generator=generator)),
        parameter=0.1 + 0.6 * torch.rand(count, generator=generator),
        shade=torch.ones(count),
    )
    seen = look(parts, camera(1), 64, 1, CENTER)
    assert torch.equal(seen.depth[0], everywhere(parts, 64))
    assert 0.2 < (seen.part[0] >= 0).float().mean() < 0.9


def test_the_nearest_part_is_seen_and_ties_go_to_the_first() -> None:
    both = solids((BOX, (0.2, 0, 0), 0.1), (BOX, (0.2, 0, 0), 0.1), (BOX, (-0.3, 0, 0), 0.3))
    seen = look(both, camera(1), 33, 1, CENTER)
    assert int(seen.part[0].view(33, 33)[16, 16]) == 0
    assert set(seen.part[0].tolist()) == {-1, 0, 2}


def test_samples_lie_around_the_center() -> None:
    parts = solids((BOX, (0, 0, 0), 0.2))
    seen = look(parts, camera(1), 16, 1, QUINCUNX)
    assert seen.part.shape == (5, 256)
    assert torch.equal(seen.part[0], look(parts, camera(1), 16, 1, CENTER).part[0])
    left, right = (seen.part[number] >= 0 for number in (1, 2))
    edge = (left != right).view(16, 16).nonzero()
    assert len(edge)
    offsets = torch.tensor(QUINCUNX)
    assert offsets.sum(0).tolist() == [0, 0]


def test_images_of_a_block_do_not_see_each_other() -> None:
    parts = solids((BOX, (0, 0, 0), 0.2), image=1)
    seen = look(parts, camera(1), 16, 2, CENTER)
    assert (seen.part[0][:256] == -1).all()
    assert (seen.part[0][256:] == 0).any()


@pytest.mark.parametrize("kind", [ELLIPSOID, BOX, FRUSTUM])
def test_what_stands_between_darkens_and_what_stands_aside_does_not(kind: int) -> None:
    parts = solids((kind, (0, 0, 0.5), 0.1), (BOX, (0, 0, -0.1), 0.1))
    own = int((parts.center[2] < 0).nonzero())
    at = torch.tensor([[0.0, 0.02, 0.3], [0.0, 0.02, 0.0], [0.0, 0.0, 0.0]])
    image = torch.zeros(3, dtype=torch.long)
    light = torch.tensor([[0.0], [0.0], [1.5]])
    held = torch.full((3,), own)
    assert shadowed(parts, at, held, image, light).tolist() == [True, True, False]
    below = torch.tensor([[0.0], [0.0], [0.36]])  # within the ball around what lies beyond
    assert shadowed(parts, at, held, image, below).tolist() == [False, False, False]


def test_a_convex_part_does_not_darken_itself_but_a_torus_may() -> None:
    light = torch.tensor([[3.0], [0.0], [0.3]])
    image = torch.zeros(1, dtype=torch.long)
    ring = solids((TORUS, (0, 0, 0), 0.2))
    inner = torch.tensor([[-0.12], [0.0], [0.0]])  # inside of the far half of the ring
    assert shadowed(ring, inner, torch.zeros(1, dtype=torch.long), image, light).all()
    ball = solids((ELLIPSOID, (0, 0, 0), 0.2))
    grazing = torch.tensor([[0.0], [0.0], [0.2]])
    assert not shadowed(ball, grazing, torch.zeros(1, dtype=torch.long), image, light).any()
