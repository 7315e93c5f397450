"""Moving averages: closed form, no gradient, precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from presight.errors import UsageError
from presight.nn.ema import move, twin


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()


def test_a_twin_is_equal_apart_and_without_gradient() -> None:
    module = network()
    copy = twin(module)
    for own, other in zip(module.parameters(), copy.parameters(), strict=True):
        assert torch.equal(own, other)
        assert own.data_ptr() != other.data_ptr()
        assert own.requires_grad
        assert not other.requires_grad


def test_closed_form_after_37_steps() -> None:
    """T8: momentum^t start + (1 - momentum^t) target."""
    module = network()
    copy = twin(module)
    start = [p.clone() for p in copy.parameters()]
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p))
    for _ in range(37):
        move(copy, module, 0.99)
    kept = 0.99**37
    for own, first, target in zip(copy.parameters(), start, module.parameters(), strict=True):
        assert torch.allclose(own, kept * first + (1 - kept) * target, rtol=0, atol=1e-14)


@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_ends(momentum: float) -> None:
    module, copy = network(), twin(network())
    before = [p.clone() for p in copy.parameters()]
    move(copy, module, momentum)
    expected = list(module.parameters()) if momentum == 0 else before
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), expected, strict=True))


def test_buffers_stay() -> None:
    module = network()
    copy = twin(module)
    module(torch.randn(8, 3, dtype=torch.float64))
    move(copy, module, 0.0)
    assert not copy[1].running_mean.any()
    assert module[1].running_mean.any()


def test_a_float32_twin_of_a_bfloat16_module_moves() -> None:
    module = nn.Linear(3, 3)
    copy = twin(module)
    module = module.bfloat16()
    with torch.no_grad():
        module.weight.add_(1)
    before = copy.weight.clone()
    move(copy, module, 0.999)
    assert torch.allclose(copy.weight - before, torch.tensor(0.001), atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_twin_is_refused(dtype: torch.dtype) -> None:
    module = nn.Linear(3, 3).to(dtype)
    with pytest.raises(UsageError, match="never moves"):
        move(twin(module), module, 0.999)


def test_a_bfloat16_average_would_stand_still() -> None:
    """Why it is refused: the step is below the resolution."""
    weight, target = torch.ones(1).bfloat16(), torch.full((1,), 2.0).bfloat16()
    assert torch.equal(weight.lerp(target, 0.001), weight)


def test_faults_in_words() -> None:
    module = network()
    with pytest.raises(UsageError, match=r"momentum must be in 0\.\.1; received 1\.5"):
        move(twin(module), module, 1.5)
    with pytest.raises(UsageError, match="Make it by twin"):
        move(nn.Linear(3, 4).double(), module, 0.5)
