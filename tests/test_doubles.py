"""What the doubles stand for really happens when the trainer runs them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from doubles import Bank, Trio
from presight.testing.trial import Trial


def test_prototypes_stay_as_they_were_until_their_share_of_the_run() -> None:
    """Half of four updates: two leave them alone, decay included, and the third does not."""
    trial, moved = Trial(Bank), []
    for updates in (2, 3):
        method = trial.build()
        before = method.prototypes.weight.clone()
        trial.train(method, updates=updates)
        moved.append(not torch.equal(method.prototypes.weight, before))
    assert moved == [False, True]


def test_an_epoch_writes_every_row_of_the_bank() -> None:
    trial = Trial(Bank)
    method = trial.build()
    before = method.bank.clone()
    trial.train(method, updates=1)
    assert (method.bank != before).any(1).sum() == trial.batch
    method = trial.build()
    trial.train(method, updates=2)
    assert (method.bank != before).any(1).all()


@pytest.mark.parametrize(
    ("updates", "late"), [(2, []), (3, ["prior"])], ids=["before the third", "after it"]
)
def test_three_players_one_twice_in_turn_one_after_a_warm_up(updates: int, late: list[str]) -> None:
    trial, seen = Trial(Trio), []
    method = trial.build()

    def note(module: nn.Module, inputs: tuple[object, ...]) -> None:
        seen.append(inputs[1].player)  # type: ignore[attr-defined]

    method.register_forward_pre_hook(note)
    before = {name: p.clone() for name, p in method.named_parameters()}
    trial.train(method, updates=updates)
    assert seen == ["critic", "critic", "coder"] * updates + late
    still = {name for name, p in method.named_parameters() if torch.equal(p, before[name])}
    assert still == (set() if late else {"prior.weight", "prior.bias"})
