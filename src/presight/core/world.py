"""The only helpers that know of several processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from presight.errors import PresightError


def size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if size() > 1 else 0


class _Gather(torch.autograd.Function):
    """All processes' rows; the gradient is summed over processes and cut to the own rows.

    With DDP's mean over processes this is the gradient of the one-process loss, without any
    factor of the number of processes.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        rows = rows.contiguous()
        parts = [torch.empty_like(rows) for _ in range(size())]
        dist.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous()
        dist.all_reduce(gradient)
        count = len(gradient) // size()
        return gradient[rank() * count : (rank() + 1) * count]


def gather(rows: Tensor) -> tuple[Tensor, int]:
    """All processes' rows [W*n, ...], with gradient, and where this process's rows begin."""
    if size() == 1:
        return rows, 0
    gathered: Tensor = _Gather.apply(rows)
    return gathered, rank() * len(rows)


def gather_detached(rows: Tensor) -> Tensor:
    """All processes' rows [W*n, ...], process-major, without gradient."""
    if size() == 1:
        return rows.detach()
    rows = rows.detach().contiguous()
    parts = [torch.empty_like(rows) for _ in range(size())]
    dist.all_gather(parts, rows)
    return torch.cat(parts)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone()
        dist.all_reduce(gradient)
        return gradient


def total(value: Tensor) -> Tensor:
    """Sum over processes, with gradient."""
    if size() == 1:
        return value
    summed: Tensor = _Sum.apply(value)
    return summed


def mean(value: Tensor) -> Tensor:
    """Mean over processes, with gradient."""
    return value if size() == 1 else total(value) / size()


def broadcast(value: Tensor) -> Tensor:
    """Process 0's tensor on every process; shapes and types must agree."""
    if size() > 1:
        value = value.contiguous()
        dist.broadcast(value, 0)
    return value


def broadcast_object(value: Any) -> Any:
    """Process 0's small object (numbers, words, tensors) on every process."""
    if size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, 0)
    return box[0]


_controls: list[tuple[Any, Any]] = []
"""The process group and the one for flags beside it."""


def _control_group() -> Any:
    """A group that talks on the CPU: the processes' own where it does, else one beside it."""
    if dist.get_backend() == "gloo":
        return None
    main = dist.group.WORLD
    if not _controls or _controls[0][0] is not main:
        _controls[:] = [(main, dist.new_group(backend="gloo"))]
    return _controls[0][1]


def agreed(*flags: bool) -> tuple[bool, ...]:
    """Each flag: whether it is set on any process; on the CPU, so that no device is waited for."""
    if size() == 1:
        return flags
    value = torch.tensor(flags, dtype=torch.uint8)
    dist.all_reduce(value, op=dist.ReduceOp.MAX, group=_control_group())
    return tuple(bool(flag) for flag in value.tolist())


def averaged(numbers: Sequence[float]) -> list[float]:
    """Means over processes, number by number and the same on all, exchanged on the CPU."""
    if size() == 1:
        return list(numbers)
    value = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(value, group=_control_group())
    means: list[float] = (value / size()).tolist()
    return means


def any_true(flag: bool) -> bool:
    """Whether the flag is set on any process."""
    return agreed(flag)[0]


@contextlib.contextmanager
def together() -> Iterator[None]:
    """While open, a process whose others are gone says that, and not which connection broke.

    Raises:
        PresightError: another process ended.
    """
    try:
        yield
    except RuntimeError as error:
        if size() == 1 or not any(word in str(error).lower() for word in ("gloo", "nccl")):
            raise
        raise PresightError(
            "another process of this run has ended, and says why. The same command goes on from "
            "the last checkpoint."
        ) from error


def barrier() -> None:
    """Wait for all processes."""
    if size() > 1:
        dist.barrier()
