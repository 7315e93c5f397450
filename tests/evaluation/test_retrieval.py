"""Retrieval against scikit-learn query by query, and against what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn.functional import normalize

from presight.errors import DataError, UsageError
from presight.evaluation import retrieval as module
from presight.evaluation.retrieval import metrics, retrieval

CLOSE = 1e-9


def made(n: int = 60, seed: int = 0, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    means = 3 * torch.randn(classes, 6, generator=torch.Generator().manual_seed(9))
    return means[labels] + 2 * torch.randn(n, 6, generator=generator), labels


def plainly(bank: Tensor, labels: Tensor, query: Tensor, label: int, k: int) -> tuple[float, bool]:
    """One query by scikit-learn, and whether one of its k nearest is of its class."""
    similar = (normalize(bank, dim=1) @ normalize(query, dim=0)).numpy()
    relevant = labels.numpy() == label
    return average_precision_score(relevant, similar), bool(
        relevant[np.argsort(-similar)[:k]].any()
    )


def test_every_query_is_scikit_learns_without_itself() -> None:
    features, labels = made()
    found = retrieval(features, labels, ks=(1, 3))
    assert found.bank == 59
    assert found.queries.tolist() == list(range(60))
    for row in range(60):
        others = torch.arange(60) != row
        for place, k in enumerate((1, 3)):
            expected = plainly(features[others], labels[others], features[row], int(labels[row]), k)
            assert found.values["mAP"][row] == pytest.approx(expected[0], abs=CLOSE)
            assert found.values[metrics((1, 3))[place + 1].name][row] == expected[1]


def test_queries_of_their_own_rank_the_whole_bank() -> None:
    bank, labels = made()
    asked, truth = made(20, seed=1)
    found = retrieval(bank, labels, asked, truth, ks=(5,))
    assert found.bank == 60
    for row in range(20):
        expected = plainly(bank, labels, asked[row], int(truth[row]), 5)
        assert found.values["mAP"][row] == pytest.approx(expected[0], abs=CLOSE)
        assert found.values["recall@5"][row] == expected[1]


def test_a_worked_example() -> None:
    """From the first row: class 1, class 0, class 0: precisions 1/2 and 2/3."""
    angles = torch.tensor([0.0, 0.1, 0.21, 0.3])
    rows = torch.stack((angles.cos(), angles.sin()), 1)
    found = retrieval(rows, torch.tensor([0, 1, 0, 0]), ks=(1, 2))
    assert found.queries.tolist() == [0, 2, 3]  # the only one of class 1 can find nothing
    assert found.values["mAP"][0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.values["recall@1"].tolist() == [0, 1, 1]
    assert found.values["recall@2"].tolist() == [1, 1, 1]
    assert found.means["recall@1"] == pytest.approx(2 / 3)


def test_a_query_is_no_answer_to_itself() -> None:
    """Classes of two, opposite each other: each is itself the only thing near."""
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    found = retrieval(rows, torch.tensor([0, 0, 1, 1]), ks=(1,))
    assert found.means["recall@1"] == 0.0
    assert found.means["mAP"] == pytest.approx(1 / 3)


def test_equal_features_are_at_chance_in_any_order() -> None:
    rows, labels = torch.eye(4)[:1].expand(20, 4), torch.arange(20) // 5
    assert retrieval(rows, labels).means["mAP"] == pytest.approx(4 / 19)
    assert retrieval(rows, labels, ks=(1, 15, 16)).means["recall@15"] == 0.0
    assert retrieval(rows, labels, ks=(1, 15, 16)).means["recall@16"] == 1.0
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    assert retrieval(rows, labels[order]).means["mAP"] == pytest.approx(4 / 19)


def test_blocks_change_nothing_and_none_is_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = made()
    whole = retrieval(features, labels)
    monkeypatch.setattr(module, "_CELLS", 7 * 60)
    sizes: list[int] = []
    ranked = module._values

    def watched(similar: Tensor, *rest: Tensor) -> Tensor:
        sizes.append(similar.numel())
        return ranked(similar, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_values", watched)
    told: list[int] = []
    parts = retrieval(features, labels, progress=lambda done, total: told.append(done))
    assert max(sizes) == 7 * 60
    assert told == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    for name, values in whole.values.items():
        assert parts.values[name] == pytest.approx(values, abs=1e-6)


def test_length_of_features_does_not_matter() -> None:
    features, labels = made()
    scaled = features * (1 + torch.arange(60)[:, None])
    assert retrieval(scaled, labels).means == pytest.approx(retrieval(features, labels).means)


def test_more_neighbors_than_images_find_all() -> None:
    features, labels = made(8, classes=2)
    assert retrieval(features, labels, ks=(100,)).means["recall@100"] == 1.0


def test_refuses() -> None:
    features, labels = made()
    with pytest.raises(DataError, match="another image of its class"):
        retrieval(features, torch.arange(60))
    with pytest.raises(UsageError, match="same d"):
        retrieval(features, labels, features[:, :2], labels)
    with pytest.raises(UsageError, match="label each"):
        retrieval(features, labels, features[:3])
    with pytest.raises(UsageError, match="k is"):
        retrieval(features, labels, ks=(0,))
    with pytest.raises(UsageError, match="too few"):
        retrieval(features[:1], labels[:1])
    with pytest.raises(UsageError, match="NaN"):
        retrieval(features / 0.0, labels)
