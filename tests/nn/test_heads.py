"""Heads: layers, norms, initial loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from presight.errors import UsageError
from presight.nn.heads import classifier, mlp


def kinds(head: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in head]


def test_widths_and_relu_between() -> None:
    head = mlp(10, 20, 5)
    assert kinds(head) == ["Linear", "ReLU", "Linear"]
    assert head(torch.zeros(3, 10)).shape == (3, 5)
    assert (head(torch.randn(200, 10)) < 0).any(), "no ReLU after the last layer"


def test_one_width_is_linear() -> None:
    assert kinds(mlp(10, 5)) == ["Linear"]


def test_norm_takes_the_bias_away() -> None:
    head = mlp(10, 20, 20, 5, norm=nn.BatchNorm1d)
    assert kinds(head) == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear"]
    assert [layer.bias is None for layer in head if isinstance(layer, nn.Linear)] == [
        True,
        True,
        False,
    ]
    last = mlp(10, 20, 5, norm=nn.BatchNorm1d, last_norm=nn.LayerNorm)
    assert kinds(last) == ["Linear", "BatchNorm1d", "ReLU", "Linear", "LayerNorm"]


@pytest.mark.parametrize("widths", [(), (5, 0)])
def test_widths_that_make_no_head(widths: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="one or more widths"):
        mlp(10, *widths)


@pytest.mark.parametrize("n_classes", [4, 100, 1000])
def test_a_classifier_begins_at_log_n(n_classes: int) -> None:
    scores = classifier(32, n_classes)(torch.rand(64, 32))
    loss = cross_entropy(scores, torch.arange(64) % n_classes).item()
    assert loss == pytest.approx(math.log(n_classes), abs=0.02)
