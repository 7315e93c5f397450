from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
@pytest.mark.parametrize("runtime", ["fp32"], indirect=True)
def test_seeding_reaches_the_device(
    runtime: Runtime, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[tuple[str, int]] = []

    def of(device: torch.device) -> SimpleNamespace:
        return SimpleNamespace(manual_seed=lambda key: seeds.append((device.type, key)))

    monkeypatch.setattr(torch, "get_device_module", of)
    runtime.seed(5)
    runtime.device = torch.device(kind)
    runtime.seed((1 << 63) + 7)
    assert seeds == [(kind, 7)]


def test_float64_on_a_device_without_it_is_refused() -> None:
    with pytest.raises(UsageError, match=r"mps has no float64; take fp32, or --device cpu\."):
        pick_precision("fp64", torch.device("mps"))
    assert pick_precision("fp64", CPU) == "fp64"


def test_tensorboard_writes_into_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Runtime("cpu", "fp32", track=("tensorboard",), folder=Path("run"))
    assert list(tmp_path.iterdir()) == []  # a look at a configuration leaves nothing
    made.start_trackers("presight", {"method": "any"})
    made.track({"loss": 1.5}, 3)
    made.stop_trackers()
    made.close()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["tensorboard"]
    assert list((tmp_path / "run").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("own", [False, True], ids=["folder", "a server of one's own"])
def test_other_trackers_are_told_the_run_folder(
    own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(set_tracking_uri=found.append))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if own:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    made = Runtime("cpu", "fp32", folder=tmp_path)
    made._track = ("wandb", "mlflow")
    monkeypatch.setattr(made._accelerator, "init_trackers", lambda *given: found.append(given))
    made.start_trackers("presight", {})
    made.close()
    root = tmp_path.resolve()
    options: dict[str, dict[str, str]] = {"wandb": {"dir": str(root)}}
    if not own:
        options["mlflow"] = {"logging_dir": f"{root.as_uri()}/mlflow/artifacts"}
        assert found.pop(0) == f"{root.as_uri()}/mlflow/runs"
    assert found == [("presight", {}, options)]


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
