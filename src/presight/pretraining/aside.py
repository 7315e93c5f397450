"""Looking at a module while it trains, without leaving a trace."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


@contextlib.contextmanager
def aside(module: M, device: torch.device) -> Iterator[M]:
    """A copy in eval mode, without gradient; torch's generators are put back at the end.

    A copy, because it can be neither a mode, a statistic nor a compiled graph that stays behind.

    Args:
        module: in training; on `device`.
        device: whose generator is kept beside the CPU's, where it is cuda or xpu; training seeds
            all of them before each forward pass anyway.
    """
    kind = device.type if device.type in ("cuda", "xpu") else "cuda"
    devices = [torch.get_device_module(kind).current_device()] if kind == device.type else []
    with torch.random.fork_rng(devices=devices, device_type=kind), torch.no_grad():
        yield copy.deepcopy(module).eval()
