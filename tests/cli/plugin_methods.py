"""Two small methods for tests of options, help and messages: they stand in a plugin file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from presight.core.backbone import Backbone, Encoders
from presight.core.batch import Batch, DataSpec, Out, Step, Views
from presight.core.draw import Draw
from presight.core.method import Card, Method, Preset
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Still(Recipe):
    """The image itself."""

    name = "still"
    keys = {"views": "[B,3,size,size], the image"}

    strength: float = 1.0

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"views": batch.images.float() / 255}


class Toy(Method):
    """A toy."""

    card = Card(
        "toy-one",
        "Toy One",
        family="contrastive",
        authors="Doe et al.",
        year=2020,
        venue="Somewhere",
        cost=2,
        presets={
            "32": Preset(TrainPlan(epochs=500, lr=0.03), {"heat": 0.5}),
            "imagenet": Preset(TrainPlan(epochs=200, lr=0.03), {"heat": 0.1}),
        },
    )

    def __init__(
        self,
        encoders: Encoders,
        data: DataSpec,
        *,
        heat: float = 0.1,
        sides: tuple[int, int] = (2, 3),
        kind: Literal["soft", "hard"] = "soft",
        sharp: bool = False,
        limit: float | None = None,
        views: Recipe = Still(),
    ) -> None:
        """A toy.

        Args:
            heat: divisor of the logits, above 0; lower values sharpen
                the distribution.
            sides: of the toy.
            kind: how it feels.
            sharp: whether it cuts.
            limit: largest value; none for no limit.
            views: recipe of the views.
        """
        super().__init__()
        self.views = views
        self.heat = heat
        self.encoder = encoders()

    def forward(self, views: Views, step: Step) -> Out:
        return Out(self.encoder(views["views"]).sum())

    @property
    def backbone(self) -> Backbone:
        return self.encoder


class ToyTwo(Toy):
    """A toy with a queue."""

    card = Card("toy-two", "Toy Two", "contrastive", "Doe et al.", 2021, "Elsewhere", cost=1.5)

    def __init__(
        self, encoders: Encoders, data: DataSpec, *, heat: float = 0.2, queue_size: int = 64
    ) -> None:
        """A toy with a queue.

        Args:
            queue_size: rows of the queue.
        """
        super().__init__(encoders, data, heat=heat)
