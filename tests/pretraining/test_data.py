"""Opening a run's images: what settings hand on, where packs lie, and how progress is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from presight.core import world
from presight.core.settings import Settings
from presight.data.decode import Limits
from presight.data.scenes import Scenes
from presight.errors import DataError, UsageError
from presight.pretraining import data as opening
from presight.pretraining.data import counted, limits, open_data, open_images

module: Any = opening
"""Its imports are replaced here."""


def test_every_limit_is_handed_on() -> None:
    given = {"min_side": 9, "max_pixels": 1234, "allow_truncated": True, "float_range": True}
    assert limits(Settings(**given)) == Limits(**given)
    assert limits(Settings()) == Limits()


def test_every_setting_about_data_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(module, "open_source", lambda data, **given: seen.append((data, given)))
    settings = Settings(
        follow_links=True, download=True, max_bad_fraction=0.5, workers=3, quiet=True, min_side=9
    )
    open_data("photos/", settings)
    open_data("photos/", Settings(quiet=True))
    (data, given), (_, usual) = seen
    assert data == "photos/"
    assert given == {
        "limits": limits(settings),
        "follow_links": True,
        "download": True,
        "max_bad_fraction": 0.5,
        "workers": 3,
        "progress": None,
    }
    assert usual["workers"] == 0  # as many as the machine has


def test_data_that_is_not_there() -> None:
    with pytest.raises(DataError, match="no nowhere/ here") as missing:
        open_data("nowhere/", Settings(quiet=True))
    assert missing.value.exit_code == 3
    with pytest.raises(UsageError, match="no form of data that is known") as unknown:
        open_data("s3://bucket/x", Settings(quiet=True))
    assert unknown.value.exit_code == 2


def test_packs_lie_where_the_settings_say(tmp_path: Path) -> None:
    source = Scenes(5, size=16)
    settings = Settings(cache_side=12, cache_dir=str(tmp_path), workers=1, quiet=True)
    images = open_images(source, settings)
    assert list(images.sizes.tolist()) == [[12, 12]] * 5
    held = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert held
    again = open_images(source, settings)
    index = torch.arange(5)
    assert torch.equal(again.batch(index).images, images.batch(index).images)
    assert {path: path.stat().st_mtime_ns for path in held} == held  # nothing is decoded twice
    with pytest.raises(AssertionError, match="resolved before"):
        open_images(source, Settings())


def test_other_processes_wait_for_the_first_to_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(module, "images_of", lambda *args, **given: calls.append("images"))
    monkeypatch.setattr(world, "barrier", lambda: calls.append("barrier"))
    for rank, order in ((0, ["images", "barrier"]), (1, ["barrier", "images"])):
        calls.clear()
        monkeypatch.setattr(world, "rank", lambda rank=rank: rank)
        open_images(Scenes(5, size=16), Settings(cache_side=12, quiet=True))
        assert calls == order


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    yield now
    monkeypatch.undo()


def test_a_pipe_gets_a_line_every_half_minute(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    show = counted("looking at images", quiet=False)
    assert show is not None
    for seconds, done in ((0, 1), (29.9, 2), (30.0, 1000), (31, 1001), (61, 1200), (62, 1300)):
        clock[0] = 100.0 + seconds
        show(done, 1300)
    assert capsys.readouterr().err.splitlines() == [
        "looking at images 1,000 of 1,300",
        "looking at images 1,200 of 1,300",
    ]


def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def test_a_terminal_gets_a_line_that_is_written_over(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(monkeypatch)
    show = counted("decoding once", quiet=False)
    assert show is not None
    for seconds, done in ((0.1, 1), (0.25, 2), (0.3, 3), (0.4, 4)):
        clock[0] = 100.0 + seconds
        show(done, 4)
    assert capsys.readouterr().err == "\rdecoding once 2 of 4\rdecoding once 4 of 4\n"


@pytest.mark.parametrize(("name", "value"), [("CI", "1"), ("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_cursor_moves_where_they_are_unwelcome(
    name: str,
    value: str,
    clock: list[float],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    show = counted("decoding once", quiet=False)
    assert show is not None
    clock[0] += 31
    show(4, 4)
    assert capsys.readouterr().err == "decoding once 4 of 4\n"


def test_nobody_is_told_twice_or_against_their_will(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted("x", quiet=True) is None
    monkeypatch.setattr(world, "rank", lambda: 1)
    assert counted("x", quiet=False) is None
