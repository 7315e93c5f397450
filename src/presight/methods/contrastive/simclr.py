"""SimCLR: two random views of an image attract, all other views in the batch repel.

Chen, Kornblith, Norouzi, Hinton: A Simple Framework for Contrastive Learning of Visual
Representations (ICML 2020). Differences: the head is the paper's, two layers without batch norm;
the loss is the paper's mean, half of what the authors' code returns; images are normalized.
Cost: two passes of an image a step, and (2B)^2 similarities over all processes.
"""

from __future__ import annotations

import math

from presight.core import world
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.core.recipe import Recipe
from presight.losses.contrastive import nt_xent, unit
from presight.nn.heads import mlp
from presight.views.pairs import SimCLRPair


class SimCLR(Method):
    """Contrast two augmented views of each image against all others in the batch.

    1. Draw two views of every image.          3. Project and normalize: z = g(h) / |g(h)|.
    2. Encode them in one pass: h = f(view).   4. Minimize NT-Xent over all 2N projections.

    The representation is h, before the projector: a linear probe on h beats one on g(h) by more
    than ten points. Published: 69.3 top-1, linear on a frozen ResNet-50, ImageNet, 1000 epochs,
    batch 4096; ResNet-18 on CIFAR-10, 1000 epochs, batch 512: about 91.

    Args:
        encoders: makes the encoder f.
        data: what is known about the data.
        temperature: above 0, divides the cosines; lower weighs the hardest negatives more. 0.1 for
            large batches and ImageNet, 0.5 for 32-pixel images or small batches.
        projector: widths of the projector's layers; the last one is the embedding's. More layers
            help with long training.
        views: recipe of the two views; weaker color jitter keeps color in the features.
    """

    card = Card(
        name="simclr",
        title="SimCLR",
        family="contrastive",
        authors="Chen et al.",
        year=2020,
        venue="ICML",
        cost=2.0,
        presets={
            "imagenet": Preset(
                TrainPlan(
                    epochs=1000,
                    batch_size=4096,
                    optimizer="lars",
                    lr=0.3,
                    weight_decay=1e-6,
                    warmup_epochs=10,
                ),
                options={"temperature": 0.1, "projector": (2048, 128)},
                origin="paper",
            ),
            "96": Preset(
                TrainPlan(epochs=200, batch_size=256, lr=0.06, weight_decay=5e-4, warmup_epochs=5),
                options={"temperature": 0.2, "projector": (512, 128)},
                origin="proposal",
            ),
            "32": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=128,
                    optimizer="adamw",
                    lr=0.003,
                    lr_scaling="sqrt",
                    weight_decay=1e-4,
                    warmup_epochs=10,
                ),
                options={"temperature": 0.2, "projector": (512, 128)},
                origin="proposal",
            ),
            "32-port": Preset(
                TrainPlan(
                    epochs=1000,
                    batch_size=512,
                    optimizer="lars",
                    lr=1.0,
                    weight_decay=1e-4,
                    warmup_epochs=10,
                ),
                options={"temperature": 0.5, "projector": (512, 128)},
                origin="port",
            ),
        },
        failures=(
            "A loss that stays at log(2N - 1) means that all embeddings are equal: lower the "
            "learning rate, then look at the views."
        ),
    )

    box = Box(learning=2, views=2)

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        temperature: float = 0.1,
        projector: tuple[int, ...] = (2048, 128),
        views: Recipe = SimCLRPair(),  # noqa: B008
    ) -> None:
        super().__init__()
        require(temperature > 0, "--temperature", temperature, "a number above 0")
        self.temperature = temperature
        self.views = views.sized(data.image_size)
        self.encoder = encoders()
        self.projector = mlp(self.encoder.dim, *projector)

    def forward(self, views: Views, step: Step) -> Out:
        """NT-Xent of two views, over all processes."""
        features = self.encoder(views["views"])  # [2B,D], one pass: batch norm sees both views
        first, second = unit(self.projector(features)).chunk(2)  # [B,d] each
        loss = nt_xent(first, second, temperature=self.temperature, gather=world.gather)
        collapsed = math.log(2 * world.size() * len(first) - 1)
        return Out(loss, embedding=first.detach(), collapsed=collapsed)

    @property
    def backbone(self) -> Backbone:
        """The encoder f, without the projector."""
        return self.encoder
