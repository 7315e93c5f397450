"""Likelihoods of pixels and the divergences of Gaussian codes, in nats and element by element.

Nothing here is averaged: a likelihood's loss is a sum over pixels and latents and a mean over the
batch, and mixing sums with means silently changes the weight of the divergence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_2PI = math.log(2.0 * math.pi)
LEVELS = 256
TINY_MASS = 1e-5
"""Bin masses below this are taken as density times bin width: the difference cancels."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model says about the probability of images of 8-bit pixels.

    Args:
        value: float [n], log p(x) of an image, nats, <= 0.
        kind: `exact`, or `lower` where the value is a bound below the true one.
    """

    value: Tensor
    kind: Literal["exact", "lower"]

    def bits_per_dim(self, dims: int) -> Tensor:
        """Bits a pixel and channel, float [n]; `dims` is C*H*W. An upper bound for `lower`."""
        return bits_per_dim(-self.value, dims)


def bits_per_dim(nats: Tensor, dims: int) -> Tensor:
    """Nats / (dims ln 2): 8 for uniform 8-bit pixels, 1 for 2129.35 nats at 32x32x3.

    Args:
        nats: of an image, any shape.
        dims: numbers an image, C*H*W.

    Returns:
        Bits a number, of the shape of `nats`.

    Example:
        >>> import torch
        >>> from presight.losses.likelihood import bits_per_dim
        >>> uniform = 32 * 32 * 3 * torch.log(torch.tensor(256.0))  # each of 256 levels alike
        >>> print(f"{bits_per_dim(uniform, 32 * 32 * 3):.3f}")
        8.000
    """
    return nats / (dims * math.log(2.0))


def gaussian(target: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """-log N(target; mean, sigma^2) = ((t - m) / sigma)^2 / 2 + log sigma + log(2 pi) / 2.

    Args:
        target: float, any shape.
        mean: float, same shape.
        log_sigma: float, broadcasts to them.

    Returns:
        Nats, elementwise, of a density: may be negative, and is no bits per pixel.
    """
    return 0.5 * ((target - mean) * torch.exp(-log_sigma)).square() + log_sigma + 0.5 * LOG_2PI


def optimal_gaussian(squared_error: Tensor, least: float = 1e-6) -> Tensor:
    """Nats an element of a Gaussian whose variance is the mean squared error itself.

    min over sigma of E[-log N] = (log(2 pi MSE) + 1) / 2, at sigma^2 = MSE.

    Args:
        squared_error: scalar, mean over elements, images (and processes).
        least: smallest variance; 1e-6 is a quarter of an 8-bit level, squared.

    Returns:
        Scalar; -0.8836 at MSE 0.01, where unit variance costs 0.9239.

    Source: Rybkin, Daniilidis, Levine: Simple and Effective VAE Training with Calibrated Decoders,
    ICML 2021 (optimal sigma-VAE).
    """
    return 0.5 * (LOG_2PI + torch.log(squared_error.clamp_min(least)) + 1.0)


def bernoulli(target: Tensor, logits: Tensor) -> Tensor:
    """-t log p - (1 - t) log(1 - p), p = sigmoid(logits).

    A likelihood for targets 0 and 1 only; on gray levels it is a loss whose minimum is the
    target's own entropy, not zero.

    Args:
        target: float in [0, 1], any shape.
        logits: float, same shape.

    Returns:
        Nats, elementwise, >= 0; log 2 = 0.6931 at logit 0.
    """
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


def _binned(target: Tensor, inside: Tensor, below: Tensor, above: Tensor, log: Tensor) -> Tensor:
    """-log mass: the bin's, the lower tail's at level 0, the upper tail's at level 255."""
    mass = torch.where(inside > TINY_MASS, inside.clamp_min(TINY_MASS).log(), log)
    half = 0.5 / (LEVELS - 1)
    edges = torch.where(target > 1.0 - half, above, mass)
    return -torch.where(target < half, below, edges)


def discretized_logistic(target: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """-log mass of an 8-bit level under a logistic distribution.

    P(t) = S((t + h - m) / s) - S((t - h - m) / s), h = 1/510; the outer bins take their tails.

    Args:
        target: float in [0, 1], levels k/255.
        mean: float, same shape.
        log_scale: float, broadcasts; floored at -7.

    Returns:
        Nats, elementwise, >= 0.

    Source: Salimans, Karpathy, Chen, Kingma: PixelCNN++, ICLR 2017, section 2.1 (on [-1, 1], where
    the scale is twice ours).
    """
    log_scale = log_scale.clamp_min(-7.0)
    inverse, half = torch.exp(-log_scale), 0.5 / (LEVELS - 1)
    centered = target - mean
    upper, lower = (centered + half) * inverse, (centered - half) * inverse
    middle = centered * inverse
    inside = torch.sigmoid(upper) - torch.sigmoid(lower)
    density = middle - log_scale - 2.0 * F.softplus(middle) - math.log(LEVELS - 1)
    return _binned(target, inside, F.logsigmoid(upper), F.logsigmoid(-lower), density)


def discretized_gaussian(target: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """-log mass of an 8-bit level under a Gaussian; the outer bins take their tails.

    Turns a decoder that was trained by density into a likelihood of discrete images, which bits
    per dimension need.

    Args:
        target: float in [0, 1], levels k/255.
        mean: float, same shape.
        log_sigma: float, broadcasts.

    Returns:
        Nats, elementwise, >= 0.
    """
    inverse, half = torch.exp(-log_sigma), 0.5 / (LEVELS - 1)
    centered = target - mean
    upper, lower = (centered + half) * inverse, (centered - half) * inverse
    inside = torch.special.ndtr(upper) - torch.special.ndtr(lower)
    density = -gaussian(target, mean, log_sigma) - math.log(LEVELS - 1)
    below, above = torch.special.log_ndtr(upper), torch.special.log_ndtr(-lower)
    return _binned(target, inside, below, above, density)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1 - log s^2) / 2, elementwise.

    Args:
        mean: m, float, any shape.
        log_variance: log s^2, float, same shape.

    Returns:
        Nats, >= 0; 0.5 at (1, 1), 0.8069 at variance 4 (m = 0), 0 where the code tells nothing.

    Example:
        >>> import torch
        >>> from presight.losses.likelihood import kl_to_standard_normal
        >>> print(f"{kl_to_standard_normal(torch.tensor(1.0), torch.tensor(0.0)):.1f}")
        0.5
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def kl_between_normals(
    mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor
) -> Tensor:
    """KL(N(m, s^2) || N(n, r^2)) = (log r^2/s^2 + (s^2 + (m - n)^2) / r^2 - 1) / 2, elementwise.

    Args:
        mean: m, float, any shape.
        log_variance: log s^2, same shape.
        other_mean: n, same shape.
        other_log_variance: log r^2, same shape.

    Returns:
        Nats, >= 0; 0 where both are equal.
    """
    difference = log_variance - other_log_variance
    distance = (mean - other_mean).square() * torch.exp(-other_log_variance)
    return 0.5 * (difference.exp() - 1.0 - difference + distance)


def free_bits(divergence: Tensor, least: float) -> Tensor:
    """Sum over latents of max(KL, least): a latent pays nothing for its first `least` nats.

    Args:
        divergence: float [d], nats a latent, mean over the batch.
        least: nats, >= 0; 0 leaves the sum as it is.

    Returns:
        Scalar, nats, >= d * least.

    Source: Kingma et al.: Improved Variational Inference with Inverse Autoregressive Flow, 2016.
    """
    return divergence.clamp_min(least).sum() if least > 0 else divergence.sum()


def importance_bound(log_weights: Tensor) -> Tensor:
    """Log mean over k of w_k, w = p(x, z_k) / q(z_k | x): a lower bound of log p(x).

    Args:
        log_weights: float [K, ...].

    Returns:
        Nats [...]; the ELBO at K = 1, and larger in expectation with every further sample.

    Source: Burda, Grosse, Salakhutdinov: Importance Weighted Autoencoders, ICLR 2016.
    """
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


def active_units(means: Tensor, threshold: float = 0.01) -> Tensor:
    """Number of latents whose posterior mean varies over images: Var_x[m_j] > threshold.

    A latent with the same divergence for every image costs nats and tells nothing.

    Args:
        means: float [n, d]; of one image nothing is active.
        threshold: the usual 0.01; 0 active units is posterior collapse.

    Returns:
        Scalar float, on the device of the means.

    Source: Burda, Grosse, Salakhutdinov: Importance Weighted Autoencoders, ICLR 2016, section 5.2.
    """
    return (means.float().var(0, unbiased=False) > threshold).float().sum()
