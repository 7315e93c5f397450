"""What only an accelerator can show; skipped where there is no CUDA device."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from presight import views
from presight.core.draw import Draw
from presight.core.method import Method
from presight.data.scenes.factors import Kind
from presight.data.scenes.render import render
from presight.pretraining.aside import aside
from presight.pretraining.configuration import Configuration
from presight.store import records
from presight.store.folder import RunFolder
from presight.testing.tiny import tiny_batch
from presight.testing.trial import Trial
from presight.training.checkpoint import Checkpoints
from presight.training.loop import advance
from presight.training.monitor import Advice, Monitor
from presight.training.observers import Values
from presight.training.recorder import Recorder
from presight.training.runtime import Runtime
from presight.training.session import Session
from registered import KINDS
from tinyruns import UPDATES, tiny
from workbench import BATCH, COUNT, Diary, Mean, loader, plan

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
LEVEL = 1.0
"""Mean difference between the executors, of 255 levels."""


class Losses:
    """Keeps the loss of every record."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_record(self, values: Values) -> None:
        self.seen.append(values["loss"])

    def on_advice(self, advice: Advice) -> None:
        pass

    def on_end(self) -> None:
        pass


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    made = Runtime("cuda", "bf16")
    yield made
    made.close()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_method_trains_in_bf16(kind: type[Method], runtime: Runtime) -> None:
    trial, losses = Trial(kind), Losses()
    method = trial.build()
    trial.train(method, runtime=runtime, observers=[losses])
    assert len(losses.seen) == trial.epochs * trial.data.updates_per_epoch
    assert all(math.isfinite(loss) for loss in losses.seen)
    state = method.state_dict().values()
    assert {tensor.device.type for tensor in state} == {"cuda"}
    assert all(tensor.isfinite().all() for tensor in state)


@pytest.mark.parametrize("name", views.names())
def test_the_executors_agree_on_the_device(name: str) -> None:
    batch = tiny_batch(32, 48).to(torch.device("cuda"))
    recipe = views.recipe(name, size=32)
    draw = Draw(0, 0, batch.index)
    one, other = (
        dataclasses.replace(recipe, executor=executor)(batch, draw)
        for executor in ("per-image", "batched")
    )
    assert one.keys() == other.keys()
    for key, view in one.items():
        assert view.device.type == other[key].device.type == "cuda"
        if not view.is_floating_point():
            assert torch.equal(view, other[key])
        elif key not in ("lightness", "color"):  # these are in other units
            assert 255 * (view - other[key]).abs().mean() <= LEVEL


def test_a_run_goes_on_and_keeps_the_executor(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny(folder, device="cuda", precision="bf16")
    config = Configuration.read(RunFolder(folder))
    assert (config.settings.device, config.options["views"].executor) == ("cuda", "batched")
    done = tiny(folder, device="cpu", precision="bf16", epochs=2.0)
    assert done.summary["updates"] == 2 * UPDATES
    steps = [record["step"] for record in records.read(folder / "metrics.jsonl")]
    assert steps == list(range(1, 2 * UPDATES + 1))
    config = Configuration.read(RunFolder(folder))
    assert (config.settings.device, config.options["views"].executor) == ("cpu", "batched")


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny(folder, device="cuda", precision="fp32")
    done = tiny(folder, device="cuda", precision="fp32", epochs=2.0)
    assert done.summary["updates"] == 2 * UPDATES
    assert math.isfinite(float(done.summary["loss"]))
    assert RunFolder(folder).status == "done"


def test_a_run_is_watched_and_its_generator_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    labels = "scenes:60?size=16&seed=1"
    tiny(folder, device="cuda", precision="bf16", monitor_labels=labels, monitor_every=0.5)
    seen = [r for r in records.read(folder / "metrics.jsonl") if "ridge_accuracy" in r]
    assert len(seen) == 2
    module = torch.nn.Linear(3, 3).cuda()
    state = torch.cuda.get_rng_state()
    with aside(module, torch.device("cuda")) as copy:
        torch.rand(5, device="cuda")
        assert next(copy.parameters()).is_cuda
    assert torch.equal(torch.cuda.get_rng_state(), state)


def test_fp16_scales_the_loss_and_keeps_the_scale(tmp_path: Path) -> None:
    done = tiny(tmp_path / "run", device="cuda", precision="fp16")
    assert math.isfinite(float(done.summary["loss"]))
    snapshot = Checkpoints(tmp_path / "run" / "checkpoints").latest()
    assert snapshot is not None
    scaler = snapshot.state["scaler"]
    assert isinstance(scaler, dict)
    assert scaler["scale"] > 0


def test_no_update_waits_for_the_device(runtime: Runtime) -> None:
    """Between records: views, forward, backward, guard, clipping and step only queue work."""
    session = Session.open(Diary(), plan(precision="bf16", clip=1.0), runtime)
    recorder = Recorder(session, 100_000, Monitor(), [], BATCH, COUNT // BATCH)
    session.guard.snapshot()
    batches = list(loader().epoch(0))
    advance(session, Mean(), batches[0], 100_000, COUNT // BATCH, recorder)  # kernels are loaded
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches[1:]:
            advance(session, Mean(), batch, 100_000, COUNT // BATCH, recorder)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert session.progress.number == len(batches)
    assert not session.guard.tripped()


@pytest.mark.parametrize(("factors", "objects"), [("TCVL", 1), ("TCVLD", 4)])
def test_scenes_are_those_of_the_cpu(factors: str, objects: int) -> None:
    """Up to a few edges, where another rounding meets another part."""
    kind, index = Kind(factors, objects), torch.arange(32)
    there, here = render(kind, index.cuda(), 64), render(kind, index, 64)
    for name in ("image", "mask", "depth", "label", "boxes", "quaternion"):
        assert getattr(there, name).device.type == "cuda", name
    difference = (there.image.cpu().int() - here.image.int()).abs()
    assert (difference <= 2).float().mean() > 0.995
    assert (there.mask.cpu() == here.mask).float().mean() > 0.999
    assert torch.equal(there.label.cpu(), here.label)
    again = render(kind, index.cuda(), 64)
    assert torch.equal(there.image, again.image)
