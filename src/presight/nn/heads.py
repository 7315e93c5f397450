"""Heads: what sits on a backbone while it is pretrained."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from presight.errors import UsageError

Norm = Callable[[int], nn.Module]


def mlp(
    in_dim: int, *widths: int, norm: Norm | None = None, last_norm: Norm | None = None
) -> nn.Sequential:
    """Linear layers with ReLU between them: [n, in_dim] -> [n, widths[-1]].

    Args:
        in_dim: width of what comes in.
        widths: output widths of the layers, at least one; one alone is a linear layer.
        norm: makes a normalization layer after every layer but the last; such layers have no
            bias, which the normalization would take away. None leaves normalization out.
        last_norm: the same for the last layer.

    Raises:
        UsageError: no width, or one below 1.
    """
    if not widths or min(widths) < 1:
        raise UsageError(f"a head needs one or more widths above 0; received {widths}.")
    layers: list[nn.Module] = []
    for number, width in enumerate(widths):
        last = number == len(widths) - 1
        layer_norm = last_norm if last else norm
        layers.append(nn.Linear(in_dim, width, bias=layer_norm is None))
        if layer_norm is not None:
            layers.append(layer_norm(width))
        if not last:
            layers.append(nn.ReLU(inplace=True))
        in_dim = width
    return nn.Sequential(*layers)


def classifier(in_dim: int, n_classes: int, *, std: float = 0.01) -> nn.Linear:
    """A linear layer to class scores with small weights: the loss begins at log(n_classes).

    Args:
        in_dim: width of the features.
        n_classes: number of classes.
        std: standard deviation of the initial weights; the bias is 0.
    """
    layer = nn.Linear(in_dim, n_classes)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer
