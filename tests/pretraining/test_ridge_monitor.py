"""The ridge monitor: when it looks, what it says, and that nobody learns from it."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from presight.data.canvas import images_of
from presight.data.scenes import Scenes
from presight.errors import DataError, Interrupted, UsageError
from presight.evaluation.features import extract
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.ridge import ridge
from presight.pretraining import ridge_monitor as module
from presight.pretraining import run
from presight.pretraining.configuration import Configuration
from presight.pretraining.ridge_monitor import MOST, RidgeMonitor, Sample
from presight.pretraining.speed import Speed
from presight.restore import load_backbone
from presight.store.folder import RunFolder
from presight.store.records import read
from presight.store.tensors import load_tensors
from presight.testing.trial import Pictures
from presight.training.runtime import Runtime
from pretraining.test_run import broken, same_weights
from tinyruns import UPDATES, tiny

LABELS = "scenes:60?size=16&seed=1"


def sample(count: int = 60) -> Sample:
    source = Scenes.parse(f"{count}?size=16&seed=1")
    return Sample(LabelledImages.of(source, images_of(source, side=28)))


def looks(folder: Path) -> list[tuple[Any, Any]]:
    return [
        (record["step"], record["ridge_accuracy"])
        for record in read(folder / "metrics.jsonl")
        if "ridge_accuracy" in record
    ]


def test_the_weights_do_not_know_that_they_are_watched(finished: Path, tmp_path: Path) -> None:
    """Bit for bit, the statistics of norms and the checkpoint included."""
    folder = tmp_path / "run"
    tiny(folder, monitor_labels=LABELS, monitor_every=0.25)
    assert [step for step, _ in looks(folder)] == [1, 2, 3, 4]
    assert same_weights(folder, finished)
    for name in ("model", "optimizer_all"):
        (here,), (there,) = (
            [load_tensors(path) for path in sorted(one.glob(f"checkpoints/*/{name}.safetensors"))]
            for one in (folder, finished)
        )
        assert here.keys() == there.keys()
        assert all(torch.equal(here[key], there[key]) for key in here)


def test_its_number_is_that_of_the_backbone_that_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny(folder, monitor_labels=LABELS)
    seen = sample()
    features = extract(load_backbone(folder), seen.images, size=16)
    fitted = ridge(features[seen.train], seen.labels[seen.train])
    right = fitted.predict(features[seen.held]) == seen.labels[seen.held]
    assert looks(folder) == [(UPDATES, pytest.approx(float(right.double().mean())))]
    (event,) = [e for e in read(folder / "events.jsonl") if e["kind"] == "monitor"]
    assert event["ridge_accuracy"] == looks(folder)[0][1]


def test_a_resumed_run_is_watched_as_one_that_was_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: dict[str, Any] = {
        "monitor_labels": LABELS,
        "monitor_every": 0.5,
        "checkpoint_minutes": 0.0,
    }
    tiny(tmp_path / "straight", epochs=2.0, **words)
    for at in (2, 3):
        folder = tmp_path / f"stopped-{at}"
        with monkeypatch.context() as patch:
            broken(patch, Interrupted("a signal came."), at)
            with pytest.raises(Interrupted):
                tiny(folder, epochs=2.0, **words)
        tiny(folder, epochs=2.0, **words)
        assert looks(folder) == looks(tmp_path / "straight")
        assert [step for step, _ in looks(folder)] == [2, 4, 6, 8]


def test_a_monitor_may_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        broken(patch, Interrupted("a signal came."), 3)
        with pytest.raises(Interrupted):
            tiny(folder, checkpoint_minutes=0.0)
    tiny(folder, checkpoint_minutes=0.0, monitor_labels=LABELS)
    assert [step for step, _ in looks(folder)] == [UPDATES]


class Method:
    """Stands for a method; only its backbone is looked at."""

    backbone = torch.nn.Identity()


def watching(monkeypatch: pytest.MonkeyPatch, every: Any, cost: float) -> list[int]:
    """The steps at which a run of ten epochs of 40 updates, a second each, is looked at."""
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    def look(self: RidgeMonitor, sample: Sample) -> float:
        clock[0] += cost
        return 0.5

    monkeypatch.setattr(RidgeMonitor, "look", look)
    method: Any = Method()
    monitor = RidgeMonitor(
        method, sample(), size=16, every=every, updates_per_epoch=40, runtime=Runtime("cpu", "fp32")
    )
    seen = []
    for step in range(4, 401, 4):  # a record every four updates
        clock[0] += 4.0
        values = {"step": step, "steps": 400, "seconds": clock[0], "epoch": step / 40}
        if monitor(values):
            seen.append(step)
    return seen


@pytest.mark.parametrize(
    ("every", "steps"),
    [
        (1.0, list(range(40, 401, 40))),
        (2.5, [100, 200, 300, 400]),
        (2.15, [88, 172, 260, 344, 400]),  # between two records: at the next one
        (0.01, list(range(4, 401, 4))),  # oftener than there are records
        (7.0, [280, 400]),
        (99.0, [400]),
    ],
)
def test_it_looks_where_it_is_told(
    every: float, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watching(monkeypatch, every, cost=1e3) == steps


def test_auto_keeps_within_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watching(monkeypatch, "auto", cost=0.1) == list(range(40, 401, 40))
    seen = watching(monkeypatch, "auto", cost=3.0)
    assert seen[0] == 40
    assert seen[-1] == 400
    assert 3.0 * len(seen[:-1]) <= module.SHARE * 430 < 3.0 * (len(seen) + 1)
    assert watching(monkeypatch, "auto", cost=1e3) == [40, 400]


def test_the_sample_is_fixed_by_class_and_disjoint() -> None:
    seen, again = sample(), sample()
    assert torch.equal(seen.train, again.train)
    assert torch.equal(seen.labels, again.labels)
    assert 0.05 <= seen.blind <= 0.2
    assert not set(seen.train.tolist()) & set(seen.held.tolist())
    assert len(seen.train) + len(seen.held) == 60
    shares = seen.labels[seen.held].bincount(minlength=10) / seen.labels.bincount(minlength=10)
    assert float(shares.min()) > 0.1
    index = torch.tensor([3, 5])
    whole = Scenes.parse("60?size=16&seed=1")
    batch = seen.images.batch(index)
    assert [whole.target(i).label for i in batch.index.tolist()] == seen.labels[index].tolist()
    assert seen.images.sizes.shape == (60, 2)


def test_the_order_of_files_does_not_matter() -> None:
    labels = torch.arange(10).repeat(8)
    names = tuple(f"{label}/{i}.png" for i, label in enumerate(labels.tolist()))
    whole: Any = None
    chosen = []
    for order in (torch.arange(80), torch.arange(80).flip(0)):
        given = tuple(names[i] for i in order.tolist())
        seen = Sample(LabelledImages(whole, labels[order], tuple("abcdefghij"), "", given))
        rows: Any = seen.images
        chosen.append({given[i] for i in rows._rows[seen.held].tolist()})
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) > 20


def test_a_large_set_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = torch.arange(10).repeat(MOST // 5)
    whole: Any = None
    seen = Sample(LabelledImages(whole, labels, tuple("abcdefghij"), ""))
    assert len(seen.images) == MOST
    assert len(seen.held) == MOST // 3
    assert seen.labels[seen.held].bincount().tolist() == [MOST // 30] * 10


def test_classes_of_one_image_cannot_be_watched() -> None:
    whole: Any = None
    with pytest.raises(DataError, match=r"--monitor-labels the labels: none of 3 images"):
        Sample(LabelledImages(whole, torch.arange(3), ("a", "b", "c"), ""))


@pytest.mark.parametrize("path", ["nowhere", ""])
def test_labels_that_are_not_there_are_said_before_a_folder_is_made(
    path: str, tmp_path: Path
) -> None:
    if path:
        with pytest.raises(DataError, match="nowhere"):
            tiny(tmp_path / "run", monitor_labels=str(tmp_path / path))
        assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match=r"--monitor-every is 0\.0; expected a number above 0"):
        tiny(tmp_path / "run", monitor_labels=LABELS, monitor_every=0.0)


def test_a_look_that_fails_ends_the_monitor_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def look(self: RidgeMonitor, sample: Sample) -> float:
        calls.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory.\nMore words.")

    monkeypatch.setattr(RidgeMonitor, "look", look)
    tiny(tmp_path / "run", monitor_labels=LABELS, monitor_every=0.25)
    assert len(calls) == 1
    assert looks(tmp_path / "run") == []
    assert "note: the monitor is off from here: CUDA out of memory." in capsys.readouterr().err


def test_what_is_told_about_the_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny(tmp_path / "run", monitor_labels=LABELS, quiet=False)
    err = capsys.readouterr().err
    assert f"monitor   40 labelled images to learn from, 20 to predict, of {LABELS}; 10" in err
    assert f"a blind guess is right for {sample().blind:.1%}\n" in err
    log = (tmp_path / "run" / "logs" / "main.log").read_text()
    assert "monitor   40 labelled" in log
    assert "ridge accuracy" in log


def test_other_processes_take_what_process_0_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.world, "broadcast_object", lambda value: {"ridge_accuracy": 0.25})
    method: Any = Method()
    monitor = RidgeMonitor(
        method, None, size=16, every=1.0, updates_per_epoch=4, runtime=Runtime("cpu", "fp32")
    )
    values = {"step": 4.0, "steps": 8.0, "seconds": 1.0}
    assert monitor(values) == {"ridge_accuracy": 0.25}
    assert monitor(values | {"step": 5.0}) == {}


def test_a_time_budget_leaves_time_for_looks(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.speed, "measure", lambda *args: Speed(0.1, 0.0))
    config = Configuration.read(RunFolder(finished))
    runtime = Runtime("cpu", "fp32")
    epochs = []
    for labels in ("", LABELS):
        settings = dataclasses.replace(
            config.settings, minutes=60.0, monitor_labels=labels, quiet=True
        )
        asked = dataclasses.replace(config, settings=settings, requested={})
        solved = run._solved(asked, Pictures(64, 16), runtime, time.monotonic())
        epochs.append(solved.plan.epochs)
    assert epochs[1] / epochs[0] == pytest.approx(1 - module.SHARE, abs=2e-3)


def test_float64_and_norms_in_bfloat16_are_looked_at_too(tmp_path: Path) -> None:
    for precision in ("fp64", "bf16"):
        folder = tmp_path / precision
        tiny(folder, precision=precision, monitor_labels=LABELS)
        assert len(looks(folder)) == 1


def test_settings_of_the_monitor_are_saved(finished: Path) -> None:
    settings = Configuration.read(RunFolder(finished)).settings
    assert dataclasses.asdict(settings)["monitor_labels"] == ""
