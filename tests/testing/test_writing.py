"""Each verb may write its own things: wrong variants of the stand-ins fail by the check's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from doubles import Bank
from presight.core.batch import Out, Step, Views
from presight.nn import ema
from presight.testing.trial import Trial
from presight.testing.writing import check_after_batch, check_forward_writes, check_state


class Twinned(Bank):
    """A bank with a slow twin of its head, which moves where `verb` says."""

    verb = "after_update"

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
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


class MovesInForward(Twinned):
    verb = "forward"


class MovesAfterBatch(Twinned):
    verb = "after_batch"


class Dims(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        views["image"].mul_(0.5)
        return super().forward(views, step)


class Counts(Bank):
    def forward(self, views: Views, step: Step) -> Out:
        self.calls = getattr(self, "calls", 0) + 1
        return super().forward(views, step)


class Hides(Twinned):
    """The twin in a list, where no state dict finds it."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.hidden = [copy.deepcopy(self.head)]
        self.dice = [torch.Generator(), object()]

    def after_update(self, step: Step) -> None:
        ema.move(self.hidden[0], self.head, 0.5)


class Rolls(Hides):
    def after_update(self, step: Step) -> None:
        torch.rand(1, generator=self.dice[0])  # type: ignore[call-overload]


def test_a_twin_may_move_after_an_update() -> None:
    for check in (check_forward_writes, check_after_batch, check_state):
        check(Trial(Twinned))


def test_a_twin_that_moves_in_the_forward_is_found() -> None:
    with pytest.raises(AssertionError, match=r"forward writes twin.bias, twin.weight; .*after_up"):
        check_forward_writes(Trial(MovesInForward))


def test_a_twin_that_moves_after_a_micro_batch_is_found() -> None:
    with pytest.raises(AssertionError, match=r"after_batch moves twin.bias, twin.weight; .*step"):
        check_after_batch(Trial(MovesAfterBatch))


def test_views_stay_as_they_are() -> None:
    with pytest.raises(AssertionError, match="changes the views image in place"):
        check_forward_writes(Trial(Dims))


@pytest.mark.parametrize(("kind", "name"), [(Counts, "calls"), (Hides, "hidden"), (Rolls, "dice")])
def test_what_changes_outside_the_state_is_named(kind: type[Bank], name: str) -> None:
    with pytest.raises(AssertionError, match=f": {name} changed while training"):
        check_state(Trial(kind))
