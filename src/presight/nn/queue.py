"""Queue: the last K embeddings, first in, first out."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from presight.errors import UsageError


class Queue(nn.Module):
    """A ring of K unit rows; the oldest make room for the newest.

    It begins with random directions. Rows and pointer are buffers, so that a resume goes on with
    the same queue.

    Args:
        length: K, rows; a multiple of `batch`.
        dim: width of a row.
        batch: rows of a push, over all processes.

    Raises:
        UsageError: a length that `batch` does not divide.
    """

    rows: Tensor
    pointer: Tensor

    def __init__(self, length: int, dim: int, batch: int) -> None:
        super().__init__()
        _divides(length, batch)
        self.register_buffer("rows", normalize(torch.randn(length, dim), dim=1))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, rows: Tensor) -> None:
        """Rows [n, d] of all processes in, the n oldest out; n must divide the length.

        Every process must push the same rows, or their queues part ways.
        """
        length = len(self.rows)
        _divides(length, len(rows))
        places = (self.pointer + torch.arange(len(rows), device=rows.device)) % length
        self.rows.index_copy_(0, places, rows.to(self.rows.dtype))
        self.pointer.copy_((self.pointer + len(rows)) % length)


def cut(length: int, batch: int, n_samples: int) -> int:
    """A queue's length, but at most one row an image: so many that `batch` divides them.

    Args:
        length: as asked for.
        batch: rows of a push, over all processes.
        n_samples: images; from more rows than these every image would meet rows of its own.
    """
    most = max(1, n_samples // batch) * batch
    if length > most:
        logging.getLogger(__name__).warning(
            "queue: %d keys of %d images, so that an image would meet its own; taking %d.",
            *(length, n_samples, most),
        )
    return min(length, most)


def _divides(length: int, batch: int) -> None:
    if batch < 1 or length < batch or length % batch:
        nearest = max(1, round(length / max(1, batch))) * max(1, batch)
        raise UsageError(
            f"a queue of {length} cannot take batches of {batch}: its length must be a multiple of "
            f"the batch. Take a queue of {nearest}, or another batch size."
        )
