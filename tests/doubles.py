"""Stand-ins for methods that come later; they pull the contract where the six do not.

`Bank`: as many rows as images, negatives by draws, writes by index, prototypes that stay frozen
until a share of the run is done. `Trio`: three players, one of them twice in turn, one starting
after a warm-up. `Twinned`: a moving average. `Regularized`: dropout and batch norm in groups,
which no order and no number of processes leaves alone.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from presight.core import world
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import Batch, DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Player
from presight.core.method import Box, Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.nn import ema
from presight.nn.norm import SplitBatchNorm


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dimmed(Recipe):
    """The whole image at a random brightness.

    Args:
        darkest: smallest factor on the image, in [0, 1].
    """

    name: ClassVar[str] = "dimmed"
    keys: ClassVar[dict[str, str]] = {"image": "[B,3,h,w], the whole image"}
    darkest: float = 0.5

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        factor = draw.uniform("brightness", (1, 1, 1), self.darkest, 1.0)
        images = batch.images.float() / 255
        if self.size and images.shape[-1] != self.size:
            images = F.interpolate(images, (self.size, self.size), mode="area")
        return {"image": images * factor}


class Bank(Method):
    """Each image against randomly drawn rows of a bank, and prototypes that begin late.

    Args:
        rows: width of an embedding.
        negatives: rows drawn for each image.
        temperature: of the similarity, above 0.
        frozen: share of the run in which prototypes stay as they were drawn, in [0, 1].
        views: the recipe.
    """

    card = Card(
        "bank",
        "Bank",
        "contrastive",
        "nobody",
        2020,
        "tests",
        presets={"32": Preset(TrainPlan(optimizer="sgd", lr=0.5, lr_scaling="none"))},
    )

    box = Box()

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        rows: int = 8,
        negatives: int = 5,
        temperature: float = 0.2,
        frozen: float = 0.5,
        views: Recipe = Dimmed(),
    ) -> None:
        super().__init__()
        self.encoder = encoders()
        self.head = nn.Linear(self.encoder.dim, rows)
        self.prototypes = nn.Linear(rows, 4, bias=False)
        bank = Draw(0, 0, torch.arange(data.n_samples)).normal("bank", (rows,))
        self.register_buffer("bank", F.normalize(bank, dim=1))
        self.bank: Tensor
        self.negatives, self.temperature, self.frozen = negatives, temperature, frozen
        self.views = views.sized(data.image_size)

    @property
    def backbone(self) -> Backbone:
        return self.encoder

    def forward(self, views: Views, step: Step) -> Out:
        rows = F.normalize(self.head(self.encoder(views["image"])), dim=1)
        others = step.draw.integers("negatives", (self.negatives,), len(self.bank))
        compared = torch.cat([self.bank[step.index][:, None], self.bank[others]], 1)
        logits = torch.einsum("nd,nkd->nk", rows, compared.to(rows.dtype)) / self.temperature
        contrast = F.cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.int64))
        entropy = -(self.prototypes(rows).softmax(1) ** 2).sum(1).mean()
        return Out(contrast + entropy, {"contrast": contrast.detach()}, rows, keep={"rows": rows})

    def after_batch(self, out: Out, step: Step) -> None:
        rows = world.gather_detached(out.keep["rows"])
        self.bank[world.gather_detached(step.index)] = rows.to(self.bank.dtype)

    def before_update(self, step: Step) -> None:
        if step.progress < self.frozen:
            self.prototypes.weight.grad = None


class Twinned(Bank):
    """A bank with a slow twin of its head, which moves where `verb` says.

    Args:
        rows: width of an embedding.
    """

    verb = "after_update"

    def __init__(self, encoders: Encoders, data: DataSpec, *, rows: int = 8) -> None:
        super().__init__(encoders, data, rows=rows)
        self.twin = ema.twin(self.head)

    def move(self, verb: str) -> None:
        if verb == self.verb:
            ema.move(self.twin, self.head, 0.5)

    def forward(self, views: Views, step: Step) -> Out:
        self.move("forward")
        return super().forward(views, step)

    def after_batch(self, out: Out, step: Step) -> None:
        super().after_batch(out, step)
        self.move("after_batch")

    def after_update(self, step: Step) -> None:
        self.move("after_update")


class Trio(Method):
    """A critic that plays twice, a coder, and a prior that comes when a third is done.

    Args:
        width: of a code.
        views: the recipe.
    """

    card = Card(
        "trio",
        "Trio",
        "generative",
        "nobody",
        2020,
        "tests",
        presets={
            "32": Preset(TrainPlan(optimizer="adam", lr=1e-3, lr_scaling="none", clip=1.0)),
        },
    )

    box = Box(still=2)

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        width: int = 6,
        views: Recipe = Dimmed(),
    ) -> None:
        super().__init__()
        self.encoder = encoders()
        self.head = nn.Linear(self.encoder.dim, width)
        self.decoder = nn.Linear(width, 3 * 4 * 4)
        self.critic = nn.Sequential(nn.Linear(width, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
        self.prior = nn.Linear(width, width)
        self.width = width
        critic = Player("critic", ("critic",), optimizer="sgd")
        coder = Player("coder", ("encoder", "head", "decoder"))
        self.players = (critic, critic, coder, Player("prior", ("prior",), start=1 / 3))
        self.views = views.sized(data.image_size)

    @property
    def backbone(self) -> Backbone:
        return self.encoder

    def share(self, views: Views, step: Step) -> Views:
        small = F.adaptive_avg_pool2d(views["image"], 4).flatten(1)
        return views | {"target": small}

    def forward(self, views: Views, step: Step) -> Out:
        target = views["target"]
        noise = step.draw.normal("noise", (self.width,)).to(target.dtype)
        if step.player == "prior":
            return Out(F.mse_loss(self.prior(noise), views["code"]))
        if step.player == "critic":
            with torch.no_grad():
                code = self.head(self.encoder(views["image"]))
            real, made = self.critic(noise), self.critic(code)
            return Out(F.softplus(-real).mean() + F.softplus(made).mean())
        code = self.head(self.encoder(views["image"]))
        fooled = F.softplus(-self.critic(code)).mean()
        loss = F.mse_loss(self.decoder(code), target) + 0.1 * fooled
        return Out(loss, {"fooled": fooled.detach()}, code, keep={"code": code.detach()})


class Regularized(Bank):
    """A bank with dropout before the head, and batch norm in four groups."""

    card = dataclasses.replace(Bank.card, name="regularized", title="Regularized")

    def __init__(self, encoders: Encoders, data: DataSpec) -> None:
        super().__init__(partial(encoders, norm=partial(SplitBatchNorm, splits=4)), data)
        self.head = nn.Sequential(nn.Dropout(0.5), self.head)


class LocalNegatives(Bank):
    """Each process writes its own rows only: the banks part ways."""

    def after_batch(self, out: Out, step: Step) -> None:
        self.bank[step.index] = out.keep["rows"].detach()


class LocalMean(Trio):
    """A loss that is no mean over images: half the batch has another one."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.loss = out.loss * len(views["image"])
        return out


DOUBLES: tuple[type[Method], ...] = (Bank, Trio, Regularized)
APART: tuple[type[Method], ...] = (LocalNegatives, LocalMean)
"""What two processes must not do."""
