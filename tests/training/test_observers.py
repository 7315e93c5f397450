from __future__ import annotations

import io
from pathlib import Path

import pytest

from presight.store import records
from presight.training.monitor import Advice
from presight.training.observers import (
    BarProgress,
    MetricsFile,
    PlainProgress,
    Tracker,
    Waiting,
    duration,
    progress_words,
)

VALUES = {
    "step": 10,
    "steps": 40,
    "epoch": 1.5,
    "loss": 4.25,
    "rank": 12.4,
    "dim": 128,
    "images_per_second": 12345.6,
    "seconds_left": 3900.0,
}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3500, "58 min"), (3900, "1 h 05 min")],
)
def test_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_health_line() -> None:
    assert progress_words(VALUES) == "loss 4.250  rank 12/128  12,346 images/s  1 h 05 min left"
    few = {k: v for k, v in VALUES.items() if k != "rank"}
    assert progress_words(few) == "loss 4.250  12,346 images/s  1 h 05 min left"


def test_plain_lines_come_now_and_then_and_at_an_epochs_end() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, every=1e6)
    for step, epoch in ((10, 0.5), (10, 0.5), (11, 0.5), (20, 1.0)):
        progress.on_record(VALUES | {"step": step, "epoch": epoch})
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("step 10/40 (25%)  loss 4.250")
    assert len(lines) == 2
    assert lines[1].startswith("step 20/40 (50%)")


def test_the_monitors_number_is_remembered() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, every=0.0)
    progress.on_record(VALUES | {"ridge_accuracy": 0.431})
    progress.on_record(VALUES)
    assert [line.count("monitor 43.1%") for line in stream.getvalue().splitlines()] == [1, 1]
    assert "monitor" not in progress_words(VALUES)


def test_a_look_of_the_monitor_is_an_event(tmp_path: Path) -> None:
    written = MetricsFile(tmp_path / "metrics.jsonl", tmp_path / "events.jsonl")
    written.on_record(VALUES)
    written.on_record(VALUES | {"ridge_accuracy": 0.431, "ridge_labels": 40.0})
    (event,) = records.read(tmp_path / "events.jsonl")
    event.pop("time")
    assert event == {"kind": "monitor", "step": 10, "epoch": 1.5, "ridge_accuracy": 0.431}
    assert len(list(records.read(tmp_path / "metrics.jsonl"))) == 2


def test_waits_are_told_now_and_then() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, every=0.0)
    assert isinstance(progress, Waiting)
    progress.on_wait("looking at all images,", 1000, 5000)
    assert stream.getvalue() == "looking at all images, 1,000 of 5,000\n"
    seldom = PlainProgress(stream, every=1e6)
    for done in range(5):
        seldom.on_wait("looking,", done, 5)
    assert stream.getvalue().count("looking,") == 1
    bar = BarProgress()
    bar.on_wait("looking,", 1, 5)
    assert bar._progress.tasks[0].fields["words"] == "looking, 1 of 5"
    bar.on_end()


def test_advice_has_a_line_of_its_own() -> None:
    stream = io.StringIO()
    PlainProgress(stream).on_advice(Advice("rank", "the rank [is] low"))
    assert stream.getvalue() == "note: the rank [is] low\n"


def test_records_become_lines_of_json(tmp_path: Path) -> None:
    metrics, events = tmp_path / "metrics.jsonl", tmp_path / "events.jsonl"
    observer = MetricsFile(metrics, events)
    observer.on_record(VALUES)
    observer.on_record(VALUES | {"step": 20})
    observer.on_advice(Advice("rank", "try less"))
    observer.on_end()
    assert list(records.read(metrics)) == [VALUES, VALUES | {"step": 20}]
    (event,) = records.read(events)
    assert (event["kind"], event["text"]) == ("rank", "try less")


def test_trackers_get_numbers_at_their_update() -> None:
    seen: list[tuple[dict[str, float], int]] = []
    tracker = Tracker(lambda values, step: seen.append((dict(values), step)))
    tracker.on_record({"step": 7, "loss": 1.5})
    assert seen == [({"loss": 1.5}, 7)]
