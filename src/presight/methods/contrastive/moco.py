"""MoCo: find the key of one's own image among a long queue of earlier keys.

v1: He, Fan, Wu, Xie, Girshick: Momentum Contrast for Unsupervised Visual Representation Learning
(CVPR 2020). v2: Chen, Fan, Girshick, He: Improved Baselines with Momentum Contrastive Learning
(2020). Differences: the key encoder moves after an update instead of before the next one, which is
the same sequence; learning rates change every update, not every epoch.
Cost: a pass with and a pass without gradient of an image a step; a queue of K * dim * 4 bytes.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from presight.core import world
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec, Out, Step, Views
from presight.core.draw import shuffled
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.core.recipe import Recipe
from presight.losses.contrastive import info_nce, unit
from presight.nn.ema import move, twin
from presight.nn.heads import mlp
from presight.nn.norm import SplitBatchNorm, shuffle, unshuffle
from presight.nn.queue import Queue, cut
from presight.views.pairs import MoCoV1Pair, MoCoV2Pair


class _MomentumContrast(Method):
    """What both versions do.

    1. Query: q = f_q(first view).      3. InfoNCE of q: its own key against the queue's keys.
    2. Key: k = f_k(second view), in    4. Keys into the queue, the oldest out.
       shuffled order, no gradient.     5. Update f_q; then f_k <- m f_k + (1 - m) f_q.

    Args:
        encoders: makes the encoders f_q and f_k.
        data: what is known about the data.
        projector: widths of the projector's layers, without batch norm; the last one is the
            embedding's.
        queue: K, keys that wait, a multiple of the batch; micro-batches enter one by one. More are
            better up to 65536. At most as many as there are images, or an image meets its own keys:
            a larger number is cut, and said.
        key_momentum: share that the key encoder keeps at each update, 0 to 1. 0.99 for short runs,
            0.999 for long ones; 0 diverges.
        temperature: above 0, divides the cosines; lower weighs the hardest negatives more.
        splits: groups of batch norm, over all processes; the batch must be a multiple. 8 as on the
            paper's 8 devices, with keys in shuffled order; 1 normalizes over the whole batch.
        symmetric: both views are queries once; twice the cost, better in short runs. The queue must
            then be a multiple of twice the batch.
        views: recipe of query view and key view.
    """

    box = Box(learning=1, still=1, views=2)

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        projector: tuple[int, ...],
        queue: int,
        key_momentum: float,
        temperature: float,
        splits: int,
        symmetric: bool,
        views: Recipe,
    ) -> None:
        super().__init__()
        require(temperature > 0, "--temperature", temperature, "a number above 0")
        require(0 <= key_momentum <= 1, "--key-momentum", key_momentum, "a share, 0 to 1")
        require(splits >= 1, "--splits", splits, "1 or more")
        self.key_momentum, self.temperature = key_momentum, temperature
        self.splits, self.symmetric = splits, symmetric
        if symmetric:
            self.box = Box(learning=2, still=2, views=2)
        self.views = views.sized(data.image_size)
        self.encoder = encoders(norm=partial(SplitBatchNorm, splits=splits) if splits > 1 else None)
        self.projector = mlp(self.encoder.dim, *projector)
        self.key_encoder, self.key_projector = twin(self.encoder), twin(self.projector)
        pushed = data.global_batch * (2 if symmetric else 1)
        self.queue = Queue(cut(queue, pushed, data.n_samples), projector[-1], pushed)

    def forward(self, views: Views, step: Step) -> Out:
        """InfoNCE of queries against their own keys and the queue."""
        first, second = views["views"].chunk(2)  # [B,3,h,w] each
        loss, query, keys = self._contrast(first, second, step, "keys")
        if self.symmetric:
            other, _, more = self._contrast(second, first, step, "keys of the first view")
            loss, keys = (loss + other) / 2, torch.cat((keys, more))
        collapsed = math.log(len(self.queue.rows) + 1)
        return Out(loss, embedding=query.detach(), collapsed=collapsed, keep={"keys": keys})

    def _contrast(
        self, queried: Tensor, keyed: Tensor, step: Step, name: str
    ) -> tuple[Tensor, Tensor, Tensor]:
        query = unit(self.projector(self.encoder(queried)))  # [B,d]
        keys = self._keys(keyed, step, name)  # [B,d]
        negatives = self.queue.rows.detach()  # [K,d], of earlier batches
        return info_nce(query, keys, temperature=self.temperature, negatives=negatives), query, keys

    @torch.no_grad()
    def _keys(self, images: Tensor, step: Step, name: str) -> Tensor:
        """Keys; in shuffled order, so that batch norm's groups do not give the pairs away."""
        if self.splits == 1:
            return unit(self.key_projector(self.key_encoder(images)))
        count, draw = world.size() * len(images), step.draw
        order = shuffled(count, draw.seed, step.epoch, *draw.path, name, step.number)
        return unshuffle(unit(self.key_projector(self.key_encoder(shuffle(images, order)))), order)

    def after_batch(self, out: Out, step: Step) -> None:
        """Keys of all processes into the queue, a view at a time: in one order on any number."""
        for keys in out.keep["keys"].chunk(2 if self.symmetric else 1):
            self.queue.push(world.gather_detached(keys))

    def after_update(self, step: Step) -> None:
        """Momentum update of f_k: parameters only, its batch norm counts for itself."""
        move(self.key_encoder, self.encoder, self.key_momentum)
        move(self.key_projector, self.projector, self.key_momentum)

    @property
    def backbone(self) -> Backbone:
        """The query encoder, without the projector."""
        return self.encoder


class MoCo(_MomentumContrast):
    """MoCo v1: a linear projector, weak views, steps of the learning rate.

    Only queries learn; keys come from a slowly moving copy of the encoder and wait in a queue, so
    that the number of negatives does not depend on the batch. Published: 60.6 top-1, linear on a
    frozen ResNet-50, ImageNet, 200 epochs. In the first updates the loss is near 0, since random
    keys are easy to tell apart, and then rises: that is expected.
    """

    card = Card(
        name="moco",
        title="MoCo v1",
        family="contrastive",
        authors="He et al.",
        year=2020,
        venue="CVPR",
        cost=1.4,
        presets={
            "imagenet": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=256,
                    lr=0.03,
                    schedule="steps",
                    milestones=(0.6, 0.8),
                    weight_decay=1e-4,
                    decay_all=True,
                ),
                options={
                    "projector": (128,),
                    "queue": 65536,
                    "key_momentum": 0.999,
                    "temperature": 0.07,
                    "splits": 8,
                },
                origin="paper",
            ),
            "96": Preset(
                TrainPlan(epochs=200, batch_size=256, lr=0.03, weight_decay=5e-4, decay_all=True),
                options={"queue": 4096, "key_momentum": 0.99, "temperature": 0.1, "splits": 8},
                origin="proposal",
            ),
            "32": Preset(
                TrainPlan(
                    epochs=200,
                    batch_size=512,
                    lr=0.03,
                    schedule="steps",
                    milestones=(0.6, 0.8),
                    weight_decay=5e-4,
                    decay_all=True,
                ),
                options={"queue": 4096, "key_momentum": 0.99, "temperature": 0.1, "splits": 8},
                origin="port",
            ),
        },
        failures=(
            "A loss near 0 with poor features is a leak of batch norm: raise the splits to 8, or "
            "take them to 1. A loss at log(K + 1) means that all embeddings are equal."
        ),
    )

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        projector: tuple[int, ...] = (128,),
        queue: int = 65536,
        key_momentum: float = 0.999,
        temperature: float = 0.07,
        splits: int = 1,
        symmetric: bool = False,
        views: Recipe = MoCoV1Pair(),  # noqa: B008
    ) -> None:
        super().__init__(
            encoders,
            data,
            projector=projector,
            queue=queue,
            key_momentum=key_momentum,
            temperature=temperature,
            splits=splits,
            symmetric=symmetric,
            views=views,
        )


class MoCoV2(_MomentumContrast):
    """MoCo v2: v1 with a two-layer projector, stronger views, a cosine schedule, temperature 0.2.

    Only queries learn; keys come from a slowly moving copy of the encoder and wait in a queue, so
    their number does not depend on the batch. Published: 67.5 top-1 in 200 and 71.1 in 800 epochs,
    linear on a frozen ResNet-50, ImageNet. The loss begins near 0, as expected, and then rises.
    """

    card = Card(
        name="moco-v2",
        title="MoCo v2",
        family="contrastive",
        authors="Chen et al.",
        year=2020,
        venue="arXiv",
        cost=1.4,
        presets={
            "imagenet": Preset(
                TrainPlan(epochs=200, batch_size=256, lr=0.03, weight_decay=1e-4, decay_all=True),
                options={
                    "projector": (2048, 128),
                    "queue": 65536,
                    "key_momentum": 0.999,
                    "temperature": 0.2,
                    "splits": 8,
                },
                origin="paper",
            ),
            "96": Preset(
                TrainPlan(epochs=200, batch_size=256, lr=0.03, weight_decay=5e-4, decay_all=True),
                options={
                    "projector": (512, 128),
                    "queue": 4096,
                    "key_momentum": 0.99,
                    "temperature": 0.2,
                    "splits": 8,
                },
                origin="proposal",
            ),
            "32": Preset(
                TrainPlan(epochs=200, batch_size=512, lr=0.03, weight_decay=5e-4, decay_all=True),
                options={
                    "projector": (512, 128),
                    "queue": 4096,
                    "key_momentum": 0.99,
                    "temperature": 0.1,
                    "splits": 8,
                },
                origin="proposal",
            ),
        },
        failures=(
            "A loss near 0 with poor features is a leak of batch norm: raise the splits to 8, or "
            "take them to 1. A loss at log(K + 1) means that all embeddings are equal."
        ),
    )

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        projector: tuple[int, ...] = (2048, 128),
        queue: int = 65536,
        key_momentum: float = 0.999,
        temperature: float = 0.2,
        splits: int = 1,
        symmetric: bool = False,
        views: Recipe = MoCoV2Pair(),  # noqa: B008
    ) -> None:
        super().__init__(
            encoders,
            data,
            projector=projector,
            queue=queue,
            key_momentum=key_momentum,
            temperature=temperature,
            splits=splits,
            symmetric=symmetric,
            views=views,
        )
