"""A method of one's own: views agree, and embeddings take up as much room as they can.

    presight pretrain photos/ --plugin examples/my_method.py --method agree-and-spread

The room is the coding rate of Yu, Chan, You, Song, Ma: Learning Diverse and Discriminative
Representations via the Principle of Maximal Coding Rate Reduction (NeurIPS 2020), equation 1.
Cost: two passes of an image a step, and the determinant of a dim x dim matrix.
"""

import math

import torch

from presight.core import DataSpec, Out, Step, world
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import Views
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.ranges import require
from presight.losses.contrastive import unit
from presight.nn.heads import mlp
from presight.views.pairs import SimCLRPair


class AgreeAndSpread(Method):
    """Two views of an image agree; the embeddings of all images keep apart.

    1. Encode two views of every image, project, normalize: z, unit vectors of length d.
    2. Agreement: the mean cosine of an image's two views.
    3. Spread: log det(I + d / (n eps^2) Z^T Z) / 2d over all embeddings, nats a direction.
    4. Minimize  -agreement - spread.

    Args:
        encoders: makes the encoder.
        data: what is known about the data.
        eps: radius within which embeddings count as one, above 0; smaller asks for more room.
        projector: widths of the projector's layers; the last one is the embedding's.
        views: recipe of the two views.
    """

    card = Card(
        name="agree-and-spread",
        title="Agree and spread",
        family="contrastive",
        authors="Yu et al.",
        year=2020,
        venue="NeurIPS",
        cost=2.0,
        presets={
            "32": Preset(TrainPlan(epochs=200, optimizer="adamw", lr=1e-3, lr_scaling="sqrt"))
        },
        failures="A loss at its collapsed value means one embedding for all: lower --lr or --eps.",
    )
    box = Box(learning=2, views=2)

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        eps: float = 0.5,
        projector: tuple[int, ...] = (512, 64),
        views: SimCLRPair = SimCLRPair(),  # noqa: B008
    ) -> None:
        super().__init__()
        require(eps > 0, "--eps", eps, "a number above 0")
        self.eps = eps
        self.views = views.sized(data.image_size)
        self.encoder = encoders()
        self.projector = mlp(self.encoder.dim, *projector)

    def forward(self, views: Views, step: Step) -> Out:
        """Minus agreement and spread, over the images of all processes."""
        embedding = unit(self.projector(self.encoder(views["views"])))  # [2B,d]
        first, second = embedding.chunk(2)
        everyone, _ = world.gather(embedding)  # [2N,d], with gradient
        dim = everyone.shape[1]
        with torch.autocast(everyone.device.type, enabled=False):  # a determinant in bf16 is noise
            room = everyone.T @ everyone * (dim / len(everyone) / self.eps**2)
            spread = torch.logdet(room + torch.eye(dim).to(room)) / (2 * dim)
        agreement = (first * second).sum(1).mean()
        return Out(
            -agreement - spread,
            terms={"agreement": agreement.detach(), "spread_nats": spread.detach()},
            embedding=first.detach(),
            collapsed=-1.0 - math.log(1.0 + dim / self.eps**2) / (2 * dim),
        )

    @property
    def backbone(self) -> Backbone:
        """The encoder, without the projector."""
        return self.encoder
