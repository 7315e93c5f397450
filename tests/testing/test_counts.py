from __future__ import annotations

import torch

from doubles import Bank, Trio
from presight.core.batch import Out, Step, Views
from presight.core.method import Box
from presight.testing.counts import count
from presight.testing.trial import Trial


def test_one_player_with_one_view() -> None:
    assert count(Trial(Bank)) == Box(learning=1, still=0, backwards=1, views=1)


def test_players_that_only_look_reach_no_backbone() -> None:
    assert count(Trial(Trio)) == Box(learning=1, still=2, backwards=1, views=1)


class Twice(Bank):
    """A second pass with gradient, and one without."""

    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        more = self.encoder(views["image"]).mean()
        with torch.no_grad():
            self.encoder(views["image"][:4])
        return Out(out.loss + more, keep=out.keep)


def test_passes_are_counted_by_images() -> None:
    assert count(Trial(Twice)) == Box(learning=2, still=0.5, backwards=1, views=1)
