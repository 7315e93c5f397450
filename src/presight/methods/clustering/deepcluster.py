"""DeepCluster: cluster the features, learn to tell the clusters, and begin again every epoch.

Caron, Bojanowski, Joulin, Douze: Deep Clustering for Unsupervised Learning of Visual Features (ECCV
2018). Differences: clusters are drawn equally often in effect, not only by intention as in the
release, whose indices point into a reordered data set; k-means starts from k-means++ seeds; an
empty cluster splits the largest one; any backbone takes AlexNet's place.
Cost: a pass of an image a step, and every epoch one more pass over all images, without gradient,
then whitening and k-means of N rows.
"""

from __future__ import annotations

import logging
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, relu

from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import key_of
from presight.core.learner import EpochPlan, Group, Player, Survey
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.core.recipe import Recipe
from presight.nn.cluster import balanced, kmeans, whiten
from presight.nn.heads import classifier
from presight.views.filters import sobel as gradients
from presight.views.single import Center, Crop

ROWS_A_CLUSTER = 20
"""Fewer images a cluster than this, and clusters are single pictures: their number is capped."""


class DeepCluster(Method):
    """Take the clusters of the features as labels, for one epoch.

    Every epoch:                                        Every step:
    1. Features of all images, without augmentation.    5. A crop of each image, clusters equally
    2. Whiten 256 principal components, normalize.         often.
    3. k-means with new seeds: the assignments.         6. Cross-entropy to the assignments.
    4. A new linear classifier, without momentum.

    Published: 46.9 top-1, linear on a frozen ResNet-50 with Sobel filters, ImageNet, 200 epochs
    (a public port). The paper's table needs 500 epochs of AlexNet or VGG.

    Args:
        encoders: makes the encoder.
        data: what is known about the data.
        clusters: k; more than classes are expected, 10000 for ImageNet, 100 to 500 for small data.
            At most one for 20 images: a larger number is capped, and said.
        components: principal components that are clustered, 1 to the features' width; fewer
            cluster coarser properties.
        iterations: of k-means.
        hidden: widths of linear layers with ReLU between encoder and classifier; the last one's
            output before its ReLU is clustered. Empty clusters the pooled features.
        dropout: share of features dropped before each hidden layer while training, 0 to below 1;
            without hidden layers nothing is dropped.
        sobel: the encoder sees two channels of gray edges instead of color, as in the paper:
            colors would make easy clusters.
        views: recipe of the view that is learned from.
        survey: recipe of the view that is clustered.
    """

    assignments: Tensor
    filled: Tensor

    card = Card(
        name="deepcluster",
        title="DeepCluster",
        family="clustering",
        authors="Caron et al.",
        year=2018,
        venue="ECCV",
        cost=1.4,
        presets={
            "imagenet": Preset(
                TrainPlan(
                    epochs=500,
                    batch_size=256,
                    lr=0.05,
                    lr_scaling="none",
                    schedule="constant",
                    weight_decay=1e-5,
                    decay_all=True,
                ),
                options={
                    "clusters": 10000,
                    "components": 256,
                    "hidden": (4096, 4096),
                    "dropout": 0.5,
                    "sobel": True,
                },
                origin="paper",
            ),
            "96": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=256,
                    lr=0.05,
                    lr_scaling="none",
                    schedule="constant",
                    weight_decay=1e-5,
                    decay_all=True,
                ),
                options={"clusters": 500, "components": 128},
                origin="proposal",
            ),
            "32": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=256,
                    lr=0.05,
                    lr_scaling="none",
                    schedule="constant",
                    weight_decay=1e-5,
                    decay_all=True,
                ),
                options={"clusters": 100, "components": 128},
                origin="proposal",
            ),
        },
        failures=(
            "One cluster with more than half of the images, or a loss near 0 at once, means that "
            "the features tell nothing apart: lower the learning rate, or begin with sobel."
        ),
    )

    box = Box()

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        clusters: int = 10000,
        components: int = 256,
        iterations: int = 20,
        hidden: tuple[int, ...] = (),
        dropout: float = 0.5,
        sobel: bool = False,
        views: Recipe = Crop(),  # noqa: B008
        survey: Recipe = Center(),  # noqa: B008
    ) -> None:
        super().__init__()
        require(clusters >= 2, "--clusters", clusters, "2 or more")
        require(components >= 1, "--components", components, "1 or more")
        require(iterations >= 1, "--iterations", iterations, "1 or more")
        require(0 <= dropout < 1, "--dropout", dropout, "a share, 0 to below 1")
        require(all(wide >= 1 for wide in hidden), "--hidden", min(hidden, default=1), "1 or more")
        self.clusters = _capped(clusters, data.n_samples)
        self.components, self.iterations = components, iterations
        self.views, self.survey = views.sized(data.image_size), survey.sized(data.image_size)
        self.encoder = SobelBackbone(encoders(in_channels=2)) if sobel else encoders()
        self.hidden, width = _hidden(self.encoder.dim, hidden, dropout)
        self.classifier = classifier(width, self.clusters)
        self.players = (Player("all", groups=(Group(("classifier",), momentum=0.0),)),)
        first = torch.arange(data.n_samples) % self.clusters  # any labels, until the first epoch
        self.register_buffer("assignments", first)
        self.register_buffer("filled", torch.tensor(self.clusters))

    def features(self, views: Views) -> Tensor:
        """What is clustered, [B, d]: before the last ReLU."""
        features: Tensor = self.hidden(self.encoder(views["view"]))
        return features

    def forward(self, views: Views, step: Step) -> Out:
        """Cross-entropy to the clusters of this epoch."""
        features = self.features(views)  # [B,d]
        scores = self.classifier(relu(features))  # [B,k]
        target = self.assignments[step.index]
        loss = cross_entropy(scores, target)
        accuracy = (scores.argmax(1) == target).float().mean()
        terms = {"accuracy": accuracy, "clusters": self.filled.float()}
        return Out(loss, terms, features.detach(), collapsed=math.log(self.clusters))

    def begin_epoch(self, survey: Survey) -> EpochPlan:
        """New assignments, a new classifier, and indices that draw clusters equally often."""
        key = (survey.seed, survey.epoch, "deepcluster")
        features = survey.embed(self.features, views=self.survey)  # [N,d], eval mode
        device = self.assignments.device

        def assign() -> Tensor:
            rows = normalize(whiten(features, self.components, device=device), dim=1)
            found = kmeans(rows, self.clusters, key=key, iterations=self.iterations)
            return found.assignments.cpu()  # each process has a device of its own

        self.assignments.copy_(survey.once(assign))
        sizes = self.assignments.bincount(minlength=self.clusters)
        self.filled.copy_((sizes > 0).sum())
        _alarm(sizes, survey.epoch)
        self._new_classifier(key)
        return EpochPlan(balanced(self.assignments, key=key), forget=("classifier",))

    @torch.no_grad()
    def _new_classifier(self, key: tuple[int | str, ...]) -> None:
        """Cluster numbers are arbitrary, so the old weights would only mislead."""
        generator = torch.Generator().manual_seed(key_of(*key, "classifier") >> 1)
        weight = self.classifier.weight
        weight.copy_(torch.randn(weight.shape, generator=generator) * 0.01)
        self.classifier.bias.zero_()

    @property
    def backbone(self) -> Backbone:
        """The encoder, with the Sobel filters where they are asked for."""
        return self.encoder


class SobelBackbone(Backbone):
    """An encoder of two channels behind fixed filters: gray, then Sobel's gradients.

    Args:
        encoder: reads two channels that are 0.5 where the image is flat.
    """

    def __init__(self, encoder: Backbone) -> None:
        super().__init__()
        self.encoder = encoder
        self.dim, self.stage_dims = encoder.dim, encoder.stage_dims
        self.source = f"sobel:{encoder.source}"

    def edges(self, images: Tensor) -> Tensor:
        """Horizontal and vertical gradients [B,2,h,w] of the mean of the channels, plus 0.5."""
        return gradients(images.mean(1, keepdim=True), scale=-1.0) + 0.5  # the release's sign

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The encoder's maps."""
        return self.encoder.stages(self.edges(images))


def _hidden(width: int, widths: tuple[int, ...], dropout: float) -> tuple[nn.Module, int]:
    """Dropout and linear layers, ReLU between them, none at the end; and the width they give."""
    layers: list[nn.Module] = []
    for number, wide in enumerate(widths):
        layers += [nn.ReLU()] if number else []
        layers += [nn.Dropout(dropout), nn.Linear(width, wide)]
        width = wide
    return nn.Sequential(*layers), width


def _capped(clusters: int, n_samples: int) -> int:
    most = max(2, n_samples // ROWS_A_CLUSTER)
    if clusters > most:
        logging.getLogger(__name__).warning(
            "clusters: %d is more than one for %d of %d images; taking %d.",
            *(clusters, ROWS_A_CLUSTER, n_samples, most),
        )
    return min(clusters, most)


def _alarm(sizes: Tensor, epoch: int) -> None:
    share = float(sizes.max() / sizes.sum())
    if share > 0.5 and len(sizes) > 2:
        logging.getLogger(__name__).warning(
            "epoch %d: one cluster holds %.0f %% of the images; the features tell little apart.",
            *(epoch, 100 * share),
        )
