"""Clustering: against scikit-learn, closed forms, empty clusters, determinism, sampling."""

from __future__ import annotations

import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn.functional import normalize

from presight.errors import UsageError
from presight.nn import cluster
from presight.nn.cluster import balanced, kmeans, whiten


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def blobs(each: int = 40, k: int = 5) -> Tensor:
    centers = 20 * noise(k, 2, seed=1)
    return centers.repeat_interleave(each, 0) + noise(each * k, 2)


# k-means.


def test_it_finds_blobs() -> None:
    found = kmeans(blobs(), 5).assignments.view(5, 40)
    assert (found == found[:, :1]).all()
    assert len(found[:, 0].unique()) == 5


def test_it_equals_scikit_learn_from_the_same_start() -> None:
    rows, start = noise(300, 4), noise(300, 4)[:7]
    ours = kmeans(rows.double(), 7, start=start, iterations=300)
    other = KMeans(7, init=start.double().numpy(), n_init=1, max_iter=300, tol=0)
    labels = torch.from_numpy(other.fit_predict(rows.double().numpy())).long()
    assert torch.equal(ours.assignments, labels)
    assert ours.inertia[-1].item() * 300 == pytest.approx(other.inertia_, rel=1e-10)


def test_inertia_does_not_grow() -> None:
    inertia = kmeans(noise(500, 6), 20).inertia
    assert (inertia.diff() <= 1e-6).all()
    assert inertia[-1] < inertia[0]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = noise(257, 5).double()
    whole = kmeans(rows, 8)
    monkeypatch.setattr(cluster, "SCORES_AT_ONCE", 8 * 16)
    parts = kmeans(rows, 8)
    assert torch.equal(whole.assignments, parts.assignments)
    assert torch.allclose(whole.centroids, parts.centroids, atol=1e-12)


def test_the_key_decides_and_nothing_else() -> None:
    rows = noise(400, 8)
    torch.manual_seed(1)
    first = kmeans(rows, 12, key=(0, 1, "a"))
    torch.manual_seed(2)
    assert torch.equal(first.assignments, kmeans(rows, 12, key=(0, 1, "a")).assignments)
    assert not torch.equal(first.assignments, kmeans(rows, 12, key=(0, 2, "a")).assignments)


def test_empty_clusters_split_the_largest() -> None:
    rows = blobs(40, 3)
    start = torch.cat((rows[:1], torch.full((4, 2), 1e4)))
    found = kmeans(rows, 5, start=start, iterations=50)
    sizes = found.assignments.bincount(minlength=5)
    assert (sizes > 0).all()
    assert sizes.sum() == 120


def test_spherical_centroids_are_unit_vectors() -> None:
    rows = normalize(noise(200, 6), dim=1)
    centroids = kmeans(rows, 9, spherical=True).centroids
    assert torch.allclose(centroids.norm(dim=1), torch.ones(9))


def test_equal_rows_do_not_break_it() -> None:
    found = kmeans(torch.ones(20, 3), 4)
    assert found.inertia[-1] < 1e-5
    assert found.assignments.max() < 4


def test_seeds_spread() -> None:
    """k-means++ seeds lie in different blobs much more often than uniform ones (4 %)."""
    rows = blobs(40, 5)
    spread = [
        len(
            {
                int((rows == seed).all(1).nonzero()[0]) // 40
                for seed in cluster._seeds(rows, 5, (i,))
            }
        )
        for i in range(20)
    ]
    assert sum(count == 5 for count in spread) >= 10


@pytest.mark.parametrize("k", [0, 11])
def test_more_clusters_than_rows(k: int) -> None:
    with pytest.raises(UsageError, match=f"1 to 10 clusters .* received {k}"):
        kmeans(noise(10, 2), k)


# Whitening.


def test_whitened_features_have_the_identity_as_covariance() -> None:
    features = noise(800, 10) @ noise(10, 10, seed=1) + 5
    white = whiten(features, 6, block=100)
    assert white.shape == (800, 6)
    assert torch.allclose(white.T.cov(), torch.eye(6), atol=1e-4)
    assert white.mean(0).abs().max() < 1e-4


def test_components_come_in_order_of_variance() -> None:
    features = noise(500, 3) * torch.tensor([1.0, 30.0, 5.0])
    white = whiten(features, 2)
    assert torch.corrcoef(torch.stack((white[:, 0], features[:, 1])))[0, 1].abs() > 0.999
    assert torch.corrcoef(torch.stack((white[:, 1], features[:, 2])))[0, 1].abs() > 0.99


def test_components_without_variance_are_zero() -> None:
    features = torch.cat((noise(200, 2), torch.ones(200, 3)), 1)
    white = whiten(features, 9)
    assert white.shape == (200, 5)
    assert torch.isfinite(white).all()
    assert not white[:, 2:].any()


def test_half_precision_tables_are_taken() -> None:
    features = noise(200, 4).half()
    assert torch.allclose(whiten(features, 4), whiten(features.double(), 4), atol=1e-6)


# Sampling.

SIZES = torch.tensor([600, 200, 100, 70, 30])


def test_clusters_are_drawn_equally_often() -> None:
    """T18. Indices count in the order of the assignments, whatever that is."""
    assignments = torch.arange(5).repeat_interleave(SIZES)[torch.randperm(1000)]
    drawn = assignments[balanced(assignments)].bincount(minlength=5)
    assert drawn.tolist() == [200] * 5


def test_indices_of_a_reordered_set_are_not_balanced() -> None:
    """Negative control: the release draws indices that fit the data sorted by cluster."""
    assignments = torch.arange(5).repeat_interleave(SIZES)[
        torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    ]
    order = assignments.argsort(stable=True)
    drawn = assignments[order][balanced(assignments)].bincount(minlength=5)
    assert drawn[0] > 500


def test_remainders_go_to_single_clusters() -> None:
    assignments = torch.arange(3).repeat_interleave(torch.tensor([50, 30, 21]))
    drawn = assignments[balanced(assignments, key=(1,))].bincount()
    assert sorted(drawn.tolist()) == [33, 34, 34]


def test_empty_clusters_are_never_drawn() -> None:
    assignments = torch.tensor([0, 0, 4, 4, 4, 9])
    drawn = assignments[balanced(assignments)]
    assert drawn.bincount(minlength=10).tolist() == [2, 0, 0, 0, 2, 0, 0, 0, 0, 2]


def test_large_clusters_do_not_repeat() -> None:
    assignments = torch.arange(5).repeat_interleave(SIZES)
    indices = balanced(assignments)
    large = indices[assignments[indices] == 0]
    assert len(large.unique()) == len(large) == 200


def test_sampling_depends_on_the_key() -> None:
    assignments = torch.arange(5).repeat_interleave(SIZES)
    assert torch.equal(balanced(assignments, key=(1, "x")), balanced(assignments, key=(1, "x")))
    assert not torch.equal(balanced(assignments, key=(1, "x")), balanced(assignments, key=(2, "x")))
