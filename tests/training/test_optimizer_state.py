import json

import pytest
import torch
from torch import nn

from presight.errors import RunError
from presight.training.checkpoint import Checkpoints
from presight.training.optimize import LARS
from presight.training.optimizer_state import flatten_optimizer, restore_optimizer

MAKERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "sgd-plain": lambda p: torch.optim.SGD(p, lr=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9), amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True),
    "adamw-fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "adamw-tensor-lr": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.01), foreach=False),
    "lars": lambda p: LARS(p, lr=0.1, momentum=0.9),
}


def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 4))
    net.add_module("asleep", nn.Linear(2, 2))
    return net.to(memory_format=torch.channels_last)


def grouped(net, turned=False):
    named = list(net.named_parameters())
    named = named[::-1] if turned else named
    return [
        {"params": [p for n, p in named if p.dim() > 1], "weight_decay": 0.01},
        {"params": [p for n, p in named if p.dim() <= 1], "weight_decay": 0.0},
    ]


def train(net, optimizer, steps, start=0):
    for step in range(start, start + steps):
        generator = torch.Generator().manual_seed(step)
        images = torch.rand(4, 3, 6, 6, generator=generator)
        optimizer.zero_grad()
        net[:4](images).square().mean().backward()
        optimizer.step()


def weights(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(a, b):
    assert all(value.isfinite().all() for value in a.values())
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path, name, turned):
    net = network()
    optimizer = MAKERS[name](grouped(net))
    train(net, optimizer, 3)
    optimizer.param_groups[0]["weight_decay"] = 0.007
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    saved = {"model": weights(net), "optim": tensors}
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(3, saved, {"optimizer": told})
    train(net, optimizer, 3, start=3)

    snapshot = checkpoints.latest()
    other = network()
    fresh = MAKERS[name](grouped(other, turned))
    train(other, fresh, 1, start=50)  # what was there before must not matter
    other.load_state_dict(snapshot.tensors("model"))
    names = dict(other.named_parameters())
    restore_optimizer(fresh, names, snapshot.tensors("optim"), snapshot.state["optimizer"])
    assert fresh.param_groups[0]["weight_decay"] == 0.007
    train(other, fresh, 3, start=3)
    assert same(weights(net), weights(other))


def test_forgetting_the_state_fails_the_same_test():
    net, other = network(), network()
    optimizer = MAKERS["sgd"](grouped(net))
    train(net, optimizer, 3)
    other.load_state_dict(net.state_dict())
    train(net, optimizer, 3, start=3)
    train(other, MAKERS["sgd"](grouped(other)), 3, start=3)
    assert not same(weights(net), weights(other))


def test_names_and_not_numbers_are_the_keys():
    net = network()
    optimizer = MAKERS["adam"](grouped(net))
    train(net, optimizer, 1)
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    assert "0.weight/exp_avg" in tensors
    assert "0.weight/step" in tensors
    assert not any(name.startswith("asleep") for name in tensors)
    json.dumps(told, allow_nan=False)


def test_memory_formats_types_and_nothing_come_back():
    net = network()
    optimizer = MAKERS["sgd"](grouped(net))
    train(net, optimizer, 1)
    bias = net[3].bias
    optimizer.state[bias]["momentum_buffer"] = None
    optimizer.state[net[3].weight]["count"] = 3
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    told = json.loads(json.dumps(told))
    fresh = MAKERS["sgd"](grouped(net))
    restore_optimizer(fresh, dict(net.named_parameters()), tensors, told)
    assert fresh.state[bias] == {"momentum_buffer": None}
    assert fresh.state[net[3].weight]["count"] == 3
    buffer = fresh.state[net[0].weight]["momentum_buffer"]
    assert buffer.stride() == net[0].weight.stride()
    assert not buffer.requires_grad
    assert buffer.data_ptr() != tensors["0.weight/momentum_buffer"].data_ptr()


def test_pairs_stay_pairs():
    net = network()
    optimizer = MAKERS["adam"](grouped(net))
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    fresh = torch.optim.Adam(grouped(net))
    restore_optimizer(fresh, dict(net.named_parameters()), tensors, json.loads(json.dumps(told)))
    assert fresh.param_groups[0]["betas"] == (0.5, 0.9)
    assert fresh.param_groups[1]["lr"] == 0.01


def test_an_optimizer_of_other_parameters_is_refused():
    net = network()
    optimizer = MAKERS["sgd"](grouped(net))
    train(net, optimizer, 1)
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    fewer = torch.optim.SGD(net[0].parameters(), lr=0.1)
    with pytest.raises(RunError, match="is in one of them only"):
        restore_optimizer(fewer, dict(net.named_parameters()), tensors, told)
    one = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(RunError, match="grouped otherwise"):
        restore_optimizer(one, dict(net.named_parameters()), tensors, told)


def test_another_shape_is_refused():
    net = network()
    optimizer = MAKERS["sgd"](grouped(net))
    train(net, optimizer, 1)
    tensors, told = flatten_optimizer(optimizer, dict(net.named_parameters()))
    tensors["3.bias/momentum_buffer"] = torch.zeros(5)
    with pytest.raises(RunError, match=r"3\.bias/momentum_buffer.*\(5,\).*\(4,\)"):
        restore_optimizer(optimizer, dict(net.named_parameters()), tensors, told)
