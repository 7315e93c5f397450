"""Minutes to epochs, in closed form, and what is timed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presight.pretraining import speed
from presight.pretraining.speed import LEAST, MOST, SECONDS, SPARE, Speed
from presight.training.loop import TrainResult
from presight.training.runtime import Runtime
from workbench import Diary, Mean, loader, plan

module: Any = speed
"""Its imports are replaced here."""


@settings(deadline=None)
@given(
    update=st.floats(1e-3, 10),
    start=st.floats(0, 100),
    seconds=st.floats(1, 1e5),
    per_epoch=st.integers(1, 500),
)
def test_the_run_fits_and_one_update_more_does_not(
    update: float, start: float, seconds: float, per_epoch: int
) -> None:
    updates = round(Speed(update, start).epochs(seconds, per_epoch) * per_epoch)

    def cost(count: int) -> float:
        return count * update + -(-count // per_epoch) * start

    slack = 1e-9 * seconds
    assert updates >= 1
    assert updates == 1 or cost(updates) <= seconds * SPARE + slack
    assert cost(updates + 1) > seconds * SPARE - slack


@pytest.mark.parametrize(
    ("seconds", "epochs"),
    [(100, 2.4), (41, 1.0), (42, 1.0), (60, 1.4), (1, 0.1)],
)
def test_by_hand(seconds: float, epochs: float) -> None:
    """Ten updates of 3.92 s an epoch that begins with 0.98 s: 40.18 s an epoch."""
    assert Speed(3.92, 0.98).epochs(seconds, 10) == pytest.approx(epochs)


class Timed:
    """Stands for train(): the first session's update is slow, the rest take what they take."""

    def __init__(self, update: float, epoch_start: float) -> None:
        self.update, self.epoch_start = update, epoch_start
        self.asked: list[int] = []
        self.learners: list[object] = []

    def __call__(self, learner: object, *args: Any, updates: int, **given: Any) -> TrainResult:
        assert "saver" not in given
        self.asked.append(updates)
        self.learners.append(learner)
        times = (50.0, *(self.update,) * (updates - 1))
        return TrainResult(updates, sum(times) + self.epoch_start, 0, 1.0, times)


def measured(monkeypatch: pytest.MonkeyPatch, timed: Timed) -> Speed:
    monkeypatch.setattr(module, "train", timed)

    def make() -> Any:
        learner: Any = Diary()
        learner.views = Mean()
        return learner

    runtime: Any = None
    return speed.measure(make, loader(), plan(), runtime)


def test_the_first_update_of_a_session_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Timed(2.0, 7.0))
    assert found.update == pytest.approx(2.0)
    assert found.epoch_start == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("update", "count"),
    [(100.0, LEAST), (SECONDS / 10, 10), (1e-9, MOST), (0.0, MOST)],
)
def test_slow_updates_are_timed_less_often(
    update: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Timed(update, 0.0)
    measured(monkeypatch, timed)
    assert timed.asked == [2, count]
    assert timed.learners[0] is not timed.learners[1]  # the run's own weights stay as they were


def test_a_real_measure_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Diary] = []

    def make() -> Any:
        learner: Any = Diary()
        learner.views = Mean()
        made.append(learner)
        return learner

    runtime = Runtime("cpu", "fp64")
    monkeypatch.setattr(module, "MOST", 5)
    try:
        found = speed.measure(make, loader(), plan(), runtime)
    finally:
        runtime.close()
    assert found.update > 0
    assert found.epoch_start >= 0
    assert [sum(line.startswith("forward") for line in d.log) for d in made] == [2, 5]


def test_no_negative_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, Timed(1.0, -3.0)).epoch_start == 0.0
