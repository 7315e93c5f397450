"""What an update costs, counted: images through the backbones, backward passes, views."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from presight.core.backbone import Backbone
from presight.core.method import Box
from presight.testing.tiny import TinyBackbone
from presight.testing.trial import Trial, play


class Tally:
    """Counts of one update: images with and without gradient, and whether a gradient came."""

    def __init__(self) -> None:
        self.learning = self.still = 0
        self.reached = False

    def reach(self, gradient: Tensor) -> None:
        """A backward pass came by."""
        self.reached = True


def counting(tally: Tally) -> Callable[..., Backbone]:
    """Makes tiny backbones that count; copies of them count into the same tally."""

    class Counted(TinyBackbone):
        def stages(self, images: Tensor) -> tuple[Tensor, ...]:
            maps = super().stages(images)
            if maps[-1].requires_grad and any(p.requires_grad for p in self.parameters()):
                tally.learning += len(images)
                maps[-1].register_hook(tally.reach)  # type: ignore[no-untyped-call]
            else:
                tally.still += len(images)
            return maps

    return Counted


def count(trial: Trial) -> Box:
    """The cost of one update in which all players play."""
    tally = Tally()
    method = trial.build(encoders=counting(tally)).train()
    views = method.views(trial.loader().images.batch(trial.step().index), trial.step().draw)
    backwards = 0

    def visit(player: str, loss: Tensor) -> None:
        nonlocal backwards
        tally.reached = False
        torch.autograd.backward(loss)
        backwards += tally.reached

    play(trial, method, visit)
    return Box(
        learning=tally.learning / trial.batch,
        still=tally.still / trial.batch,
        backwards=backwards,
        views=sum(len(v) for v in views.values() if v.ndim == 4) / trial.batch,
    )
