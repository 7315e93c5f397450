from __future__ import annotations

from pathlib import Path

import pytest
import torch

from presight.core.batch import Batch
from presight.store import records
from presight.store.tensors import load_tensors
from presight.training import saver as module
from presight.training.checkpoint import Checkpoints
from presight.training.monitor import Advice
from presight.training.observers import MetricsFile, Values
from presight.training.runtime import Runtime
from presight.training.saver import Saver
from presight.training.session import Session
from workbench import Diary, learn, plan, same, weights


def made(folder: Path, **changes: object) -> Saver:
    given = {"keep": 2, "minutes": 1.0, "metrics": folder / "metrics.jsonl"}
    return Saver(folder, **given | changes)  # type: ignore[arg-type]


def test_a_checkpoint_is_due_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    saver = made(tmp_path)
    now = 1059.0
    assert not saver.due()
    now = 1060.0
    assert saver.due()


def test_saving_resets_the_clock_and_the_same_update_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    runtime = Runtime("cpu", "fp32")
    session = Session.open(Diary(), plan(precision="fp32"), runtime)
    saver = made(tmp_path)
    now = 2000.0
    saver.save(session)
    assert not saver.due()
    file = tmp_path / "checkpoints" / "step-00000000" / "model.safetensors"
    stamp = file.stat().st_mtime_ns
    saver.save(session)
    assert file.stat().st_mtime_ns == stamp
    session.progress.number = 1
    saver.save(session)
    assert Checkpoints(tmp_path / "checkpoints").steps() == [0, 1]
    runtime.close()


def test_a_new_folder_resumes_nothing(tmp_path: Path) -> None:
    runtime = Runtime("cpu", "fp32")
    learner = Diary()
    session = Session.open(learner, plan(precision="fp32"), runtime)
    before = weights(learner)
    assert made(tmp_path).resume(session) == []
    assert same(before, weights(learner))
    runtime.close()


class Cut(MetricsFile):
    """Writes records, and fails after one of them, before its checkpoint."""

    def on_record(self, values: Values) -> None:
        super().on_record(values)
        if values["step"] == 6:
            raise KeyboardInterrupt

    def on_advice(self, advice: Advice) -> None:
        pass


def test_records_of_updates_that_are_done_again_are_cut_off(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    with pytest.raises(KeyboardInterrupt):
        learn(Diary(), folder=tmp_path, observers=[Cut(metrics, tmp_path / "events.jsonl")])
    assert [r["step"] for r in records.read(metrics)] == [1, 2, 3, 4, 5, 6]
    learn(Diary(), folder=tmp_path, observers=[MetricsFile(metrics, tmp_path / "events.jsonl")])
    assert [r["step"] for r in records.read(metrics)] == list(range(1, 9))


def test_without_a_checkpoint_all_records_are_made_again(tmp_path: Path) -> None:
    metrics, events = tmp_path / "metrics.jsonl", tmp_path / "events.jsonl"
    with pytest.raises(KeyboardInterrupt):
        learn(Diary(), folder=tmp_path, minutes=60, observers=[Cut(metrics, events)])
    learn(Diary(), folder=tmp_path, observers=[MetricsFile(metrics, events)])
    assert [r["step"] for r in records.read(metrics)] == list(range(1, 9))


def test_a_damaged_checkpoint_is_passed_over_and_said(tmp_path: Path) -> None:
    whole, last = Diary(), Diary()
    learn(whole)
    learn(Diary(), folder=tmp_path, updates=5)
    file = tmp_path / "checkpoints" / "step-00000005" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    result = learn(last, folder=tmp_path)
    assert "step-00000005" in result.notes[0]
    assert same(weights(whole), weights(last))


def test_a_batch_is_kept_below_the_run_folder(tmp_path: Path) -> None:
    images = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 3, 4, 4)
    place = made(tmp_path).keep_batch(12, Batch.of(images, torch.tensor([4, 9])))
    kept = load_tensors(tmp_path / place)
    assert torch.equal(kept["images"], images)
    assert kept["index"].tolist() == [4, 9]


def test_extra_values_stand_in_the_checkpoint(tmp_path: Path) -> None:
    runtime = Runtime("cpu", "fp32")
    session = Session.open(Diary(), plan(precision="fp32"), runtime)
    made(tmp_path, extra={"method": "diary"}).save(session)
    snapshot = Checkpoints(tmp_path / "checkpoints").latest()
    assert snapshot is not None
    assert snapshot.state["method"] == "diary"
    runtime.close()
