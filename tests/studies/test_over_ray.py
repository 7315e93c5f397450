"""Ray's workers: a false Ray that keeps its promises, and the real one on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from presight import study
from presight.errors import PresightError, Unavailable
from presight.studies import over_ray
from presight.studies.desk import Desk
from studies.test_study import DATA, OPTIONS, measured


class WorkerGone(Exception):
    """As Ray raises where a process ended."""


class FalseRay:
    """Ray's calls that are used, in this process."""

    exceptions = SimpleNamespace(RayError=WorkerGone)

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.most = 0
        self.pending: dict[int, Callable[[], Any]] = {}
        self.broken: list[str] = []

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.slots)}

    def remote(self, **wanted: int) -> Any:
        assert wanted == {"num_cpus": 1, "num_gpus": 0, "max_retries": 0}
        return lambda call: SimpleNamespace(remote=lambda task: self._put(call, task))

    def _put(self, call: Callable[..., Any], task: over_ray.Task) -> int:
        def work() -> Any:
            if self.broken and self.broken[0] in str(task.group):
                self.broken.pop(0)
                raise WorkerGone
            return call(task)

        ref = id(work)
        self.pending[ref] = work
        self.most = max(self.most, len(self.pending))
        return ref

    def wait(self, refs: list[int], timeout: float) -> tuple[list[int], list[int]]:
        return refs[:1], refs[1:]

    def get(self, ref: int) -> Any:
        return self.pending.pop(ref)()


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FalseRay]:
    made = FalseRay()
    monkeypatch.setitem(sys.modules, "ray", made)  # type: ignore[arg-type]
    over_ray._desk.cache_clear()
    yield made
    over_ray._desk.cache_clear()


SMALL = {**OPTIONS, "modes": "frozen", "methods": "none"}
"""Three groups a seed, of two cells each: untrained, blind and pixels."""
PRETRAINED = {**OPTIONS, "methods": "rotation,none", "seeds": 1, "label_counts": "20"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "a"
    study(DATA, out=out, **PRETRAINED)
    return out


def cells(out: Path) -> set[str]:
    return {path.name for path in (out / "cells").iterdir()}


def test_rows_are_those_of_the_local_executor(ray: FalseRay, local: Path, tmp_path: Path) -> None:
    study(DATA, out=tmp_path / "a", executor="ray", **PRETRAINED)
    assert ray.most == 2
    assert measured(tmp_path / "a") == measured(local)
    assert cells(tmp_path / "a") == cells(local)


def test_a_group_whose_worker_ended_is_tried_once_more(
    ray: FalseRay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ray.broken = ["none on resnet9:2, seed 1"]
    study(DATA, out=tmp_path / "a", executor="ray", **{**SMALL, "quiet": False})
    told = capsys.readouterr().err
    assert "none on resnet9:2, seed 1 failed and is tried once more: its worker ended" in told
    assert len(cells(tmp_path / "a")) == 12


def test_what_fails_twice_is_said_after_the_others_are_done(ray: FalseRay, tmp_path: Path) -> None:
    ray.broken = ["none on resnet9:2, seed 1"] * 2
    with pytest.raises(PresightError, match="none on resnet9:2, seed 1: its worker"):
        study(DATA, out=tmp_path / "a", executor="ray", **SMALL)
    assert len(cells(tmp_path / "a")) == 12 - 2
    assert {row["seed"] for row in measured(tmp_path / "a")} == {"0", "1"}
    # The same command tries again.
    assert len(study(DATA, out=tmp_path / "a", **SMALL).rows) == 12


def test_an_error_of_a_worker_comes_back_in_words(
    ray: FalseRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no such thing")

    monkeypatch.setattr(Desk, "measure", broken)
    with pytest.raises(PresightError, match=r"6 of .* ValueError: no such thing"):
        study(DATA, out=tmp_path / "a", executor="ray", **SMALL)


def test_without_ray_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Unavailable, match=r'pip install "presight\[ray\]"'):
        study(DATA, out=tmp_path / "a", executor="ray", **SMALL)
    assert not (tmp_path / "a").exists()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.slow  # processes of its own
@pytest.mark.timeout(600)
def test_the_same_study_over_two_real_workers(local: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    study(DATA, out=tmp_path / "a", executor="ray", **PRETRAINED)
    assert measured(tmp_path / "a") == measured(local)
    assert cells(tmp_path / "a") == cells(local)
