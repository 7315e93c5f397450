"""Which images make which batch: a pure function of (seed, epoch), the same for every world."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

from presight.core import draw, world
from presight.core.batch import Batch
from presight.data.canvas import Images
from presight.errors import UsageError

Number = TypeVar("Number")
"""What a batch is made of."""


def epoch_order(
    n: int, *, seed: int, epoch: int, indices: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The order of one epoch.

    Args:
        n: samples of the source.
        seed: the run's.
        epoch: from 0.
        indices: int64 [M], samples to take instead of each once; repeats allowed.

    Returns:
        order int64 [M], and how often each entry's sample came before it, int64 [M]; None for
        the latter where no sample comes twice.
    """
    if indices is None:
        return draw.shuffled(n, seed, epoch, "order"), None
    order = indices.cpu().long()[draw.shuffled(len(indices), seed, epoch, "order")]
    by_sample = torch.argsort(order, stable=True)
    ranked = order[by_sample]
    position = torch.arange(len(order))
    fresh = torch.ones(len(order), dtype=torch.bool)
    fresh[1:] = ranked[1:] != ranked[:-1]
    first = torch.cummax(torch.where(fresh, position, 0), 0).values
    occurrence = torch.empty_like(order)
    occurrence[by_sample] = position - first
    return order, occurrence


class Loader:
    """Batches of images, for training and for whole passes.

    Args:
        images: canvases by index.
        batch_size: images an update, over all processes.
        seed: the run's.
        device: where batches go.
        rank, size: this process and their number; those of the process group by default.

    Raises:
        UsageError: a batch larger than the set, or not divisible by the processes.
    """

    def __init__(
        self,
        images: Images,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        rank: int | None = None,
        size: int | None = None,
    ) -> None:
        self.images, self.batch_size, self.seed, self.device = images, batch_size, seed, device
        self.rank = world.rank() if rank is None else rank
        self.size = world.size() if size is None else size
        if not 1 <= batch_size <= len(images):
            raise UsageError(
                f"--batch-size {batch_size} does not fit {len(images):,} images. Take between 1 "
                f"and {len(images)}."
            )
        if batch_size % self.size:
            raise UsageError(
                f"--batch-size {batch_size} is not divisible by {self.size} processes. Take "
                f"{batch_size // self.size * self.size or self.size}."
            )

    @property
    def updates_per_epoch(self) -> int:
        """Full batches in a pass over all images; the rest is dropped."""
        return len(self.images) // self.batch_size

    def epoch(self, epoch: int, start: int = 0, indices: Tensor | None = None) -> Iterator[Batch]:
        """This process's part of the batches of an epoch, from batch `start` on.

        Args:
            epoch: from 0.
            start: batches to leave out; costs nothing.
            indices: int64 [M], samples to take instead of each once.
        """
        order, occurrence = epoch_order(
            len(self.images), seed=self.seed, epoch=epoch, indices=indices
        )
        local = self.batch_size // self.size

        def make(number: int) -> Batch:
            first = number * self.batch_size + self.rank * local
            rows = slice(first, first + local)
            batch = self.images.batch(order[rows])
            if occurrence is None:
                return batch
            return Batch(batch.images, batch.index, batch.frame, occurrence[rows])

        return ahead(make, range(start, len(order) // self.batch_size), self.device)

    def ordered(self, batch_size: int) -> Iterator[Batch]:
        """This process's contiguous share of all images in index order, nothing padded.

        Args:
            batch_size: images a batch of this process; the last may be smaller.
        """
        count = len(self.images)
        begin, end = count * self.rank // self.size, count * (self.rank + 1) // self.size

        def make(first: int) -> Batch:
            return self.images.batch(torch.arange(first, min(first + batch_size, end)))

        return ahead(make, range(begin, end, batch_size), self.device)


def ahead(
    make: Callable[[Number], Batch], numbers: Iterable[Number], device: torch.device
) -> Generator[Batch, None, None]:
    """Make batches one ahead in a thread, which ends with the iterator.

    Args:
        make: a batch of what `numbers` holds, on the CPU.
        numbers: in order.
        device: where batches go.
    """
    maker = _Ahead(lambda number: _sent(make(number), device), numbers)
    try:
        yield from maker.items()
    finally:
        maker.close()


def _sent(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device; pinned first for a copy that does not wait."""
    if device.type != "cuda":
        return batch.to(device)
    pinned = Batch(batch.images.pin_memory(), batch.index, batch.frame, batch.occurrence)
    return pinned.to(device)


class _Ahead(Generic[Number]):
    """A thread that stays one batch ahead of its reader; its exceptions rise in the reader."""

    def __init__(self, make: Callable[[Number], Batch], numbers: Iterable[Number]) -> None:
        self._box: queue.Queue[Batch | BaseException | None] = queue.Queue(maxsize=1)
        self._closed = threading.Event()
        self._make, self._numbers = make, numbers
        self._thread = threading.Thread(target=self._work, name="presight-loader", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            for number in self._numbers:
                if self._closed.is_set():
                    return
                self._put(self._make(number))
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: Batch | BaseException | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                return self._box.put(item, timeout=0.1)

    def items(self) -> Iterator[Batch]:
        """What the thread makes, in order."""
        while (item := self._box.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self._closed.set()
        self._thread.join()
