"""Batch norm over groups: of all processes, or of a part of the batch; and the shuffle of MoCo."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from presight.core import world
from presight.errors import UsageError

M = TypeVar("M", bound=nn.Module)


class SynchronizedBatchNorm(_BatchNorm):
    """Batch norm whose statistics are those of all processes' batches together.

    It works on any device and backend and in float64, since it reduces through autograd; with one
    process it is torch's batch norm.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        _check(input, self.num_features)

    def forward(self, input: Tensor) -> Tensor:
        """[n, C, ...] normalized by channel."""
        if not self.training or world.size() == 1:
            return super().forward(input)
        self._check_input_dim(input)
        normalized, mean, variance = _normalized(input, self.weight, self.bias, self.eps)
        _track(self, mean, variance)
        return normalized


class SplitBatchNorm(nn.BatchNorm2d):
    """Batch norm in groups: rows with equal index modulo `splits` are normalized together.

    With 8 splits one process sees the statistics that 8 would see, each with its own batch norm.
    On several processes a group spans them, so that their number changes nothing. Running
    statistics are the groups' mean; in eval mode it is torch's batch norm.

    Args:
        num_features: channels.
        splits: number of groups; the batch of a process must be a multiple of it.

    Source: the CIFAR demo of He et al., Momentum Contrast (CVPR 2020).
    """

    def __init__(self, num_features: int, splits: int) -> None:
        super().__init__(num_features)
        if splits < 1:
            raise UsageError(f"splits must be 1 or more; received {splits}.")
        self.splits = splits

    def forward(self, input: Tensor) -> Tensor:
        """[n, C, h, w] normalized by channel and group."""
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        count, splits = len(input), self.splits
        if count % splits:
            raise UsageError(
                f"a batch of {count} cannot be normalized in {splits} groups; take a batch size "
                "that is a multiple of the splits, or fewer splits."
            )
        groups = input.reshape(count // splits, splits * self.num_features, *input.shape[2:])
        weight, bias = self.weight.repeat(splits), self.bias.repeat(splits)
        normalized, mean, variance = _normalized(groups, weight, bias, self.eps)
        _track(self, mean.view(splits, -1).mean(0), variance.view(splits, -1).mean(0))
        return normalized.reshape(input.shape)


def synchronize(module: M) -> M:
    """Replace every BatchNorm1d and 2d inside by the synchronized one, in place.

    Names, parameters (the same objects), buffers and mode stay. Call it on a parent: a bare batch
    norm is replaced inside of it only.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in (nn.BatchNorm1d, nn.BatchNorm2d):
                setattr(parent, name, _synchronized(child))
    return module


def shuffle(rows: Tensor, permutation: Tensor) -> Tensor:
    """This process's share of all processes' rows in another order, without gradient.

    Args:
        rows: [n, ...] of this process.
        permutation: int64 [W*n] over the rows of W processes, equal on each.
    """
    return _share(world.gather_detached(rows)[_on(permutation, rows)], len(rows))


def unshuffle(rows: Tensor, permutation: Tensor) -> Tensor:
    """The inverse of `shuffle`: this process gets its own rows back, in their order."""
    return _share(world.gather_detached(rows)[_on(permutation, rows).argsort()], len(rows))


def _on(permutation: Tensor, rows: Tensor) -> Tensor:
    if len(permutation) != world.size() * len(rows):
        raise UsageError(
            f"a permutation of {len(permutation)} does not fit {world.size()} x {len(rows)} rows."
        )
    return permutation.to(rows.device)


def _share(everyone: Tensor, count: int) -> Tensor:
    start = world.rank() * count
    return everyone[start : start + count]


def _check(input: Tensor, channels: int) -> None:
    if input.ndim < 2 or input.shape[1] != channels:
        raise UsageError(f"input must be [n, {channels}, ...]; received {tuple(input.shape)}.")


def _normalized(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalized input, and mean and unbiased variance by channel, over all processes."""
    channels = input.shape[1]
    count = world.size() * input.numel() // channels
    if count < 2:
        raise UsageError("batch norm needs more than one value a channel; take a larger batch.")
    if world.size() == 1:
        # With a momentum of 1 torch's fused kernel hands out the statistics themselves.
        mean = torch.zeros(channels, device=input.device, dtype=_statistics_dtype(input))
        variance = torch.ones_like(mean)
        normalized = batch_norm(input, mean, variance, weight, bias, True, 1.0, eps)
        return normalized, mean, variance
    values = input.to(_statistics_dtype(input))
    dims = [0, *range(2, input.ndim)]
    shape = [1, channels] + [1] * (input.ndim - 2)
    mean = world.total(values.sum(dims)) / count
    centered = values - mean.view(shape)
    squares = world.total(centered.square().sum(dims))
    scale = torch.rsqrt(squares / count + eps)
    if weight is not None:
        scale = scale * weight
    normalized = centered * scale.view(shape)
    if bias is not None:
        normalized = normalized + bias.view(shape)
    return normalized.to(input.dtype), mean.detach(), squares.detach() / (count - 1)


def _statistics_dtype(input: Tensor) -> torch.dtype:
    return torch.float64 if input.dtype == torch.float64 else torch.float32


@torch.no_grad()
def _track(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Move the running statistics as torch does; a momentum of None is a plain mean."""
    if layer.running_mean is None or layer.running_var is None:
        return
    share = layer.momentum
    if layer.num_batches_tracked is not None:
        layer.num_batches_tracked.add_(1)
        if share is None:
            share = 1.0 / float(layer.num_batches_tracked)
    share = share or 0.0
    layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), share)
    layer.running_var.lerp_(variance.to(layer.running_var.dtype), share)


def _synchronized(layer: nn.Module) -> SynchronizedBatchNorm:
    """The synchronized twin of a batch norm, with its parameters and buffers themselves."""
    if not isinstance(layer, _BatchNorm):
        raise UsageError(f"expected a batch norm; received {type(layer).__name__}.")
    new = SynchronizedBatchNorm(
        layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    )
    new.weight, new.bias = layer.weight, layer.bias
    new.running_mean, new.running_var = layer.running_mean, layer.running_var
    new.num_batches_tracked = layer.num_batches_tracked
    return new.train(layer.training)
