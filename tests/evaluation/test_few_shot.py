"""Episodes against scikit-learn's classifiers, and against what chance gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from torch import Tensor
from torch.nn.functional import normalize

from presight.errors import DataError, UsageError
from presight.evaluation.few_shot import (
    Episodes,
    FewShot,
    few_shot,
    logistic_regression,
    nearest_mean,
)

QUICK = Episodes(ways=3, shots=2, queries=4, count=30)
MEAN = {"mean": nearest_mean}


def made(n: int = 60, seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 4
    return 2 * torch.eye(4, 8)[labels] + noise * torch.randn(n, 8, generator=generator), labels


@pytest.mark.parametrize("seed", range(4))
def test_nearest_mean_is_scikit_learns(seed: int) -> None:
    features, labels = made(seed=seed)
    found = nearest_mean(features[:20], labels[:20], features[20:])
    other = NearestCentroid().fit(features[:20].numpy(), labels[:20].numpy())
    assert found.tolist() == other.predict(features[20:].numpy()).tolist()


@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_regression_is_scikit_learns_as_it_comes(classes: int) -> None:
    features, labels = made(noise=2.0)
    features, labels = normalize(features, dim=1), labels % classes
    found = logistic_regression(features[:20], labels[:20], features[20:])
    other = LogisticRegression(C=1.0, max_iter=1000).fit(features[:20].numpy(), labels[:20].numpy())
    assert found.tolist() == other.predict(features[20:].numpy()).tolist()


def test_the_published_episodes_are_the_default() -> None:
    episodes = Episodes()
    assert (episodes.ways, episodes.queries, episodes.count) == (5, 15, 600)


def test_classes_apart_are_told_apart_and_noise_is_at_chance() -> None:
    for one in few_shot(*made(noise=0.05), QUICK).values():
        assert one.mean == 1.0
        assert one.margin == 0.0
    noise = torch.randn(60, 8, generator=torch.Generator().manual_seed(1))
    for one in few_shot(noise, torch.arange(60) % 4, QUICK).values():
        assert one.mean == pytest.approx(1 / 3, abs=0.1)


def test_the_margin_is_196_deviations_of_the_mean() -> None:
    values = np.array([0.2, 0.4, 0.6, 0.8] * 150)
    assert FewShot(values).mean == pytest.approx(0.5)
    assert FewShot(values).margin == pytest.approx(1.96 * math.sqrt(0.05) / math.sqrt(600))


def test_no_image_is_learned_from_and_asked() -> None:
    """Each image points a way of its own: only an image that was learned from would be known."""
    labels = torch.arange(40) % 4
    seen: list[tuple[Tensor, Tensor]] = []

    def watched(support: Tensor, own: Tensor, queries: Tensor) -> Tensor:
        seen.append((support.argmax(1), queries.argmax(1)))
        assert labels[support.argmax(1)].view(3, 2).unique(dim=1).shape == (3, 1)
        return torch.zeros(len(queries), dtype=torch.long)

    found = few_shot(torch.eye(40), labels, QUICK, classifiers={"watched": watched})
    assert found["watched"].mean == pytest.approx(1 / 3)
    for support, queries in seen:
        assert len(torch.unique(torch.cat((support, queries)))) == 3 * (2 + 4)
    assert len({tuple(support.tolist()) for support, _ in seen}) == QUICK.count
    asked = torch.cat([queries for _, queries in seen])
    assert len(torch.unique(asked)) == 40  # episodes are drawn from all images


def test_classifiers_see_the_same_episodes_and_the_seed_decides_them() -> None:
    features, labels = made()
    pair = {"one": nearest_mean, "other": nearest_mean}
    both = few_shot(features, labels, QUICK, classifiers=pair)
    assert both["one"].values.tolist() == both["other"].values.tolist()
    again = few_shot(features, labels, QUICK, seed=1, classifiers=MEAN)["mean"]
    assert again.values.tolist() != both["one"].values.tolist()


def test_length_of_features_does_not_matter() -> None:
    features, labels = made()
    scaled = features * (1 + torch.arange(60)[:, None])
    plain = few_shot(features, labels, QUICK, classifiers=MEAN)["mean"]
    assert few_shot(scaled, labels, QUICK, classifiers=MEAN)["mean"].mean == pytest.approx(
        plain.mean
    )


def test_classes_with_too_few_images_are_not_drawn() -> None:
    features, labels = made(noise=0.05)
    labels[:3] = torch.tensor([7, 8, 9])
    assert few_shot(features, labels, QUICK, classifiers=MEAN)["mean"].mean == 1.0
    with pytest.raises(DataError, match="4 of 7 classes have 6 images"):
        few_shot(features, labels, Episodes(5, 2, 4, 3))


def test_refuses() -> None:
    features, labels = made()
    with pytest.raises(UsageError, match="two ways"):
        few_shot(features, labels, Episodes(ways=1))
    with pytest.raises(UsageError, match="Pool"):
        few_shot(features, labels[:3])
    with pytest.raises(UsageError, match="NaN"):
        few_shot(features / 0.0, labels)
