"""MemoryBank: one embedding a sample of the data."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from presight.core import world


class MemoryBank(nn.Module):
    """A table of unit rows by sample index, updated by moving averages.

    It begins with random directions, is equal on every process, and takes n * dim * 4 bytes.

    Args:
        n_samples: rows.
        dim: width of a row.
    """

    rows: Tensor

    def __init__(self, n_samples: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", normalize(torch.randn(n_samples, dim), dim=1))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows [*index.shape, dim] of samples, without gradient; a copy."""
        return self.rows[index]

    @torch.no_grad()
    def blend(self, index: Tensor, embeddings: Tensor, momentum: float) -> None:
        """Move rows: normalize(momentum * rows + (1 - momentum) * embeddings), on every process.

        The rows of all processes are exchanged first. Where a sample comes several times, its last
        embedding in the order of processes and rows counts, from the row as it was before.

        Args:
            index: int64 [n], this process's samples.
            embeddings: [n, dim], theirs.
            momentum: share of the old row, 0 to 1; 0 replaces.
        """
        index = world.gather_detached(index)
        new = world.gather_detached(embeddings).to(self.rows.dtype)
        order = torch.arange(len(index), device=index.device)
        same = index[:, None] == index[None, :]
        # Equal values wherever an index is equal: then the order of writing does not matter.
        last = torch.where(same, order, -1).amax(1)
        blended = normalize(torch.lerp(new[last], self.rows[index], momentum), dim=1)
        self.rows.index_copy_(0, index, blended)
