"""BiGAN: a critic tells (x, E(x)) from (G(z), z); to fool it, E has to invert G.

Paper: Donahue, Kraehenbuehl, Darrell. Adversarial Feature Learning. ICLR 2017 (and Dumoulin et al.
Adversarially Learned Inference, 2017, the same idea). Differences from it: any backbone as E where
the paper has an AlexNet; the critic takes the code by a small network of its own and has no batch
norm, as ALI's; the learning rate falls on a cosine where the paper's falls exponentially.
Costs a generator and two passes of the critic a turn beside the encoder.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Player
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.core.recipe import Recipe
from presight.losses.adversarial import logistic_coder, logistic_critic
from presight.nn.decoders import CodeHead, Generator, PairCritic, initialize_adversarial
from presight.views.single import Flip

LEAST, LARGEST = 16, 64
"""Sides in pixels of critic and generator; of a larger image they see a smaller one, as in the
paper."""


class BiGAN(Method):
    """An encoder trained against a generator, by a critic of pairs.

    1. Codes E(x) of images, images G(z) of noise.
    2. The critic D learns that (x, E(x)) is 1 and (G(z), z) is 0.
    3. E and G together minimize the same loss with both labels swapped.

    Both sides' gradients come from the same weights and are applied together, as released; E(x)
    and G(z) are computed once. The representation is the map before the code.

    Published: 31.0 top-1, linear on AlexNet conv3, ImageNet. Typical failure: the critic wins, its
    loss falls below 0.01, and E learns nothing more.

    Args:
        encoders: makes E.
        data: what is known about the data.
        dim: width of the code, 1 or more; 200 for ImageNet.
        prior: of the noise: uniform on [-1, 1], E's output is squashed to it; or normal, E's output
            is free.
        side: pixels a side that critic and generator work at, a multiple of 8 from 16 on; 0 takes
            the view's, at most 64. The encoder always sees the whole view.
        width: channels of the critic's first and the generator's last map, 1 or
            more; 64 is DCGAN's.
        grid: side of the map that is flattened for the code, 1 or more; 1 is mean pooling.
        simultaneous: apply both sides' gradients together; else encoder and generator move first.
        views: recipe of the view.
    """

    card = Card(
        name="bigan",
        title="BiGAN",
        family="generative",
        authors="Donahue, Kraehenbuehl, Darrell",
        year=2017,
        venue="ICLR",
        cost=3.0,
        failures="the critic won (its loss is near 0): lower its width or the learning rate.",
        loss="adversarial",
        presets={
            "32": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=128,
                    optimizer="adam",
                    lr=2e-4,
                    lr_scaling="none",
                    final_lr=0.01,
                    betas=(0.5, 0.999),
                    weight_decay=2.5e-5,
                ),
                {"dim": 64},
                origin="proposal",
            ),
            "96": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=128,
                    optimizer="adam",
                    lr=2e-4,
                    lr_scaling="none",
                    final_lr=0.01,
                    betas=(0.5, 0.999),
                    weight_decay=2.5e-5,
                ),
                {"dim": 100},
                origin="proposal",
            ),
            "imagenet": Preset(
                TrainPlan(
                    epochs=100,
                    batch_size=128,
                    optimizer="adam",
                    lr=2e-4,
                    lr_scaling="none",
                    final_lr=0.01,
                    betas=(0.5, 0.999),
                    weight_decay=2.5e-5,
                ),
                {"dim": 200},
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
        dim: int = 64,
        prior: Literal["uniform", "normal"] = "uniform",
        side: int = 0,
        width: int = 64,
        grid: int = 4,
        simultaneous: bool = True,
        views: Recipe = Flip(),  # noqa: B008 - a frozen value
    ) -> None:
        super().__init__()
        for option, number in (("--dim", dim), ("--grid", grid), ("--width", width)):
            require(number >= 1, option, number, "1 or more")
        whole = side == 0 or (side >= LEAST and side % 8 == 0)
        require(whole, "--side", side, f"0, or a multiple of 8 from {LEAST} on")
        fits = side > 0 or data.image_size >= LEAST
        require(fits, "--image-size", data.image_size, f"{LEAST} pixels or more, or a --side")
        self.dim, self.prior, self.simultaneous = dim, prior, simultaneous
        self.side = side or min(data.image_size, LARGEST) // 8 * 8
        self.views = views.sized(data.image_size)
        self.encoder = encoders()
        self.head = CodeHead(self.encoder.stage_dims[-1], dim, grid)
        self.head.apply(initialize_adversarial)
        self.generator = Generator(dim, self.side, width, data.channels)
        self.critic = PairCritic(dim, self.side, width, channels=data.channels)
        # The coder comes first and hands its pairs on; with simultaneous steps order is no matter.
        self.players = (
            Player("coder", ("encoder", "head", "generator")),
            Player("critic", ("critic",)),
        )

    def code(self, images: Tensor) -> Tensor:
        """E(x), float [B, dim], of images in [0, 1]; in (-1, 1) for the uniform prior."""
        codes: Tensor = self.head(self.encoder.stages(images)[-1])
        return 2.0 * codes.sigmoid() - 1.0 if self.prior == "uniform" else codes

    def noise(self, draw: Draw) -> Tensor:
        """Codes from the prior, float [B, dim]."""
        shape = (self.dim,)
        uniform = self.prior == "uniform"
        drawn = draw.uniform("noise", shape, -1.0, 1.0) if uniform else draw.normal("noise", shape)
        return drawn.to(self.head.linear.weight.dtype)

    def small(self, images: Tensor) -> Tensor:
        """Images at the side of critic and generator."""
        if images.shape[-1] == self.side:
            return images
        return F.adaptive_avg_pool2d(images, self.side)

    def pairs(self, views: Views, step: Step) -> Views:
        """E(x), G(z) and z."""
        noise = self.noise(step.draw)
        return {"code": self.code(views["view"]), "fake": self.generator(noise), "noise": noise}

    def forward(self, views: Views, step: Step) -> Out:
        """The critic's loss, or that of encoder and generator, nats; both 1.3863 at the start."""
        if step.player == "critic":
            return self._critic(views, step)
        pairs = self.pairs(views, step)
        loss = logistic_coder(*self._judge(views, pairs))
        keep = {name: value.detach() for name, value in pairs.items()}
        return Out(loss, {"coder": loss.detach()}, embedding=pairs["code"], keep=keep)

    def _critic(self, views: Views, step: Step) -> Out:
        """The critic's turn, on the pairs that the coder made of this batch."""
        kept = "fake" in views
        with torch.no_grad():
            pairs = views if kept else self.pairs(views, step)
        real, fake = self._judge(views, pairs)
        loss = logistic_critic(real, fake)
        right = 0.5 * ((real > 0).to(loss.dtype).mean() + (fake < 0).to(loss.dtype).mean())
        terms = {"critic": loss.detach(), "critic_accuracy": right}
        return Out(loss, terms, embedding=pairs["code"])

    def _judge(self, views: Views, pairs: Views) -> tuple[Tensor, Tensor]:
        """Logits [B] of the real and of the generated pairs, in two passes, at least float32."""
        real = self.critic(self.small(views["view"]), pairs["code"])
        fake = self.critic(pairs["fake"], pairs["noise"])
        full = torch.promote_types(real.dtype, torch.float32)
        return real.to(full), fake.to(full)

    @property
    def backbone(self) -> Backbone:
        """E without the code's layer, which always probes better than the code."""
        return self.encoder

    @torch.no_grad()
    def sample(self, count: int, draw: Draw) -> Tensor:
        """Images G(z) [count,C,side,side] in [0, 1]."""
        rows = Draw(draw.seed, draw.epoch, torch.arange(count, device=draw.index.device))
        images: Tensor = self.generator(self.noise(rows.fork("sample")))
        return images

    @torch.no_grad()
    def reconstruct(self, images: Tensor, draw: Draw) -> Tensor:
        """Images G(E(x)) [n,C,S,S] in [0, 1]; the pixels are not what BiGAN is trained for."""
        rebuilt: Tensor = self.generator(self.code(images))
        return F.interpolate(rebuilt, images.shape[-2:], mode="bilinear", align_corners=False)

    def show(self, views: Views, step: Step) -> dict[str, Tensor]:
        """G(E(x)) under their images, and samples."""
        images = views["view"][:8]
        rebuilt = self.reconstruct(images, step.draw)
        pictures = {"reconstructions": torch.cat([images, rebuilt])[:, :3]}
        return pictures | {"samples": self.sample(16, step.draw)[:, :3]}
