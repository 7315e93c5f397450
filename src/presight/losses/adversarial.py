"""Losses of a critic and of its opponents, from logits: positive means real."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def logistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Mean softplus(-real) + mean softplus(fake): cross-entropy of real = 1, fake = 0.

    Args:
        real: logits of real samples, any shape.
        fake: logits of generated ones, any shape.

    Returns:
        Scalar, nats, >= 0; 2 log 2 = 1.3863 at logits 0, below 0.01 when the critic has won.

    Source: Goodfellow et al.: Generative Adversarial Nets, 2014, equation 1.

    Example:
        >>> import torch
        >>> from presight.losses.adversarial import logistic_critic
        >>> undecided = torch.zeros(4)
        >>> print(f"{logistic_critic(undecided, undecided):.4f}")
        1.3863
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def logistic_generator(fake: Tensor) -> Tensor:
    """Mean softplus(-fake): the non-saturating loss.

    Its gradient stays near -1 where the critic is sure (fake = -10), where the saturating form's
    would vanish.

    Args:
        fake: logits of generated samples, any shape.

    Returns:
        Scalar, nats, >= 0; log 2 = 0.6931 at logits 0.

    Source: Goodfellow et al.: Generative Adversarial Nets, 2014, section 3.
    """
    return F.softplus(-fake).mean()


def logistic_coder(real: Tensor, fake: Tensor) -> Tensor:
    """Mean softplus(real) + mean softplus(-fake): the critic's loss with both labels swapped.

    The encoder and the generator of a BiGAN share it. coder - critic = mean(real) - mean(fake),
    exactly, since softplus(d) - softplus(-d) = d.

    Args:
        real: logits of real images with their codes, any shape.
        fake: logits of generated images with theirs, any shape.

    Returns:
        Scalar, nats, >= 0; 2 log 2 = 1.3863 at logits 0.

    Source: Donahue, Kraehenbuehl, Darrell: Adversarial Feature Learning, ICLR 2017.
    """
    return logistic_critic(fake, real)


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Mean relu(1 - real) + mean relu(1 + fake).

    Args:
        real: logits of real samples, any shape.
        fake: logits of generated ones, any shape.

    Returns:
        Scalar, >= 0; 2 at logits 0, 0 when all real ones are above 1 and all others below -1.

    Source: Lim, Ye: Geometric GAN, 2017.
    """
    return F.relu(1.0 - real).mean() + F.relu(1.0 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """-mean(fake): the opponent of `hinge_critic`.

    Args:
        fake: logits of generated samples, any shape.

    Returns:
        Scalar; 0 at logits 0, unbounded below.

    Source: Lim, Ye: Geometric GAN, 2017.
    """
    return -fake.mean()
