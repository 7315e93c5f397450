from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from presight.core.batch import Batch
from presight.data.loader import Loader, epoch_order
from presight.errors import UsageError

CPU = torch.device("cpu")


class Numbers:
    """Images that show their index."""

    def __init__(self, count: int, bad: int = -1) -> None:
        self.sizes = np.full((count, 2), 2)
        self.bad = bad
        self.asked: list[list[int]] = []

    def __len__(self) -> int:
        return len(self.sizes)

    def batch(self, index: Tensor) -> Batch:
        self.asked.append(index.tolist())
        if self.bad in index:
            raise OSError("the disk is gone")
        return Batch.of(index.to(torch.uint8)[:, None, None, None].repeat(1, 3, 2, 2), index)


def loader(count: int = 50, batch: int = 8, rank: int = 0, size: int = 1) -> Loader:
    return Loader(Numbers(count), batch_size=batch, seed=3, device=CPU, rank=rank, size=size)


def indices(batches: Iterator[Batch]) -> list[list[int]]:
    return [batch.index.tolist() for batch in batches]


def test_every_epoch_is_another_permutation() -> None:
    orders = [epoch_order(100, seed=s, epoch=e)[0] for s in (0, 1) for e in (0, 1)]
    for order in orders:
        assert order.sort().values.tolist() == list(range(100))
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(epoch_order(100, seed=1, epoch=1)[0], orders[3])


def test_occurrences_count_earlier_appearances() -> None:
    taken = torch.tensor([5, 5, 5, 2, 2, 9, 5])
    order, occurrence = epoch_order(10, seed=0, epoch=4, indices=taken)
    assert order.sort().values.tolist() == taken.sort().values.tolist()
    assert occurrence is not None
    seen: dict[int, int] = {}
    for sample, times in zip(order.tolist(), occurrence.tolist(), strict=True):
        assert times == seen.get(sample, 0)
        seen[sample] = times + 1


def test_batches_are_slices_of_the_order_and_the_rest_is_dropped() -> None:
    made = loader()
    order = epoch_order(50, seed=3, epoch=2)[0]
    batches = list(made.epoch(2))
    assert made.updates_per_epoch == len(batches) == 6
    assert [b.index.tolist() for b in batches] == order[:48].view(6, 8).tolist()
    for batch in batches:
        assert torch.equal(batch.images[:, 0, 0, 0].long(), batch.index)
        assert batch.occurrence is None


@pytest.mark.parametrize("size", [2, 4])
def test_processes_share_the_batches_of_one(size: int) -> None:
    taken = torch.arange(50).repeat(2)[:72]
    whole = list(loader().epoch(1, indices=taken))
    parts = [list(loader(rank=r, size=size).epoch(1, indices=taken)) for r in range(size)]
    assert len(whole) == 9
    for number, batch in enumerate(whole):
        joined = [part[number] for part in parts]
        assert torch.equal(torch.cat([each.index for each in joined]), batch.index)
        occurrences = torch.cat([each.occurrence for each in joined])
        assert torch.equal(occurrences, batch.occurrence)


def test_starting_later_is_the_rest_and_reads_nothing_before() -> None:
    made = loader()
    whole = indices(made.epoch(0))
    made.images.asked.clear()
    assert indices(made.epoch(0, start=4)) == whole[4:]
    assert made.images.asked == whole[4:]
    assert indices(made.epoch(0, start=6)) == []


@pytest.mark.parametrize("size", [1, 3])
def test_a_whole_pass_takes_each_once_in_order(size: int) -> None:
    parts = [indices(loader(batch=9, rank=r, size=size).ordered(7)) for r in range(size)]
    flat = [i for part in parts for batch in part for i in batch]
    assert flat == list(range(50))
    assert max(len(batch) for part in parts for batch in part) == 7


def test_more_processes_than_images() -> None:
    parts = [indices(loader(count=5, batch=5, rank=r, size=5).ordered(2)) for r in range(5)]
    assert parts == [[[i]] for i in range(5)]
    one = Loader(Numbers(3), batch_size=3, seed=0, device=CPU, rank=0, size=3)
    assert indices(one.ordered(8)) == [[0]]


def test_the_thread_ends_with_the_iterator() -> None:
    before = threading.active_count()
    batches = loader().epoch(0)
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before
    list(loader().epoch(0))
    assert threading.active_count() == before


def test_at_most_two_batches_are_made_ahead() -> None:
    made = loader(count=400)
    batches = made.epoch(0)
    for _ in range(5):
        next(batches)
    batches.close()
    assert len(made.images.asked) <= 8


def test_an_exception_in_the_thread_rises_in_the_reader() -> None:
    order = epoch_order(50, seed=3, epoch=0)[0]
    made = Loader(Numbers(50, bad=int(order[20])), batch_size=8, seed=3, device=CPU)
    batches = made.epoch(0)
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)
    assert "presight-loader" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("batch", [0, 51])
def test_batches_that_do_not_fit(batch: int) -> None:
    with pytest.raises(UsageError, match=f"--batch-size {batch} does not fit 50 images"):
        loader(batch=batch)


def test_batches_that_do_not_divide() -> None:
    with pytest.raises(UsageError, match="10 is not divisible by 4 processes"):
        loader(batch=10, size=4)
