from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from presight.errors import UsageError
from presight.evaluation import clusters
from presight.evaluation.clusters import agreement, clustered, matched


def test_chance_is_seen_by_nmi_alone() -> None:
    """1,000 images of 10 classes in 500 clusters at random."""
    random = np.random.default_rng(0)
    found = [
        agreement(random.integers(0, 500, 1000), random.integers(0, 10, 1000)) for _ in range(4)
    ]
    for one in found:
        assert one.nmi == pytest.approx(0.35, abs=0.02)
        assert one.ami == pytest.approx(0.0, abs=0.02)
        assert one.ari == pytest.approx(0.0, abs=0.02)
        assert one.purity > 0.4
    few = agreement(random.integers(0, 10, 1000), random.integers(0, 10, 1000))
    assert few.nmi == pytest.approx(0.019, abs=0.01)


def test_numbers_of_clusters_mean_nothing() -> None:
    classes = np.repeat([0, 1, 2], 20)
    same = agreement((classes * 7 + 5) % 11, classes)
    assert (same.ami, same.nmi, same.ari, same.purity) == pytest.approx((1, 1, 1, 1))
    assert (same.clusters, same.images, same.accuracy) == (3, 60, 1.0)


def test_purity_of_a_worked_example() -> None:
    """Clusters of (2 of one class, 1 of another) and (3 of the other): 5 of 6."""
    assert agreement([4, 4, 4, 9, 9, 9], [0, 0, 1, 1, 1, 1]).purity == pytest.approx(5 / 6)
    alone = agreement(np.arange(6), [0, 0, 1, 1, 1, 1])
    assert alone.purity == 1.0
    assert alone.ami == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_accuracy_is_the_best_of_all_matchings(seed: int) -> None:
    random = np.random.default_rng(seed)
    found, classes = random.integers(0, 4, 30), random.integers(0, 4, 30)
    best = max(
        float(np.mean(np.array(names)[found] == classes))
        for names in itertools.permutations(range(4))
    )
    assert agreement(3 * found + 2, classes).accuracy == best
    assert matched(found, classes).mean() == best


def test_a_matching_is_one_to_one() -> None:
    """Both clusters are mostly class 0; only one may have it, the other takes class 1's one."""
    found = [0] * 5 + [1] * 4
    classes = [0, 0, 0, 0, 0, 0, 0, 0, 1]
    one = agreement(found, classes)
    assert one.accuracy == pytest.approx(6 / 9)
    assert one.purity == pytest.approx(8 / 9)
    assert matched(found, classes).tolist() == [True] * 5 + [False] * 3 + [True]


def test_clusters_without_a_partner_are_wrong() -> None:
    alone = agreement(np.arange(6), [0, 0, 1, 1, 1, 1])
    assert alone.accuracy == pytest.approx(2 / 6)
    assert agreement([0] * 6, [0, 0, 1, 1, 1, 1]).accuracy == pytest.approx(4 / 6)


def groups(n: int, labels: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    centers = 4 * torch.randn(5, 16, generator=generator)
    return centers[labels] + torch.randn(n, 16, generator=generator)


def test_features_in_groups_are_found_and_noise_is_not() -> None:
    labels = torch.arange(200) % 5
    assert clustered(groups(200, labels), labels).ami > 0.9
    assert clustered(groups(200, labels), labels).accuracy > 0.9
    noise = torch.randn(200, 16, generator=torch.Generator().manual_seed(1))
    assert abs(clustered(noise, labels).ami) < 0.1


def test_length_of_features_does_not_matter() -> None:
    labels = torch.arange(200) % 5
    rows = groups(200, labels)
    scaled = rows * (1 + torch.arange(200)[:, None])
    assert clustered(scaled, labels) == clustered(rows, labels)


def test_classes_that_no_image_has_are_not_counted() -> None:
    labels = torch.tensor([2, 9]).repeat(20)
    assert clustered(groups(40, labels % 5), labels).clusters == 2


def test_many_images_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ROWS", 50)
    labels = torch.arange(200) % 5
    assert clustered(groups(200, labels), labels).images == 50


def test_refuses() -> None:
    with pytest.raises(UsageError):
        agreement([0, 1], [0])
    with pytest.raises(UsageError):
        agreement([], [])
    with pytest.raises(UsageError):
        matched([0, 1], [0])
    with pytest.raises(UsageError):
        clustered(torch.zeros(3, 2), torch.zeros(2, dtype=torch.long))
