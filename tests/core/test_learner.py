from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch
from torch import nn

from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import EpochPlan, Group, Learner, Player, Survey

VERBS = {"forward", "begin_epoch", "share", "after_batch", "before_update", "after_update"}


class Least(Learner):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, views: Views, step: Step) -> Out:
        return Out(self.weight.sum())


def test_the_verbs_are_a_closed_list() -> None:
    own = {name for name, value in vars(Learner).items() if inspect.isfunction(value)}
    assert own == VERBS
    assert Learner.__abstractmethods__ == {"forward"}


def test_one_player_with_everything_is_the_default() -> None:
    assert list(Least().players) == [Player("all", ("",), 0.0, 1.0)]
    assert Least().simultaneous is False


def test_verbs_that_are_not_written_do_nothing() -> None:
    learner, index = Least(), torch.arange(1)
    step = Step(0, 1, 0, index, Draw(0, 0, index))
    views: Views = {"image": torch.zeros(1)}
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    assert learner.share(views, step) is views
    survey: Survey = None  # type: ignore[assignment]
    assert learner.begin_epoch(survey) is None
    out = learner(views, step)
    results = [learner.after_batch(out, step), learner.before_update(step)]  # type: ignore[func-returns-value]
    assert [*results, learner.after_update(step)] == [None] * 3  # type: ignore[func-returns-value]
    assert all(torch.equal(before[k], v) for k, v in learner.state_dict().items())


@pytest.mark.parametrize("value", [Player("a"), Group(("a",)), EpochPlan()])
def test_what_is_said_to_the_trainer_cannot_be_changed(value: object) -> None:
    name = dataclasses.fields(value)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
