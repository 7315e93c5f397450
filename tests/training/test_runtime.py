from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from presight.errors import Unavailable, UsageError
from presight.testing.tiny import TinyBackbone
from presight.training import runtime as module
from presight.training.runtime import Runtime, pick_device, pick_precision

CPU = torch.device("cpu")


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    made = Runtime("cpu", request.param)
    yield made
    made.close()


def test_devices_by_name() -> None:
    assert pick_device("cpu") == CPU
    assert pick_device("auto").type in {"cpu", "cuda", "mps", "xpu"}


@pytest.mark.parametrize("name", ["gpu", "tpu", "", "cuda0"])
def test_an_unknown_kind_of_device_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=f'no device "{name}"; expected auto, cpu, cuda'):
        pick_device(name)


def test_a_device_that_is_not_here_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match='"cuda:1" is not on this machine'):
        pick_device("cuda:1")


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_precision_is_bf16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, native: bool, expected: str
) -> None:
    monkeypatch.setattr(module, "cpu_has_bf16", lambda: native)
    assert pick_precision("auto", CPU) == expected
    assert pick_precision("fp32", CPU) == "fp32"


@pytest.mark.parametrize("runtime", ["fp32", "bf16", "fp64"], indirect=True)
def test_weights_and_views_agree_in_type(runtime: Runtime) -> None:
    net = TinyBackbone()
    runtime.place(net)
    views = runtime.cast({"image": torch.rand(2, 3, 16, 16), "owner": torch.arange(2)})
    assert views["owner"].dtype == torch.int64
    with runtime.autocast():
        features = net(views["image"])
    wide = torch.float64 if runtime.precision == "fp64" else torch.float32
    assert {p.dtype for p in net.parameters()} == {wide}
    assert views["image"].dtype == wide
    assert features.isfinite().all()


@pytest.mark.parametrize("runtime", ["fp32"], indirect=True)
def test_seeding_makes_dropout_a_function_of_the_place(runtime: Runtime) -> None:
    drop, ones = nn.Dropout(0.5), torch.ones(64)
    runtime.seed(1 << 63)
    first = drop(ones)
    assert not torch.equal(first, drop(ones))
    runtime.seed(1 << 63)
    assert torch.equal(first, drop(ones))


@pytest.mark.parametrize("runtime", ["fp32"], indirect=True)
def test_alone_nothing_is_wrapped(runtime: Runtime) -> None:
    net = TinyBackbone()
    assert runtime.wrap(net) is net
    runtime.place(net)
    assert type(net.stage1[1]) is nn.BatchNorm2d


def test_fp16_scales_the_loss() -> None:
    runtime = Runtime("cpu", "fp16")
    weight = nn.Parameter(torch.ones(1))
    runtime.backward(weight.sum())
    assert runtime.scaler is not None
    assert weight.grad == runtime.scaler.get_scale()
    runtime.close()
