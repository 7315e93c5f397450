"""Who looks at a run while it trains: files, trackers, the person who waits."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from presight.core import world
from presight.data.loader import Loader
from presight.errors import Diverged
from presight.pretraining.configuration import Configuration
from presight.pretraining.pictures import COLUMNS
from presight.pretraining.watchers import AdviceOnly, Log, Patience, listening, picture, watchers
from presight.store.folder import RunFolder
from presight.store.records import read
from presight.testing.trial import Pictures
from presight.training.monitor import PATIENCE, Advice, Monitor
from presight.training.observers import (
    BarProgress,
    MetricsFile,
    Observer,
    PlainProgress,
    StopOnCollapse,
    Tracker,
)
from tinyruns import tiny
from workbench import Mean


class Trackers:
    """Stands for a runtime; holds what trackers were given."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.tracked: list[Any] = []

    def start_trackers(self, name: str, config: Any) -> None:
        self.started.append((name, config))

    def track(self, values: Any, number: int) -> None:
        self.tracked.append((number, values))


def of(finished: Path, trackers: Trackers | None = None, **settings: Any) -> list[Observer]:
    runtime: Any = trackers or Trackers()
    folder = RunFolder(finished)
    config = Configuration.read(folder)
    changed = dataclasses.replace(config.settings, **settings)
    return watchers(dataclasses.replace(config, settings=changed), runtime, folder)


def kinds(observers: list[Observer]) -> list[type]:
    return [type(observer) for observer in observers]


def test_a_quiet_run_is_still_written_down(finished: Path) -> None:
    assert kinds(of(finished, quiet=True)) == [MetricsFile, Log, AdviceOnly]


def test_a_quiet_run_still_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    observer = AdviceOnly()
    observer.on_record({"loss": 1.0})
    observer.on_advice(Advice("rank", "collapsed. Try weaker views."))
    observer.on_end()
    assert capsys.readouterr() == ("", "note: collapsed. Try weaker views.\n")


def test_a_collapse_stops_where_it_should(finished: Path) -> None:
    """From the numbers of a collapsed run to the end of it."""
    observers = of(finished, quiet=True, on_collapse="stop")
    assert kinds(observers) == [StopOnCollapse, MetricsFile, Log, AdviceOnly]
    monitor = Monitor("Try weaker views.")
    collapsed = {"loss": 1.0, "rank": 1.0, "dim": 32.0}
    for _ in range(PATIENCE - 1):
        assert monitor.advise(collapsed, warm=True) == []
    (advice,) = monitor.advise(collapsed, warm=True)
    with pytest.raises(Diverged, match=r"collapsed\. Try weaker views\..*--on-collapse") as caught:
        observers[0].on_advice(advice)
    assert caught.value.exit_code == 4


def test_other_processes_stop_too_and_write_nothing(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "rank", lambda: 1)
    assert of(finished, track=("tensorboard",)) == []
    assert kinds(of(finished, on_collapse="stop")) == [StopOnCollapse]


def test_trackers_are_told_numbers_at_their_update(finished: Path) -> None:
    trackers = Trackers()
    *_, tracker, _ = of(finished, trackers, quiet=True, track=("tensorboard",))
    assert isinstance(tracker, Tracker)
    assert trackers.started == [("presight", {"method": "rotation"})]
    tracker.on_record({"step": 7.0, "loss": 0.5})
    assert trackers.tracked == [(7, {"loss": 0.5})]


@pytest.mark.parametrize(
    ("terminal", "variables", "kind"),
    [
        (True, {}, BarProgress),
        (False, {}, PlainProgress),
        (True, {"CI": "1"}, PlainProgress),
        (True, {"NO_COLOR": "1"}, PlainProgress),
        (True, {"TERM": "dumb"}, PlainProgress),
    ],
)
def test_a_bar_where_the_cursor_may_move(
    terminal: bool,
    variables: dict[str, str],
    kind: type,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    observers = of(finished, quiet=False)
    for observer in observers:
        observer.on_end()
    assert kinds(observers) == [MetricsFile, Log, kind]


class Seen:
    """A method of which only the recipe is used."""

    views = Mean()


def test_the_first_images_are_pictured_as_training_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[int], int, int]] = []

    def views(batch: Any, draw: Any) -> dict[str, torch.Tensor]:
        seen.append((batch.index.tolist(), draw.seed, draw.epoch))
        return {"x": batch.images.float() / 255}

    method: Any = Seen()
    method.views = views
    for count in (5, 20):
        loader = Loader(Pictures(count, 8), batch_size=4, seed=6, device=torch.device("cpu"))
        picture(method, loader, RunFolder(tmp_path))
    assert [rows for rows, *_ in seen] == [list(range(5)), list(range(COLUMNS))]
    assert {(seed, epoch) for _, seed, epoch in seen} == {(6, 0)}
    assert (tmp_path / "pictures" / "views-x.png").is_file()


def test_a_run_is_pictured_once(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run").folder
    (path,) = (folder / "pictures").glob("*.png")
    path.write_bytes(b"kept")
    tiny(folder, epochs=1.25)
    assert path.read_bytes() == b"kept"


def test_what_parts_log_is_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path)
    logger = logging.getLogger("presight.methods.some")
    before = list(logging.getLogger("presight").handlers)
    with contextlib.suppress(ZeroDivisionError), listening(folder):
        logger.warning("%d clusters were empty", 3)
        logger.info("not worth a line")
        raise ZeroDivisionError
    assert logging.getLogger("presight").handlers == before
    assert capsys.readouterr().err == "note: 3 clusters were empty\n"
    (told,) = read(folder.events)
    assert (told["kind"], told["text"]) == ("note", "3 clusters were empty")


def test_other_processes_are_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(world, "rank", lambda: 1)
    with listening(RunFolder(tmp_path)):
        logging.getLogger("presight").warning("said twice")
    assert capsys.readouterr().err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["rank-1.log"]
    assert "warning said twice" in (tmp_path / "logs" / "rank-1.log").read_text()


def test_everything_that_is_said_stands_in_the_log(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    log = logging.getLogger("presight")
    level = log.level
    observer = Log()
    numbers = {"loss": 2.0, "images_per_second": 10.0, "seconds_left": 5.0, "steps": 8.0}
    with contextlib.suppress(ZeroDivisionError), listening(folder, ["data      64 images"]):
        for step, epoch in ((1, 0), (4, 1), (5, 1)):
            observer.on_record(numbers | {"step": float(step), "epoch": float(epoch)})
        observer.on_advice(Advice("rank", "collapsed."))
        log.warning("a name\n2031-01-01T00:00:00Z info forged")
        log.debug("of no interest")
        raise ZeroDivisionError("by hand")
    assert log.level == level
    lines = folder.log(0).read_text().splitlines()
    times, words = zip(*(line.split(" ", 1) for line in lines), strict=True)
    assert all(len(time) == 20 and time.endswith("Z") for time in times)
    assert words == (
        "info process 0 of 1",
        "info data      64 images",
        "info step 4/8  loss 2.000  10 images/s  5 s left",
        "info advice: collapsed.",
        "warning a name\\n2031-01-01T00:00:00Z info forged",
        "info ended by ZeroDivisionError: by hand",
    )
    with listening(folder):
        log.info("again")
    assert len(folder.log(0).read_text().splitlines()) == len(lines) + 2


def test_passes_over_all_images_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny(tmp_path / "run", method="deepcluster", quiet=False)
    assert "before epoch 1: looking at all images, 16 of 64\n" in capsys.readouterr().err


def test_passes_are_told_of_while_the_speed_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for quiet in (False, True):
        patient = Patience(quiet)
        patient.on_record({"loss": 1.0})
        patient.on_wait("before epoch 1: looking at all images,", 64, 64)
        patient.on_advice(Advice("rank", "collapsed."))
        patient.on_end()
    told = "\rmeasuring the speed: looking at all images, 64 of 64\n"
    assert capsys.readouterr() == ("", told)
