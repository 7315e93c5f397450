from __future__ import annotations

import math

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from presight.errors import UsageError
from presight.evaluation import neighbors
from presight.evaluation.neighbors import knn, neighbor_count


def at_cosines(*cosines: float) -> torch.Tensor:
    """Plane vectors with these cosines to (1, 0)."""
    return torch.tensor([[c, math.sqrt(1 - c * c)] for c in cosines])


@pytest.mark.parametrize("k", [3, 200])
@pytest.mark.parametrize(("temperature", "winner"), [(0.07, 0), (1.0, 1)])
def test_three_neighbors_temperature_decides(k: int, temperature: float, winner: int) -> None:
    """Votes 1 : 0.297 at T = 0.07 and 1 : 1.724 at T = 1."""
    bank, labels = at_cosines(1.0, 0.9, 0.8), torch.tensor([0, 1, 1])
    query = torch.tensor([[1.0, 0.0]])
    assert knn(bank, labels, query, k=k, temperature=temperature).tolist() == [winner]


def test_order_of_the_bank_does_not_matter_even_with_equals_at_the_last_place() -> None:
    generator = torch.Generator().manual_seed(0)
    bank = torch.randn(40, 4, generator=generator).repeat(3, 1)  # each similarity thrice
    labels = torch.randint(5, (120,), generator=generator)
    queries = torch.randn(50, 4, generator=generator)
    expected = knn(bank, labels, queries, k=10)
    for seed in range(5):
        order = torch.randperm(120, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(knn(bank[order], labels[order], queries, k=10), expected)


def test_equal_votes_go_to_the_lowest_class() -> None:
    bank = at_cosines(0.8, 0.8, 0.5)
    query = torch.tensor([[1.0, 0.0]])
    assert knn(bank, torch.tensor([3, 1, 1]), query, k=2).item() == 1
    assert knn(bank, torch.tensor([1, 3, 3]), query, k=2).item() == 1


def test_rounding_does_not_break_a_tie() -> None:
    """Mirror images are equally similar, but for the rounding of their lengths."""
    angles = torch.linspace(0.1, 0.5, 5)
    upper = torch.stack((angles.cos(), angles.sin()), 1)
    lower = upper * torch.tensor([1.0, -1.0])
    labels = torch.tensor([0] * 5 + [1] * 5)
    for scale in torch.linspace(0.11, 9.7, 200):
        for bank in (torch.cat((upper, lower * scale)), torch.cat((upper * scale, lower))):
            assert knn(bank, labels, torch.tensor([[1.0, 0.0]]), k=10).item() == 0


def test_agrees_with_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(1)
    bank, queries = torch.randn(300, 8, generator=generator), torch.randn(80, 8)
    labels = torch.randint(4, (300,), generator=generator)
    other = KNeighborsClassifier(
        n_neighbors=20, metric="cosine", weights=lambda d: __import__("numpy").exp(-d / 0.07)
    ).fit(bank.double().numpy(), labels.numpy())
    expected = other.predict(queries.double().numpy())
    assert (knn(bank, labels, queries, k=20).numpy() == expected).mean() >= 0.98


def test_a_low_temperature_does_not_overflow() -> None:
    bank = at_cosines(1.0, 0.99)
    assert knn(bank, torch.tensor([1, 0]), bank[:1], k=2, temperature=1e-4).item() == 1


def test_leave_one_out_does_not_see_itself() -> None:
    bank = torch.randn(30, 16, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(30)
    assert torch.equal(knn(bank, labels, bank, k=1), labels)
    assert not (knn(bank, labels, bank, k=1, leave_one_out=True) == labels).any()


def test_neighbors_that_a_small_bank_can_bear() -> None:
    assert neighbor_count(100, 10) == 5
    assert neighbor_count(50_000, 10) == 200
    assert neighbor_count(3, 2) == 3
    assert neighbor_count(1, 1) == 1


def test_more_neighbors_than_images_is_not_the_majority() -> None:
    """With all 100 as neighbors at a high temperature the class of sixty would win everywhere."""
    labels = torch.tensor([0] * 60 + [1] * 40)
    bank = torch.where(labels[:, None] == 0, torch.tensor([1.0, 0.1]), torch.tensor([0.1, 1.0]))
    assert knn(bank, labels, torch.tensor([[0.0, 1.0]]), k=200, temperature=10.0).item() == 1


@pytest.mark.parametrize(
    "options",
    [{"k": 0}, {"temperature": 0.0}, {"temperature": float("nan")}, {"leave_one_out": True}],
)
def test_refuses(options: dict[str, float]) -> None:
    bank, labels = torch.eye(4), torch.tensor([0, 1, 0, 1])
    with pytest.raises(UsageError):
        knn(bank, labels, bank[:2], **options)  # type: ignore[arg-type]


def test_refuses_wrong_shapes_and_labels() -> None:
    with pytest.raises(UsageError, match="same d"):
        knn(torch.eye(4), torch.arange(4), torch.eye(3))
    with pytest.raises(UsageError, match="one label"):
        knn(torch.eye(4), torch.arange(3), torch.eye(4))
    with pytest.raises(UsageError, match="count from 0"):
        knn(torch.eye(4), torch.tensor([0, -1, 0, 0]), torch.eye(4))


def test_refuses_what_is_not_finite() -> None:
    """NaN would be the nearest of all, and its class the answer."""
    bank, labels = torch.eye(4), torch.arange(4)
    strange = bank.clone()
    strange[2, 1] = float("nan")
    for train, test in ((strange, bank), (bank, strange)):
        with pytest.raises(UsageError, match="1 of 4 images hold NaN"):
            knn(train, labels, test)
        with pytest.raises(UsageError, match="1 of 4 images hold NaN"):
            neighbors.nearest(train, 1, test)


def test_large_numbers_of_classes_cost_nothing() -> None:
    labels = torch.tensor([10**12, 5, 10**12, 7])
    assert knn(torch.eye(4), labels, torch.eye(4), k=1).tolist() == labels.tolist()


def by_definition(bank: torch.Tensor, k: int) -> list[list[int]]:
    """Neighbors by sorting all pairs, equals by place."""
    unit = torch.nn.functional.normalize(bank.float(), dim=1)
    similar = (unit @ unit.T).tolist()
    return [
        sorted((j for j in range(len(bank)) if j != i), key=lambda j: (-row[j], j))[:k]
        for i, row in enumerate(similar)
    ]


@pytest.mark.parametrize("cells", [2**25, 100])
def test_nearest_is_what_sorting_all_pairs_gives_also_in_blocks(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbors, "_CELLS", cells)
    bank = torch.randn(60, 5, generator=torch.Generator().manual_seed(4))
    where, alike = neighbors.nearest(bank, 7)
    assert where.tolist() == by_definition(bank, 7)
    unit = torch.nn.functional.normalize(bank, dim=1)
    assert torch.allclose(alike, (unit @ unit.T).gather(1, where), atol=1e-6)
    assert (alike[:, :-1] >= alike[:, 1:]).all()


def test_equally_near_ones_come_in_the_banks_order_also_where_k_cuts_them() -> None:
    """Signs of the axes: cosines are 1, 0 and -1 exactly, most of them equal."""
    bank = torch.eye(4).repeat(5, 1)
    for k in range(1, 20):
        assert neighbors.nearest(bank, k)[0].tolist() == by_definition(bank, k), k


def test_no_image_is_its_own_neighbor_and_k_is_cut_to_the_others() -> None:
    bank = torch.ones(3, 2)
    where, _ = neighbors.nearest(bank, 10)
    assert where.tolist() == [[1, 2], [0, 2], [0, 1]]
    assert neighbors.nearest(bank[:1], 10)[0].shape == (1, 0)
    assert neighbors.nearest(bank, 10, bank[:1])[0].tolist() == [[0, 1, 2]]
    with pytest.raises(UsageError, match="k is 0"):
        neighbors.nearest(bank, 0)
    with pytest.raises(UsageError, match="with the same d"):
        neighbors.nearest(bank, 1, torch.ones(1, 3))
