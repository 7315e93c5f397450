from __future__ import annotations

import pytest
import torch
from torch import nn

from doubles import Bank, Trio
from presight.core.backbone import Encoders
from presight.core.batch import DataSpec
from presight.core.method import Method
from presight.nn.norm import SplitBatchNorm
from presight.testing.trial import Pictures, Trial, comparable, play, small_options, turns


def test_small_options_cut_what_counts_things() -> None:
    class Large(Bank):
        def __init__(
            self,
            encoders: Encoders,
            data: DataSpec,
            *,
            queue: int = 65536,
            widths: tuple[int, ...] = (2048, 8),
            few: int = 3,
            share: float = 100.0,
            wide: bool = True,
            name: str = "x",
        ) -> None:
            super().__init__(encoders, data)

    assert small_options(Large) == {"queue": 16, "widths": (16, 8)}


def test_pictures_by_index() -> None:
    pictures = Pictures(5, 8)
    batch = pictures.batch(torch.tensor([3, 1, 3]))
    assert len(pictures) == 5
    assert pictures.sizes.tolist() == [[8, 8]] * 5
    assert torch.equal(batch.images[0], batch.images[2])
    assert torch.equal(batch.images[1], pictures.batch(torch.tensor([1])).images[0])


@pytest.mark.parametrize("kind", [Bank, Trio])
def test_building_is_a_function_of_the_seed(kind: type[Method]) -> None:
    before = torch.get_rng_state()
    states = [Trial(kind).build(seed).state_dict() for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert not all(torch.equal(states[0][k], states[2][k]) for k in states[0])


def test_the_plan_is_the_presets_made_short() -> None:
    plan = Trial(Trio).plan
    assert (plan.optimizer, plan.clip) == ("adam", 1.0)
    assert (plan.epochs, plan.batch_size, plan.warmup_epochs) == (2, 8, 0)


def test_turns_count_each_players_own() -> None:
    order = turns(Trial(Trio).build())
    assert order == [("critic", 0), ("critic", 1), ("coder", 0), ("prior", 0)]


def test_playing_leaves_gradients_as_they_were() -> None:
    trial = Trial(Trio)
    learner = trial.ready()
    seen: list[str] = []
    losses = play(trial, learner, lambda player, loss: seen.append(player))
    assert seen == ["critic", "critic", "coder", "prior"]
    assert len(losses) == 4
    assert losses[0] != losses[1]
    assert all(p.requires_grad for p in learner.parameters())


def test_what_is_comparable_drops_nothing_and_has_one_group() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5))
    comparable(net)
    ones = torch.ones(2, 3, 4, 4)
    assert torch.equal(net(ones), ones)
    split, whole = nn.Sequential(SplitBatchNorm(3, 4)), nn.BatchNorm2d(3)
    comparable(split)
    images = torch.rand(4, 3, 5, 5)
    assert torch.allclose(split(images), whole(images), atol=1e-6)
