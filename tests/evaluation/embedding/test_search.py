from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from presight.errors import UsageError
from presight.evaluation.embedding.search import neighbors, purity, purity_by_chance


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 40), k=st.integers(1, 12), seed=st.integers(0, 99))
def test_neighbors_are_those_of_the_whole_table(n: int, k: int, seed: int) -> None:
    rows = torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))
    index, similar = neighbors(rows, k)
    unit = torch.nn.functional.normalize(rows, dim=1)
    table = unit @ unit.T
    table.fill_diagonal_(-torch.inf)
    best = table.sort(dim=1, descending=True).values[:, : min(k, n - 1)]
    assert torch.allclose(similar, best, atol=1e-5)
    assert not (index == torch.arange(n)[:, None]).any()
    assert all(len(set(row)) == len(row) for row in index.tolist())


def test_twins_are_each_others_neighbors_and_never_their_own() -> None:
    rows = torch.ones(30, 4)
    index, similar = neighbors(rows, 5)
    assert not (index == torch.arange(30)[:, None]).any()
    assert torch.allclose(similar, torch.ones(30, 5))


def test_scale_does_not_matter() -> None:
    rows = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    scaled = rows * torch.arange(1, 21)[:, None]
    assert torch.equal(neighbors(rows, 4)[0], neighbors(scaled, 4)[0])


def test_purity_is_a_share() -> None:
    index = torch.tensor([[1, 2], [0, 2], [0, 1]])
    assert purity(index, torch.tensor([0, 0, 1])) == pytest.approx(2 / 6)
    assert purity(index, torch.zeros(3)) == 1.0


@pytest.mark.parametrize(("shape", "k"), [((1, 3), 1), ((5, 3), 0), ((5, 3, 2), 1)])
def test_what_has_no_neighbors_is_refused(shape: tuple[int, ...], k: int) -> None:
    with pytest.raises(UsageError, match="two rows or more"):
        neighbors(torch.zeros(shape), k)


def test_by_chance_is_the_purity_of_all_others() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1])
    others = torch.tensor([[j for j in range(5) if j != i] for i in range(5)])
    assert purity_by_chance(labels) == pytest.approx(8 / 20)
    assert purity(others, labels) == pytest.approx(8 / 20)


def test_more_twins_than_neighbors_come_by_number() -> None:
    """Of 30 equal images the first five others, whatever the order of the work."""
    index, _ = neighbors(torch.ones(30, 4), 5)
    assert index[:3].tolist() == [[1, 2, 3, 4, 5], [0, 2, 3, 4, 5], [0, 1, 3, 4, 5]]
    assert index[6:].tolist() == [[0, 1, 2, 3, 4]] * 24
