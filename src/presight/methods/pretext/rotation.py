"""Rotation (RotNet): tell by how many quarter turns an image was turned.

Gidaris, Singh, Komodakis: Unsupervised Representation Learning by Predicting Image Rotations
(ICLR 2018). Differences: any backbone with a linear head on its pooled features, instead of
networks of the paper's own; steps of the learning rate are by 0.1, and momentum is not Nesterov's.
Cost: four passes of an image a step.
"""

from __future__ import annotations

import math

from torch.nn.functional import cross_entropy

from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.nn.heads import classifier
from presight.views.single import Rotations


class Rotation(Method):
    """Classify the four quarter turns of each image, all four in the batch.

    1. Crop and flip every image.                    3. Encode all four, in one pass.
    2. Turn it by 0, 90, 180 and 270 degrees.        4. Cross-entropy of a linear head to the turn.

    To know which way is up a network must find objects and their parts. Images without an up
    (texture, aerial, microscopy) cannot be told apart: accuracy then stays near a quarter.
    The last stage specializes in the task; read out the stage before it (the third of a ResNet's
    four). Published: 54.99 top-1 so, linear on a frozen ResNet-50, ImageNet, 70 epochs.

    Args:
        encoders: makes the encoder.
        data: what is known about the data.
        views: recipe of the four turns.
    """

    card = Card(
        name="rotation",
        title="Rotation (RotNet)",
        family="pretext",
        authors="Gidaris et al.",
        year=2018,
        venue="ICLR",
        cost=4.0,
        presets={
            "imagenet": Preset(
                TrainPlan(
                    epochs=70,
                    batch_size=128,
                    lr=0.2,
                    lr_scaling="none",
                    schedule="steps",
                    milestones=(0.4286, 0.7143),
                    warmup_epochs=5,
                    weight_decay=1e-4,
                    decay_all=True,
                ),
                origin="port",
            ),
            "96": Preset(
                TrainPlan(epochs=100, batch_size=128, lr=0.1, lr_scaling="none", weight_decay=5e-4),
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
                    warmup_epochs=2,
                ),
                origin="proposal",
            ),
            "32-port": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=128,
                    lr=0.1,
                    lr_scaling="none",
                    schedule="steps",
                    milestones=(0.3, 0.6, 0.8),
                    weight_decay=5e-4,
                    decay_all=True,
                ),
                origin="port",
            ),
        },
        failures=(
            "A loss that stays at log 4 means that the images have no up, or that the recipe turns "
            "or flips them upside down by itself."
        ),
    )

    box = Box(learning=4, views=4)

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        views: Recipe = Rotations(),  # noqa: B008
    ) -> None:
        super().__init__()
        self.views = views.sized(data.image_size)
        self.encoder = encoders()
        self.classifier = classifier(self.encoder.dim, 4)

    def forward(self, views: Views, step: Step) -> Out:
        """Cross-entropy of the four turns, mean over images and turns."""
        features = self.encoder(views["views"])  # [4B,D], rotation-major
        scores = self.classifier(features)  # [4B,4]
        loss = cross_entropy(scores, views["turns"])
        accuracy = (scores.argmax(1) == views["turns"]).float().mean()
        return Out(loss, {"accuracy": accuracy}, features.detach(), collapsed=math.log(4))

    @property
    def backbone(self) -> Backbone:
        """The encoder, without the head."""
        return self.encoder
