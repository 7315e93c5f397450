"""Method: a learner that pretrains a backbone; its card says whose idea it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.batch import Step, Views
from presight.core.learner import Learner
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """A plan and options that belong together.

    Args:
        plan: for the trainer.
        options: for the method's constructor.
        origin: the paper's own, a public port's, or our proposal.
    """

    plan: TrainPlan
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: Literal["paper", "port", "proposal"] = "proposal"


@dataclass(frozen=True)
class Card:
    """Whose idea a method is, and how it is usually run. Literals only: it is read without import.

    Args:
        name: on the command line.
        title: in tables.
        family: pretext, generative, contrastive, clustering, distillation.
        authors, year, venue: of the paper.
        cost: forward passes of an image a step, relative to supervised training's one.
        backbone: any, vit (needs tokens) or own (brings its own network).
        presets: `imagenet`, `96` and `32` by image size, of which `auto` picks; others by name.
        failures: what a collapse usually means here, in a sentence.
        loss: contrastive, pixels or another word, where its family does not say it: contrastive
            methods learn by contrast and generative ones by pixels unless they say otherwise.
    """

    name: str
    title: str
    family: str
    authors: str
    year: int
    venue: str
    cost: float = 1.0
    backbone: Literal["any", "vit", "own"] = "any"
    presets: Mapping[str, Preset] = field(default_factory=dict)
    failures: str = ""
    loss: str = ""

    def preset(self, image_size: int) -> Preset:
        """The preset for an image size: the smallest named side that is not below it."""
        for side in sorted(int(name) for name in self.presets if name.isdigit()):
            if image_size <= side:
                return self.presets[str(side)]
        if "imagenet" in self.presets:
            return self.presets["imagenet"]
        return next(iter(self.presets.values()), Preset(TrainPlan()))


@dataclass(frozen=True)
class Box:
    """What an update costs, as its algorithm says; a generic test counts it.

    Args:
        learning: images through encoders with gradient, an image of the batch.
        still: images through encoders without gradient, an image of the batch.
        backwards: backward passes that reach an encoder, an update.
        views: images that the recipe makes, an image of the batch.
    """

    learning: float = 1
    still: float = 0
    backwards: int = 1
    views: float = 1


class Method(Learner):
    """A learner with a backbone.

    The constructor takes `encoders` and `data` by position and options by keyword only; its
    signature is the only place where an option exists.
    """

    card: ClassVar[Card]
    box: Box | None = None
    """The cost of an update, where it is fixed; a constructor may set it by its options."""
    views: Recipe

    @property
    @abstractmethod
    def backbone(self) -> Backbone:
        """What is measured and exported."""

    def show(self, views: Views, step: Step) -> dict[str, Tensor]:
        """Pictures for the report: name -> float [n,3,h,w] in [0, 1], at most 96 of them.

        Called on a copy in eval mode without gradient, on one process. `reconstructions` holds n
        images and then the n pictures made of them, `samples` what was drawn from the model; other
        names stand under their pictures as they are.
        """
        return {}
