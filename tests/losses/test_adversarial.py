"""Losses of critics and their opponents."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from presight.losses import adversarial as A

ZERO = torch.zeros(5)


def test_values_at_logits_zero() -> None:
    assert A.logistic_critic(ZERO, ZERO).item() == pytest.approx(1.3863, abs=5e-5)
    assert A.logistic_generator(ZERO).item() == pytest.approx(0.6931, abs=5e-5)
    assert A.logistic_coder(ZERO, ZERO).item() == pytest.approx(2 * math.log(2))
    assert A.hinge_critic(ZERO, ZERO).item() == 2.0
    assert A.hinge_generator(ZERO).item() == 0.0


def test_logistic_losses_are_cross_entropies() -> None:
    real, fake = torch.randn(2, 9).unbind(0)
    entropy = F.binary_cross_entropy_with_logits
    critic = entropy(real, torch.ones(9)) + entropy(fake, torch.zeros(9))
    assert torch.allclose(A.logistic_critic(real, fake), critic)
    assert torch.allclose(A.logistic_generator(fake), entropy(fake, torch.ones(9)))
    coder = entropy(real, torch.zeros(9)) + entropy(fake, torch.ones(9))
    assert torch.allclose(A.logistic_coder(real, fake), coder)


def test_swapped_labels_differ_by_the_logits_themselves() -> None:
    real, fake = torch.randn(2, 9, dtype=torch.float64).unbind(0)
    difference = A.logistic_coder(real, fake) - A.logistic_critic(real, fake)
    assert torch.allclose(difference, real.mean() - fake.mean(), atol=1e-14)


def test_the_generators_gradient_does_not_vanish_where_the_critic_is_sure() -> None:
    fake = torch.full((1,), -10.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(A.logistic_generator(fake), fake)
    (saturating,) = torch.autograd.grad(-F.softplus(fake).mean(), fake)
    assert gradient.item() == pytest.approx(-1.0, abs=1e-4)
    assert abs(saturating.item()) < 1e-4


def test_losses_are_finite_at_large_logits() -> None:
    huge = torch.tensor([1e4])
    assert A.logistic_critic(huge, -huge).item() == 0.0
    assert A.logistic_critic(-huge, huge).item() == 2e4


def test_hinge_stops_at_the_margin() -> None:
    real, fake = torch.tensor([1.5, -1.0]), torch.tensor([-2.0, 0.5])
    assert A.hinge_critic(real, fake).item() == pytest.approx(1.0 + 0.75)
