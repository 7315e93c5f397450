"""Many linear heads on the same features, each with a learning rate of its own, as one.

    loss_h = mean_i cross_entropy(W_h x_i + b_h, y_i)        h = 1..H

One product of matrices answers for all of them, and no gradient of one reaches another.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_EPS = 1e-6  # of a batch norm, for features of variance 1


class Heads:
    """Linear heads on the same features, begun at zero and trained together.

    Args:
        settings: (rate, decay) of each of H heads.
        classes: C.
        like: features [n, d]; the heads take their width, device and type.
        momentum: of SGD.
        normalize: a batch norm without weights comes first, with an epsilon of a millionth of the
            variance of `like`: features of any scale are normalized alike.
    """

    def __init__(
        self,
        settings: Sequence[tuple[float, float]],
        classes: int,
        like: Tensor,
        *,
        momentum: float = 0.9,
        normalize: bool = False,
    ) -> None:
        width = like.shape[1]
        number = torch.float64 if like.dtype == torch.float64 else torch.float32
        self.weight = like.new_zeros(len(settings), classes, width, dtype=number)
        self.bias = like.new_zeros(len(settings), classes, dtype=number)
        self.rates, self.decays = self.weight.new_tensor(settings).T
        self.momentum = momentum
        self.norm = _norm(like.detach().to(self.weight)) if normalize else None
        self._speeds = torch.zeros_like(self.weight), torch.zeros_like(self.bias)

    def _logits(self, features: Tensor) -> Tensor:
        heads, classes, width = self.weight.shape
        flat = features @ self.weight.view(heads * classes, width).T
        return flat.view(len(features), heads, classes) + self.bias

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """[n, H, C] of features [n, d]."""
        features = features.to(self.weight)
        return self._logits(features if self.norm is None else self.norm.eval()(features))

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor, factor: float) -> None:
        """One step of SGD on a batch, of every head.

        Args:
            features: [b, d].
            labels: int64 [b], in 0..C-1.
            factor: of all learning rates: where the schedule is.
        """
        features = features.to(self.weight)
        if self.norm is not None:
            features = self.norm.train()(features)
        error = self._logits(features).softmax(2)  # [b, H, C]
        error[torch.arange(len(labels), device=error.device), :, labels.to(error.device)] -= 1.0
        error /= len(labels)
        steps = (error.flatten(1).T @ features).view_as(self.weight), error.sum(0)
        for value, speed, step in zip((self.weight, self.bias), self._speeds, steps, strict=True):
            by_head = (-1, *[1] * (value.ndim - 1))
            speed.mul_(self.momentum).add_(step).add_(self.decays.view(by_head) * value)
            value.sub_(factor * self.rates.view(by_head) * speed)

    def finite(self) -> Tensor:
        """Bool [H], heads that have not diverged."""
        sums = self.weight.abs().sum((1, 2)) + self.bias.abs().sum(1)
        return torch.isfinite(sums)

    def plain(self, head: int) -> tuple[Tensor, Tensor]:
        """Weight [C, d] and bias [C] of a head on features as they come, the norm folded in."""
        weight, bias = self.weight[head].clone(), self.bias[head].clone()
        if self.norm is None:
            return weight, bias
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert variance is not None
        weight = weight / (variance + self.norm.eps).sqrt()
        return weight, bias - weight @ mean


def _norm(like: Tensor) -> nn.BatchNorm1d:
    """Begun at what it is to normalize: of few updates a running 0 and 1 would stay visible."""
    variance, mean = torch.var_mean(like, 0)
    norm = nn.BatchNorm1d(like.shape[1], eps=_EPS * (float(variance.mean()) or 1.0), affine=False)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.to(like)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    return norm
