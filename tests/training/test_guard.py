from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.training.guard import Guard

BAD = [float("nan"), float("inf"), float("-inf")]


def parts() -> tuple[nn.Module, torch.optim.Optimizer, Guard]:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return net, optimizer, Guard(net, {"all": optimizer}, torch.device("cpu"))


def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    net(torch.tensor([[1.0, 2.0], [3.0, 1.0]])).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("alone", [True, False])
def test_bad_values_are_seen_at_once_on_a_processor(value: float, alone: bool) -> None:
    _, _, guard = parts()
    assert guard.see(torch.tensor(value), alone=alone)
    assert not guard.see(torch.tensor(1e30), alone=alone)


def test_what_lies_on_an_accelerator_is_only_noted() -> None:
    _, _, guard = parts()
    guard.immediate = False
    assert not guard.see(torch.tensor(float("nan")))
    assert not guard.see(torch.tensor(1.0))
    assert guard.tripped()
    assert not guard.tripped()


def test_roll_back_brings_weights_buffers_and_momentum_back() -> None:
    net, optimizer, guard = parts()
    step(net, optimizer)
    guard.snapshot()
    kept = {k: v.clone() for k, v in net.state_dict().items()}
    momentum = optimizer.state[net[0].weight]["momentum_buffer"].clone()
    step(net, optimizer)
    following = {k: v.clone() for k, v in net.state_dict().items()}
    guard.roll_back()
    assert all(torch.equal(kept[k], v) for k, v in net.state_dict().items())
    assert torch.equal(optimizer.state[net[0].weight]["momentum_buffer"], momentum)
    step(net, optimizer)
    assert all(torch.equal(following[k], v) for k, v in net.state_dict().items())


def test_the_good_copy_survives_being_used() -> None:
    net, optimizer, guard = parts()
    guard.snapshot()
    kept = {k: v.clone() for k, v in net.state_dict().items()}
    for _ in range(2):
        step(net, optimizer)
        guard.roll_back()
        assert all(torch.equal(kept[k], v) for k, v in net.state_dict().items())
        assert not optimizer.state[net[0].weight]
