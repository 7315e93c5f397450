"""VAE: encode an image as a Gaussian over codes from which a decoder can draw it again.

Paper: Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014; beta from Higgins et al. 2017.
Differences from it: any backbone as encoder, a convolutional decoder, and by default a Gaussian
whose one variance is the batch's mean squared error (optimal sigma-VAE, Rybkin et al. 2021).
Costs a decoder beside the encoder; no bank, no pass between epochs.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from presight.core import world
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Group, Player
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.core.recipe import Recipe
from presight.errors import UsageError
from presight.losses import likelihood as nats_of
from presight.losses.likelihood import Likelihood
from presight.nn.decoders import CodeDecoder, CodeHead
from presight.views.single import Flip

LOG_VARIANCE = 10.0
"""Bound on a code's |log variance|: exp(10) is still finite in half precision."""


class VAE(Method):
    """A latent-variable model whose encoder is the backbone.

    1. q(z|x) = N(mu, s^2), from the last stage's map.     2. z = mu + s * noise.
    3. Minimize  -log p(x|z) + beta * KL(q(z|x) || N(0, I)): sum over pixels and latents, mean over
    the batch.

    The representation is the map before the code; mu itself usually probes worse.
    Typical failure: posterior collapse, KL near 0 and no active units (weaker decoder, warm-up,
    free bits).

    Args:
        encoders: makes the encoder.
        data: what is known about the data.
        dim: width of the code, 1 or more; 128 suits 32 to 96 pixels.
        beta: weight of the divergence, 0 or more; 1 is the bound itself, 0 a noisy autoencoder,
            more gives fewer and more separate active units.
        warmup: share of the run over which the weight rises from 0 to beta, 0..1; more helps
            against posterior collapse.
        free_bits: nats of a latent that cost nothing, 0 or more; try 0.1 where few units are
            active.
        likelihood: of pixels. gaussian takes the variance that is best for the batch, learned
            trains it, logistic trains a discretized logistic's scale, bernoulli is for images that
            are black and white.
        grid: side of the map that is flattened for the code, 1 or more; 1 is mean pooling.
        width: channels of the decoder's smallest map, 1 or more; fewer is faster.
        views: recipe of the view.
    """

    card = Card(
        name="vae",
        title="VAE",
        family="generative",
        authors="Kingma, Welling",
        year=2014,
        venue="ICLR",
        cost=1.5,
        failures="posterior collapse: KL near 0 and no active units; try free_bits or more warmup.",
        presets={
            "32": Preset(
                TrainPlan(
                    epochs=100,
                    batch_size=128,
                    optimizer="adam",
                    lr=1e-3,
                    lr_scaling="none",
                    weight_decay=0.0,
                ),
                {"dim": 128},
                origin="proposal",
            ),
            "96": Preset(
                TrainPlan(
                    epochs=100,
                    batch_size=128,
                    optimizer="adam",
                    lr=1e-3,
                    lr_scaling="none",
                    weight_decay=0.0,
                ),
                {"dim": 128},
                origin="proposal",
            ),
            "imagenet": Preset(
                TrainPlan(
                    epochs=100,
                    batch_size=256,
                    optimizer="adam",
                    lr=5e-4,
                    lr_scaling="none",
                    warmup_epochs=1,
                    weight_decay=0.0,
                    clip=1000.0,
                ),
                {"dim": 512},
                origin="proposal",
            ),
        },
    )

    box = Box()

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        dim: int = 128,
        beta: float = 1.0,
        warmup: float = 0.1,
        free_bits: float = 0.0,
        likelihood: Literal["gaussian", "learned", "logistic", "bernoulli"] = "gaussian",
        grid: int = 4,
        width: int = 256,
        views: Recipe = Flip(),  # noqa: B008 - a frozen value
    ) -> None:
        super().__init__()
        for option, number in (("--dim", dim), ("--grid", grid), ("--width", width)):
            require(number >= 1, option, number, "1 or more")
        require(beta >= 0.0, "--beta", beta, "0 or more")
        require(0.0 <= warmup <= 1.0, "--warmup", warmup, "a share of the run, 0 to 1")
        require(free_bits >= 0.0, "--free-bits", free_bits, "0 nats or more")
        self.dim, self.beta, self.warmup, self.free_bits = dim, beta, warmup, free_bits
        self.likelihood = likelihood
        self.views = views.sized(data.image_size)
        self.encoder = encoders()
        self.head = CodeHead(self.encoder.stage_dims[-1], 2 * dim, grid)
        self.decoder = CodeDecoder(dim, data.image_size, data.channels, width)
        self.register_buffer("variance", torch.zeros(()))  # of pixels, for samples and bounds
        self.variance: Tensor
        if likelihood in ("learned", "logistic"):
            self.log_scale = nn.Parameter(torch.tensor(math.log(0.25)))
            # At the common rate the one scale lags far behind the network that it measures.
            own = Group(("log_scale",), lr_scale=10.0, weight_decay=0.0)
            self.players = (Player("all", groups=(own,)),)

    def code(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), float [B, dim], of images in [0, 1]."""
        outputs = _full(self.head(self.encoder.stages(images)[-1]))
        mean, log_variance = outputs.chunk(2, 1)
        return mean, log_variance.clamp(-LOG_VARIANCE, LOG_VARIANCE)

    def decode(self, codes: Tensor) -> Tensor:
        """Mean of p(x|z), float [B,C,S,S]; logits for `bernoulli`. Linear in normalized pixels."""
        output = _full(self.decoder(codes))
        return output if self.likelihood == "bernoulli" else 0.5 + 0.25 * output

    def forward(self, views: Views, step: Step) -> Out:
        """The negative bound: sum over pixels and latents, mean over the batch, nats."""
        images = views["view"]
        mean, log_variance = self.code(images)
        noise = step.draw.normal("code", (self.dim,)).to(mean.dtype)
        output = self.decode(mean + noise * torch.exp(0.5 * log_variance))
        error = world.mean((images - output).square().mean())
        distortion = self._distortion(images, output, error)
        latents = nats_of.kl_to_standard_normal(mean, log_variance).mean(0)
        if self.free_bits > 0:
            latents = world.mean(latents)  # the floor is on the whole batch's mean
        weight = self.beta * min(1.0, step.progress / self.warmup) if self.warmup else self.beta
        loss = distortion + weight * nats_of.free_bits(latents, self.free_bits)
        terms = {"distortion": distortion.detach(), "kl": latents.detach().sum()}
        terms["active_units"] = nats_of.active_units(world.gather_detached(mean))
        if self.likelihood != "bernoulli":
            terms["squared_error"] = error.detach()
        return Out(loss, terms, embedding=mean, keep={"squared_error": error.detach()})

    def _distortion(self, images: Tensor, output: Tensor, error: Tensor) -> Tensor:
        """-log p(x|z): sum over pixels, mean over the batch."""
        if self.likelihood == "gaussian":
            return images[0].numel() * nats_of.optimal_gaussian(error)
        if self.likelihood == "learned":
            each = nats_of.gaussian(images, output, self.log_scale)
        elif self.likelihood == "logistic":
            each = nats_of.discretized_logistic(images, output, self.log_scale)
        else:
            each = nats_of.bernoulli(images, output)
        return each.sum() / len(images)

    def after_batch(self, out: Out, step: Step) -> None:
        """Keep a moving mean of the variance, for use where there is no batch to take it from."""
        error = out.keep["squared_error"].to(self.variance.dtype)
        moved = torch.lerp(self.variance, error, 0.01)
        self.variance.copy_(torch.where(self.variance == 0, error, moved))

    @property
    def backbone(self) -> Backbone:
        """The encoder without the code's layer."""
        return self.encoder

    def _images(self, codes: Tensor) -> Tensor:
        output = self.decode(codes)
        return output.sigmoid() if self.likelihood == "bernoulli" else output.clamp(0.0, 1.0)

    @torch.no_grad()
    def sample(self, count: int, draw: Draw) -> Tensor:
        """Images [count,C,S,S] in [0, 1]: the decoder's means of codes from N(0, I)."""
        rows = Draw(draw.seed, draw.epoch, torch.arange(count, device=draw.index.device))
        return self._images(rows.normal("sample", (self.dim,)).to(self.head.linear.weight.dtype))

    @torch.no_grad()
    def reconstruct(self, images: Tensor, draw: Draw) -> Tensor:
        """Images [n,C,S,S] in [0, 1] from the posterior's mean; nothing is drawn."""
        return self._images(self.code(images)[0])

    @torch.no_grad()
    def nats(self, images: Tensor, draw: Draw, samples: int = 1) -> Likelihood:
        """A lower bound of log p(x) of 8-bit images, importance weighted over several samples.

        Args:
            images: float [n,C,S,S], levels k/255.
            draw: a row an image.
            samples: 1 is the ELBO; more make the bound tighter, in expectation.

        Raises:
            UsageError: for `bernoulli`, which gives gray levels no probability.
        """
        if self.likelihood == "bernoulli":
            raise UsageError(
                "the likelihood bernoulli gives gray levels no probability; expected gaussian, "
                "learned or logistic: pretrain again with one of them."
            )
        mean, log_variance = self.code(images)
        weights = []
        for k in range(samples):
            noise = draw.normal(f"sample {k}", (self.dim,)).to(mean.dtype)
            codes = mean + noise * torch.exp(0.5 * log_variance)
            zero, log_sigma = torch.zeros_like(codes), 0.5 * log_variance
            prior = -nats_of.gaussian(codes, zero, zero).sum(1)
            posterior = -nats_of.gaussian(codes, mean, log_sigma).sum(1)
            weights.append(self._log_mass(images, self.decode(codes)) + prior - posterior)
        return Likelihood(nats_of.importance_bound(torch.stack(weights)), "lower")

    def _log_mass(self, images: Tensor, output: Tensor) -> Tensor:
        """Log p(x|z) [n] of the 8-bit levels."""
        levels = (images * 255.0).round() / 255.0
        if self.likelihood == "logistic":
            each = nats_of.discretized_logistic(levels, output, self.log_scale)
        else:
            learned = self.likelihood == "learned"
            log_sigma = self.log_scale if learned else 0.5 * self.variance.clamp_min(1e-6).log()
            each = nats_of.discretized_gaussian(levels, output, log_sigma)
        return -each.flatten(1).sum(1)

    def show(self, views: Views, step: Step) -> dict[str, Tensor]:
        """Reconstructions under their images, and samples."""
        images = views["view"][:8]
        rebuilt = self.reconstruct(images, step.draw)
        pictures = {"reconstructions": torch.cat([images, rebuilt])[:, :3]}
        return pictures | {"samples": self.sample(16, step.draw)[:, :3]}


def _full(value: Tensor) -> Tensor:
    """At least float32: sums over pixels and exponentials do not bear less."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
