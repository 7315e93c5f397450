"""MemoryBank: blending, duplicates, equality over processes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from presight.core import world
from presight.nn.bank import MemoryBank


def test_rows_are_unit_vectors_without_gradient() -> None:
    bank = MemoryBank(50, 8)
    assert len(bank) == 50
    assert torch.allclose(bank.rows.norm(dim=1), torch.ones(50))
    assert bank[torch.tensor([[1, 2], [3, 4]])].shape == (2, 2, 8)


def test_blend_by_hand() -> None:
    bank = MemoryBank(3, 2)
    bank.rows.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    bank.blend(torch.tensor([1]), torch.tensor([[1.0, 0.0]]), 0.75)
    expected = normalize(torch.tensor([[0.25, 0.75]]), dim=1)[0]
    assert torch.allclose(bank.rows[1], expected)
    assert bank.rows[0].tolist() == bank.rows[2].tolist() == [1, 0]


@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_ends(momentum: float) -> None:
    bank, new = MemoryBank(4, 3), normalize(torch.randn(4, 3), dim=1)
    old = bank.rows.clone()
    bank.blend(torch.arange(4), new, momentum)
    assert torch.allclose(bank.rows, old if momentum else new)


def test_of_duplicates_the_last_counts() -> None:
    bank = MemoryBank(5, 2)
    old = bank.rows.clone()
    new = torch.eye(2)[[0, 1, 0, 1]]
    bank.blend(torch.tensor([2, 4, 2, 2]), new, 0.5)
    assert torch.allclose(bank.rows[2], normalize((old[2] + new[3]) / 2, dim=0))
    assert torch.allclose(bank.rows[4], normalize((old[4] + new[1]) / 2, dim=0))


def test_every_process_applies_every_process_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchange played by hand: two processes with other batches end with the same bank."""
    indices = [torch.tensor([0, 3]), torch.tensor([3, 1])]
    rows = [torch.eye(2), -torch.eye(2)]

    def exchange(value: Tensor) -> Tensor:
        return torch.cat(indices if value.dtype == torch.int64 else rows)

    banks = [MemoryBank(4, 2) for _ in indices]
    banks[1].load_state_dict(banks[0].state_dict())
    monkeypatch.setattr(world, "gather_detached", exchange)
    for bank, index, new in zip(banks, indices, rows, strict=True):
        bank.blend(index, new, 0.5)
    assert torch.equal(banks[0].rows, banks[1].rows)
    monkeypatch.undo()
    alone = MemoryBank(4, 2)
    alone.blend(indices[0], rows[0], 0.5)
    alone_rows, other = alone.rows.clone(), banks[0].rows
    assert not torch.equal(alone_rows, other)


def test_a_graph_does_not_reach_the_bank() -> None:
    bank = MemoryBank(4, 2)
    bank.blend(torch.arange(2), torch.ones(2, 2, requires_grad=True) * 1, 0.5)
    assert not bank.rows.requires_grad
