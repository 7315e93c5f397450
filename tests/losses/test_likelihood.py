"""Likelihoods against closed forms, torch's distributions and sums over all levels."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from presight.losses import likelihood as L

LEVELS = torch.arange(256, dtype=torch.float64) / 255


def test_bits_per_dim() -> None:
    assert L.bits_per_dim(torch.tensor(2129.35), 3072).item() == pytest.approx(1.0, abs=1e-5)
    uniform = torch.tensor(3072 * math.log(256))
    assert L.bits_per_dim(uniform, 3072).item() == pytest.approx(8.0, abs=1e-6)
    assert L.Likelihood(-uniform, "lower").bits_per_dim(3072).item() == pytest.approx(8.0, abs=1e-6)


def test_gaussian_is_torchs() -> None:
    target, mean = torch.randn(2, 5, dtype=torch.float64).unbind(0)
    log_sigma = torch.tensor(-0.7, dtype=torch.float64)
    expected = -Normal(mean, log_sigma.exp()).log_prob(target)
    assert torch.allclose(L.gaussian(target, mean, log_sigma), expected, atol=1e-12)


def test_optimal_variance_is_the_squared_error() -> None:
    """At MSE 0.01: 0.9239 nats with unit variance, -0.8836 with the best."""
    zero, tenth = torch.zeros(()), torch.tensor(0.1)
    assert L.gaussian(tenth, zero, zero).item() == pytest.approx(0.9239, abs=5e-5)
    assert L.optimal_gaussian(torch.tensor(0.01)).item() == pytest.approx(-0.8836, abs=5e-5)
    for log_sigma in (-2.5, -2.0):
        worse = L.gaussian(tenth, zero, torch.tensor(log_sigma))
        assert worse.item() > L.optimal_gaussian(torch.tensor(0.01)).item()
    exact = L.gaussian(tenth, zero, torch.tensor(0.1).log())
    assert exact.item() == pytest.approx(L.optimal_gaussian(torch.tensor(0.01)).item(), abs=1e-6)


def test_optimal_variance_has_the_fixed_ones_gradient() -> None:
    mean = torch.randn(20, dtype=torch.float64, requires_grad=True)
    target = torch.randn(20, dtype=torch.float64)
    error = (target - mean).square().mean()
    (free,) = torch.autograd.grad(20 * L.optimal_gaussian(error), mean, retain_graph=True)
    log_sigma = 0.5 * error.detach().log()
    (fixed,) = torch.autograd.grad(L.gaussian(target, mean, log_sigma).sum(), mean)
    assert torch.allclose(free, fixed, atol=1e-12)


def test_bernoulli_is_torchs_and_no_likelihood_of_grays() -> None:
    logits = torch.randn(4, dtype=torch.float64)
    bits = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)
    expected = -Bernoulli(logits=logits).log_prob(bits)
    assert torch.allclose(L.bernoulli(bits, logits), expected, atol=1e-12)
    assert L.bernoulli(torch.tensor(0.5), torch.tensor(0.0)).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("mean", "log_scale"), [(0.5, -2.7), (0.65, -5.7), (-0.25, -0.7), (0.5015, -6.9), (0.2, -9.0)]
)
def test_masses_of_all_levels_sum_to_one(mean: float, log_scale: float) -> None:
    arguments = (LEVELS, torch.tensor(mean).double(), torch.tensor(log_scale).double())
    # Bins under TINY_MASS are taken at their center, which costs up to 1e-4 in all.
    assert torch.exp(-L.discretized_logistic(*arguments)).sum().item() == pytest.approx(1, abs=1e-4)
    assert L.discretized_logistic(*arguments).min() >= 0
    arguments = (LEVELS, torch.tensor(mean).double(), torch.tensor(max(log_scale, -6.0)).double())
    assert torch.exp(-L.discretized_gaussian(*arguments)).sum().item() == pytest.approx(1, abs=1e-4)


def test_masses_stay_finite_far_away() -> None:
    for nll in (L.discretized_logistic, L.discretized_gaussian):
        mean = torch.full((256,), 0.5, requires_grad=True)
        value = nll(LEVELS.float(), mean, torch.tensor(-5.5))
        (gradient,) = torch.autograd.grad(value.sum(), mean)
        assert torch.isfinite(value).all()
        assert torch.isfinite(gradient).all()


def test_discrete_and_dense_gaussians_agree_where_bins_are_narrow() -> None:
    arguments = (LEVELS[50:200], torch.tensor(0.5).double(), torch.tensor(-1.5).double())
    dense = L.gaussian(*arguments) + math.log(255)
    assert torch.allclose(L.discretized_gaussian(*arguments), dense, atol=1e-4)


def test_divergences_have_the_known_values() -> None:
    """KL(N(1,1) || N(0,1)) = 0.5 and KL(N(0,4) || N(0,1)) = 0.8069."""
    zero = torch.zeros(())
    assert L.kl_to_standard_normal(torch.ones(()), zero).item() == pytest.approx(0.5)
    wide = torch.tensor(math.log(4.0))
    assert L.kl_to_standard_normal(zero, wide).item() == pytest.approx(0.8069, abs=5e-5)
    assert L.kl_to_standard_normal(zero, zero).item() == 0.0


def test_divergences_are_torchs() -> None:
    mean, log_variance, other, other_log = torch.randn(4, 6, dtype=torch.float64).unbind(0)
    first, second = (
        Normal(m, (0.5 * v).exp()) for m, v in ((mean, log_variance), (other, other_log))
    )
    expected = kl_divergence(first, second)
    found = L.kl_between_normals(mean, log_variance, other, other_log)
    assert torch.allclose(found, expected, atol=1e-12)
    zero = torch.zeros(6, dtype=torch.float64)
    standard = L.kl_between_normals(mean, log_variance, zero, zero)
    assert torch.allclose(standard, L.kl_to_standard_normal(mean, log_variance), atol=1e-12)


def test_free_bits_are_free_a_latent() -> None:
    divergence = torch.tensor([0.05, 0.3], requires_grad=True)
    loss = L.free_bits(divergence, 0.1)
    assert loss.item() == pytest.approx(0.4)
    (gradient,) = torch.autograd.grad(loss, divergence)
    assert gradient.tolist() == [0.0, 1.0]
    assert L.free_bits(divergence, 0.0).item() == pytest.approx(0.35)


def test_active_units() -> None:
    means = torch.stack([torch.linspace(-1, 1, 9), torch.full((9,), 3.0)], 1)
    assert L.active_units(means) == 1


def test_importance_bound_of_equal_weights_is_the_weight() -> None:
    assert torch.allclose(L.importance_bound(torch.full((7, 2), -3.0)), torch.tensor(-3.0))
