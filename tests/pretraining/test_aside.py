"""Looking at a module leaves nothing behind in it, nor in torch's generator."""

from __future__ import annotations

import torch
from torch import nn

from presight.nn.backbones import encoders
from presight.pretraining.aside import aside


def test_neither_modes_nor_statistics_nor_the_generator_change() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    module[1].eval()  # modes are not all the same
    modes = [part.training for part in module.modules()]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    generator = torch.get_rng_state()
    with aside(module, torch.device("cpu")) as copy:
        assert not any(part.training for part in copy.modules())
        assert not copy(torch.randn(5, 3)).requires_grad
        copy.train()(torch.randn(5, 3))  # even where the one who looks does this
        copy[0].weight.data.zero_()
    assert [part.training for part in module.modules()] == modes
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.is_grad_enabled()


def test_what_is_seen_is_the_module() -> None:
    module = nn.Linear(3, 2)
    with aside(module, torch.device("cpu")) as copy:
        assert torch.equal(copy(torch.ones(1, 3)), module(torch.ones(1, 3)))


def test_a_compiled_graph_stays_with_the_original() -> None:
    backbone = encoders("resnet9:4", image_size=16)()

    def compiled(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        raise AssertionError("the graph of training was asked, and would be made anew")

    backbone.__dict__["stages"] = compiled
    holder = nn.Sequential(backbone)
    with aside(holder, torch.device("cpu")) as copy:
        assert copy(torch.zeros(1, 3, 16, 16)).shape == (1, backbone.dim)
    assert backbone.__dict__["stages"] is compiled
