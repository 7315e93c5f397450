from __future__ import annotations

import pytest
import torch

from presight.evaluation.tasks.heatmaps import HeatMaps, decoded, gaussians


def test_gaussians_are_read_back_between_places() -> None:
    points = torch.rand(4, 5, 2, generator=torch.Generator().manual_seed(1))
    points[0, 0], points[0, 1] = torch.tensor([0.99, 0.01]), torch.tensor([0.0, 1.0])
    maps = gaussians(points, 16)
    assert maps.sum((2, 3)).flatten().tolist() == pytest.approx([1.0] * 20, abs=1e-5)
    found = decoded(maps.log())
    assert found[..., :2].flatten().tolist() == pytest.approx(points.flatten().tolist(), abs=1e-4)
    assert found[..., 2].flatten().tolist() == pytest.approx(maps.amax((2, 3)).flatten().tolist())


def test_peaks_at_the_edge_and_flat_maps_stay_inside() -> None:
    maps = torch.zeros(1, 3, 4, 4)
    maps[0, 0, 0, 3] = 9.0
    maps[0, 1, 2, 1:3] = 9.0
    found = decoded(maps)[0]
    assert found[0, :2].tolist() == [3.5 / 4, 0.5 / 4]
    assert found[1, :2].tolist() == [2 / 4, 2.5 / 4]
    assert found.isfinite().all()
    assert ((found >= 0) & (found <= 1)).all()


def test_maps_are_doubled_until_they_are_a_quarter_of_the_view() -> None:
    head = HeatMaps(5, 3)
    for doubling in head.doublings:
        doubling.register_forward_hook(lambda *_: used.append(1))
    for side, expected in ((2, 3), (7, 3), (8, 1), (16, 0), (30, 0)):
        used: list[int] = []
        wanted = 16 if side != 7 else 56
        assert head(torch.rand(2, 5, side, side), wanted).shape == (2, 3, wanted, wanted)
        assert len(used) == expected
