"""Queue: first in, first out; resume; lengths that do not fit."""

from __future__ import annotations

import pytest
import torch

from presight.errors import UsageError
from presight.nn.queue import Queue


def pushed(queue: Queue, first: int, last: int) -> None:
    for batch in range(first, last):
        queue.push(torch.arange(4.0)[:, None] + 4 * batch)


def test_ring() -> None:
    """T7: K = 12, batches of 4, five pushes."""
    queue = Queue(12, 1, 4)
    pushed(queue, 0, 5)
    assert queue.rows[:, 0].tolist() == [12, 13, 14, 15, 16, 17, 18, 19, 8, 9, 10, 11]
    assert queue.pointer.item() == 8
    assert queue.pointer.dtype == torch.int64


def test_it_begins_with_random_directions() -> None:
    rows = Queue(64, 16, 8).rows
    assert torch.allclose(rows.norm(dim=1), torch.ones(64))
    assert rows.mean(0).norm() < 0.5


def test_a_resume_goes_on_with_the_same_queue() -> None:
    queue, other = Queue(12, 1, 4), Queue(12, 1, 4)
    pushed(queue, 0, 2)
    other.load_state_dict(queue.state_dict())
    pushed(queue, 2, 5)
    pushed(other, 2, 5)
    assert torch.equal(queue.rows, other.rows)
    assert queue.pointer == other.pointer


def test_push_takes_no_graph() -> None:
    queue = Queue(4, 2, 2)
    queue.push(torch.ones(2, 2, requires_grad=True) * 2)
    assert not queue.rows.requires_grad


@pytest.mark.parametrize(("length", "batch", "advice"), [(12, 5, 10), (4, 8, 8), (100, 64, 128)])
def test_lengths_that_do_not_fit(length: int, batch: int, advice: int) -> None:
    with pytest.raises(UsageError, match=rf"a queue of {length} .* of {batch}.*queue of {advice}"):
        Queue(length, 3, batch)


def test_a_push_that_does_not_fit() -> None:
    with pytest.raises(UsageError, match="multiple of the batch"):
        Queue(12, 1, 4).push(torch.zeros(5, 1))
