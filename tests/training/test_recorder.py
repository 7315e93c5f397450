from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch

from presight.core.batch import Out, Step, Views
from presight.core.learner import Player
from presight.training import recorder as module
from presight.training.monitor import PATIENCE, Advice, Monitor
from presight.training.observers import Values
from presight.training.recorder import Recorder
from presight.training.runtime import Runtime
from presight.training.session import Session
from workbench import COUNT, Diary, learn, plan

A, B = Player("a", ("a",)), Player("b", ("b",))


class Notes:
    """Keeps records and advice."""

    def __init__(self) -> None:
        self.records: list[dict[str, float]] = []
        self.advice: list[Advice] = []

    def on_record(self, values: Values) -> None:
        self.records.append(dict(values))

    def on_advice(self, advice: Advice) -> None:
        self.advice.append(advice)

    def on_end(self) -> None:
        pass


def of(total: int, notes: Notes, session: Session) -> Recorder:
    return Recorder(session, total, Monitor(), [notes], 4, 4)


@pytest.fixture
def session() -> Iterator[Session]:
    runtime = Runtime("cpu", "fp32")
    opened = Session.open(Diary(), plan(precision="fp32"), runtime)
    opened.guard.snapshot()
    yield opened
    runtime.close()


@pytest.mark.parametrize(
    ("total", "expected"), [(5, [1, 2, 3, 4, 5]), (305, [*range(3, 304, 3), 305])]
)
def test_records_come_a_hundred_times_a_run_and_at_its_end(
    session: Session, total: int, expected: list[int]
) -> None:
    notes = Notes()
    recorder = of(total, notes, session)
    for number in range(1, total + 1):
        recorder.see(Out(torch.tensor(float(number))), "all")
        recorder.see_norm(torch.tensor(1.0), 0.1)
        session.progress.number = number
        recorder.after_update()
    assert [r["step"] for r in notes.records] == expected


def test_a_long_run_is_recorded_every_ten_updates(session: Session) -> None:
    notes = Notes()
    recorder = of(100_000, notes, session)
    for number in range(1, 21):
        recorder.see(Out(torch.tensor(float(number))), "all")
        session.progress.number = number
        recorder.after_update()
    assert [r["step"] for r in notes.records] == [10, 20]
    assert [r["loss"] for r in notes.records] == [5.5, 15.5]


def test_the_loss_keeps_its_precision(session: Session) -> None:
    recorder = of(5, Notes(), session)
    value = torch.tensor(1 / 3, dtype=torch.float64)
    recorder.see(Out(value), "all")
    session.progress.number = 1
    recorder.after_update()
    assert recorder.loss == 1 / 3


def test_what_a_record_says() -> None:
    notes = Notes()
    learn(Diary(A, B), plan(lr=0.25, schedule="constant"), observers=[notes])
    assert [r["step"] for r in notes.records] == list(range(1, 9))
    record = notes.records[5]
    assert record["steps"] == 8
    assert record["epoch"] == 1.5
    assert record["lr"] == 0.25
    assert record["loss"] == pytest.approx((record["loss_a"] + record["loss_b"]) / 2)
    assert record["gradient_norm"] > 0
    assert 0 <= record["data_wait"] <= 1
    assert record["images_per_second"] > 0
    assert notes.records[-1]["seconds_left"] == 0
    assert "rank" not in record


class Embedding(Diary):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.embedding = torch.eye(4).repeat(1, 2)
        out.collapsed = 2.5
        out.terms["accuracy"] = torch.tensor(0.75)
        return out


def test_embedding_and_terms_are_in_the_record() -> None:
    notes = Notes()
    learn(Embedding(), updates=1, observers=[notes])
    (record,) = notes.records
    assert record["dim"] == 8
    assert record["rank"] == pytest.approx(3, rel=1e-3)
    assert record["collapsed"] == 2.5
    assert record["accuracy"] == 0.75
    assert math.isfinite(record["spread"])


class Collapsed(Diary):
    def forward(self, views: Views, step: Step) -> Out:
        out = super().forward(views, step)
        out.embedding = torch.ones(4, 16)
        return out


def test_a_planted_collapse_is_told_to_the_observers_once() -> None:
    notes = Notes()
    learn(Collapsed(), plan(epochs=(PATIENCE + 30) / (COUNT / 4)), observers=[notes])
    told = [a.kind for a in notes.advice if a.kind != "wait"]  # next to no work: it may wait
    assert told == ["rank"]


def test_nothing_is_advised_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WARM_SHARE", 1.0)
    notes = Notes()
    learn(Collapsed(), plan(epochs=(PATIENCE + 30) / (COUNT / 4)), observers=[notes])
    assert notes.advice == []
