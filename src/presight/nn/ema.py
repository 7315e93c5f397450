"""Moving averages of a module's parameters: key encoders, targets, teachers."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

from presight.errors import UsageError

M = TypeVar("M", bound=nn.Module)


def twin(module: M) -> M:
    """A copy with equal weights that no gradient reaches."""
    copied = copy.deepcopy(module)
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    return copied


@torch.no_grad()
def move(twin: nn.Module, module: nn.Module, momentum: float) -> None:
    """Move a twin: momentum * twin + (1 - momentum) * module, parameters only.

    Buffers stay: a twin that runs in train mode keeps its own statistics of batch norm.

    Args:
        twin: what moves, in float32 or float64.
        module: what it follows, of the same structure.
        momentum: share that the twin keeps, 0 to 1; 0 copies, 1 stands still.

    Raises:
        UsageError: momentum out of range, another structure, or a twin in half precision, where a
            step of 1 - 0.999 is lost in rounding.
    """
    if not 0 <= momentum <= 1:
        raise UsageError(f"momentum must be in 0..1; received {momentum}. Usual are 0.99 to 0.999.")
    twins, targets = list(twin.parameters()), list(module.parameters())
    if [p.shape for p in twins] != [p.shape for p in targets]:
        raise UsageError(
            f"a twin must have its module's parameters; received {len(twins)} and {len(targets)} "
            "of other shapes. Make it by twin(module)."
        )
    for dtype in {p.dtype for p in twins}:
        if dtype not in (torch.float32, torch.float64):
            raise UsageError(f"a moving average in {dtype} never moves; keep weights in float32.")
        kept = [i for i, p in enumerate(twins) if p.dtype == dtype]
        torch._foreach_lerp_(
            [twins[i] for i in kept], [targets[i].to(dtype) for i in kept], 1 - momentum
        )
