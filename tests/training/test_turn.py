from __future__ import annotations

import pytest
import torch
from torch import nn

from doubles import Trio
from presight.core.batch import Out, Step, Views
from presight.core.draw import Draw
from presight.core.learner import Learner, Player
from presight.errors import UsageError
from presight.testing.tiny import tiny_data, tiny_encoders
from presight.training.turn import Turn, assign, named


class Pair(Learner):
    def __init__(self, *players: Player) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.scale = nn.Parameter(torch.ones(1))
        self.players = players

    def forward(self, views: Views, step: Step) -> Out:
        return Out(self.second(self.first(views["x"])).sum() * self.scale, {"seen": self.scale})


ALL = Player("all")
FIRST, SECOND = Player("first", ("first",)), Player("second", ("second", "scale"))


def test_the_empty_name_is_everything_that_trains() -> None:
    learner = Pair(ALL)
    learner.second.bias.requires_grad_(False)
    assert set(named(learner, ("",))) == {"first.weight", "first.bias", "second.weight", "scale"}


def test_names_are_submodules_or_parameters() -> None:
    learner = Pair(ALL)
    assert set(named(learner, ("first", "scale"))) == {"first.weight", "first.bias", "scale"}
    assert set(named(learner, ("second.bias",))) == {"second.bias"}


def test_a_name_is_not_a_prefix() -> None:
    learner = Pair(ALL)
    learner.first_too = nn.Linear(2, 2)
    assert set(named(learner, ("first",))) == {"first.weight", "first.bias"}


@pytest.mark.parametrize("name", ["third", "fir", "first.weigh"])
def test_an_unknown_part_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=rf'"{name}" names no trainable parameter.*first, second'):
        named(Pair(ALL), (name,))


def test_players_share_out_all_parameters() -> None:
    learner = Pair(FIRST, SECOND)
    owned = assign(learner)
    assert set(owned["first"]) == {"first.weight", "first.bias"}
    assert set(owned["second"]) == {"second.weight", "second.bias", "scale"}
    assert owned["second"]["scale"] is learner.scale


def test_a_parameter_of_two_players_is_refused() -> None:
    with pytest.raises(UsageError, match=r'"first.weight" belongs to players "first" and "all"'):
        assign(Pair(FIRST, ALL))


def test_a_parameter_of_no_player_is_refused() -> None:
    with pytest.raises(UsageError, match=r'"scale" belongs to no player'):
        assign(Pair(FIRST, Player("second", ("second",))))


def test_a_parameter_that_does_not_train_needs_no_player() -> None:
    learner = Pair(FIRST, Player("second", ("second",)))
    learner.scale.requires_grad_(False)
    assert set(assign(learner)) == {"first", "second"}


def test_a_player_may_come_twice_but_not_with_other_settings() -> None:
    assert set(assign(Pair(FIRST, FIRST, SECOND))) == {"first", "second"}
    with pytest.raises(UsageError, match='"first" comes twice with different settings'):
        assign(Pair(FIRST, Player("first", ("first",), start=0.5), SECOND))


def test_a_turn_registers_its_players_parameters_and_nothing_else() -> None:
    learner = Pair(FIRST, SECOND)
    turn = Turn(learner, assign(learner)["second"])
    assert set(dict(turn.named_parameters())) == {"second/weight", "second/bias", "scale"}
    assert not list(turn.buffers())
    assert list(turn.modules()) == [turn]
    assert turn.learner is learner


def test_a_turn_is_the_learners_forward() -> None:
    learner = Pair(ALL)
    index = torch.arange(3)
    step, views = Step(0, 1, 0, index, Draw(0, 0, index)), {"x": torch.ones(3, 2)}
    turn = Turn(learner, assign(learner)["all"])
    assert torch.equal(turn(views, step).loss, learner(views, step).loss)


def test_the_doubles_players_are_complete() -> None:
    assert set(assign(Trio(tiny_encoders(), tiny_data()))) == {"critic", "coder", "prior"}
