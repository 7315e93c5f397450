"""Natural-looking pictures and the tolerances of views."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MEAN_ERROR = 1.0
"""Largest mean difference of a view from its reference, in 1/255."""
HIGH_ERROR = 20.0
"""Largest 99th percentile of the difference, in 1/255."""
BATCH_ERROR = 1e-5
"""Rounding of batched products whose shape depends on the batch."""


def pictures(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Uint8 [n,3,h,w]: smooth noise of many scales, in the proportions of a photograph."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.full((count, 3, height, width), 120.0)
    for cells, weight in ((2, 60.0), (4, 45.0), (8, 30.0), (16, 15.0), (32, 6.0)):
        shape = (min(cells, height // 2), min(cells, width // 2))
        gray = torch.randn(count, 1, *shape, generator=generator)
        tint = torch.randn(count, 3, *shape, generator=generator)
        field = gray + 0.5 * tint
        total += weight * F.interpolate(field, (height, width), mode="bicubic")
    total += 2.0 * torch.randn(count, 3, height, width, generator=generator)
    return total.clamp(0, 255).to(torch.uint8)


def assert_close(views: Tensor, reference: Tensor, mean: float = MEAN_ERROR) -> None:
    """Each view within the tolerances of its reference; both float in [0, 1]."""
    error = 255.0 * (views - reference).abs().flatten(1)
    assert error.mean(1).max() <= mean
    assert torch.quantile(error, 0.99, dim=1).max() <= HIGH_ERROR
