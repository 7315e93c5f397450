"""Survey: a pass over all data, for what a learner does at the start of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from presight.core import world
from presight.core.batch import Views
from presight.core.draw import Draw, key_of
from presight.core.recipe import Recipe
from presight.data.loader import Loader
from presight.training.runtime import Runtime

T = TypeVar("T")
MAP_ABOVE_BYTES = 1 << 30
Wait = Callable[[str, int, int], None]
"""Told what is waited for, how much of it is done, and how much there is."""


class DataSurvey:
    """All data, in index order, shared among the processes.

    Args:
        learner: put into eval mode for `embed` where that is asked, and back.
        loader: the training loader; its ordered pass is used.
        runtime: device and precision.
        seed, epoch: of this survey; torch's generator is seeded from them on every process.
        wait: is told how far a pass is.
    """

    def __init__(
        self,
        learner: nn.Module,
        loader: Loader,
        runtime: Runtime,
        *,
        seed: int,
        epoch: int,
        wait: Wait | None = None,
    ) -> None:
        self.epoch, self.seed = epoch, seed
        self.n_samples = len(loader.images)
        self.draw = Draw(seed, epoch, torch.arange(1), path=("survey",))
        self._learner, self._loader, self._runtime = learner, loader, runtime
        self._wait = wait or (lambda what, done, total: None)
        runtime.seed(key_of(seed, epoch, "survey"))

    @torch.no_grad()
    def embed(
        self, fn: Callable[[Views], Tensor], *, views: Recipe, eval_mode: bool = True
    ) -> Tensor:
        """[N, d], row i is sample i's, equal on every process; without gradient."""
        modes = {module: module.training for module in self._learner.modules()}
        if eval_mode:
            self._learner.eval()
        try:
            return self._pass(fn, views)
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _pass(self, fn: Callable[[Views], Tensor], recipe: Recipe) -> Tensor:
        result: Tensor | None = None
        done, what = 0, f"before epoch {self.epoch + 1}: looking at all images,"
        for batch in self._loader.ordered(self._loader.batch_size):
            batch = batch.to(self._runtime.device)
            draw = Draw(self.seed, self.epoch, batch.index, path=("survey",))
            made = self._runtime.cast(recipe(batch, draw))
            with self._runtime.autocast():
                rows = fn(made)
            rows = rows if rows.dtype == torch.float64 else rows.float()
            if result is None:
                result = _table(self.n_samples, rows)
            result[batch.index.cpu()] = rows.to("cpu", result.dtype)
            done += len(batch) * world.size()
            self._wait(what, min(done, self.n_samples), self.n_samples)
        if result is None:
            raise AssertionError("a survey of no data")
        if world.size() > 1:
            _sum_over_processes(result, self._runtime.device)
        return result

    def once(self, fn: Callable[[], T]) -> T:
        """Run on process 0 and hand the result to all."""
        self._wait(f"before epoch {self.epoch + 1}: work on all images, step", 0, 1)
        result: T = world.broadcast_object(fn() if world.rank() == 0 else None)
        return result


def _table(n: int, rows: Tensor) -> Tensor:
    """Zeros [n, d]; beyond a gigabyte a float16 memory map."""
    width = rows.shape[1]
    if n * width * rows.element_size() <= MAP_ABOVE_BYTES:
        return torch.zeros(n, width, dtype=rows.dtype)
    with TemporaryFile() as file:
        return torch.from_numpy(np.memmap(file, dtype=np.float16, mode="w+", shape=(n, width)))


def _sum_over_processes(table: Tensor, device: torch.device, rows: int = 1 << 14) -> None:
    """Join the processes' shares: every row is zero everywhere but on its own process."""
    for start in range(0, len(table), rows):
        part = table[start : start + rows].to(device)
        dist.all_reduce(part)
        table[start : start + rows] = part.cpu()
