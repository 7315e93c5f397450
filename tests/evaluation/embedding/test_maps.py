from __future__ import annotations

import pytest
import torch

from presight.evaluation.embedding import maps
from presight.evaluation.embedding.maps import layout


def clusters(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three far groups in twelve dimensions."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 3
    rows = 0.05 * torch.randn(n, 12, generator=generator)
    rows[torch.arange(n), labels] += 1.0
    return rows, labels


def same_class(places: torch.Tensor, labels: torch.Tensor) -> float:
    distance = torch.cdist(places, places)
    distance.fill_diagonal_(torch.inf)
    return float((labels[distance.argmin(1)] == labels).float().mean())


@pytest.mark.parametrize("kind", ["tsne", "pca"])
def test_groups_stay_together_and_a_seed_gives_one_map(kind: maps.Kind) -> None:
    rows, labels = clusters(60)
    places, told = layout(rows, kind, seed=3)
    assert same_class(places, labels) == 1.0
    assert torch.equal(places, layout(rows, kind, seed=3)[0])
    assert told["kind"] == kind
    assert 0.0 <= told["variance_in_plane"] <= 1.0


def test_images_that_are_not_laid_out_stand_among_their_neighbors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maps, "MOST", 30)
    rows, labels = clusters(120)
    places, told = layout(rows)
    assert told["laid_out"] == 30
    assert torch.isfinite(places).all()
    assert same_class(places, labels) == 1.0


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_few_images_and_equal_ones_have_places_too(n: int) -> None:
    for rows in (torch.ones(n, 4), torch.eye(n, 4) + 0.1):
        for kind in ("tsne", "pca", "none"):
            places, _ = layout(rows, kind)  # type: ignore[arg-type]
            assert places.shape == (n, 2)
            assert torch.isfinite(places).all()
