"""A small study of real networks on rendered scenes: begun, killed, continued, asked again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from presight import study
from presight.errors import UsageError
from presight.studies.bench import Bench
from presight.studies.study import Studied

OPTIONS: dict[str, Any] = {
    "labels": "scenes:60?size=16&factors=C&seed=1",
    "test": "scenes:40?size=16&factors=C&seed=2&split=test",
    "methods": "rotation,none",
    "backbones": "resnet9:2",
    "label_counts": "20,60",
    "seeds": 2,
    "epochs": 1,
    "image_size": 16,
    "updates": 4,
    "device": "cpu",
    "quiet": True,
}
DATA = "scenes:64?size=16&factors=C"


def asked(out: Path, **changes: Any) -> Studied:
    return study(DATA, out=out, **{**OPTIONS, **changes})


def measured(out: Path) -> list[dict[str, str]]:
    """The table without its times."""
    with (out / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "a"
    asked(out)
    return out


def test_every_cell_is_there_once(whole: Path) -> None:
    found = measured(whole)
    # Methods, modes, counts, seeds, metrics; and two anchors, frozen.
    assert len(found) == (2 * 2 + 2) * 2 * 2 * 2
    assert {row["method"] for row in found} == {"rotation", "none", "blind", "pixels"}
    assert len(list((whole / "cells").glob("*.json"))) == 24
    assert len(list((whole / "runs").iterdir())) == 2  # one pretraining a seed, none for none
    told = json.loads((whole / "study.json").read_text())
    assert told["answers"][0]["sentence"].startswith("With 60 labels take ")


class Killed(BaseException):
    """As of a process that ends here."""


def test_killed_and_continued_equals_uninterrupted(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, counted = Bench.measure, []

    def counting(*args: Any) -> Any:
        if len(counted) == 5:
            raise Killed
        counted.append(1)
        return real(*args)

    monkeypatch.setattr(Bench, "measure", counting)
    with pytest.raises(Killed):
        asked(tmp_path / "a")
    assert len(list((tmp_path / "a" / "cells").glob("*.json"))) == 5
    counted.clear()

    def again(*args: Any) -> Any:
        counted.append(1)
        return real(*args)

    monkeypatch.setattr(Bench, "measure", again)
    asked(tmp_path / "a")
    assert len(counted) == 19
    assert measured(tmp_path / "a") == measured(whole)


def test_what_is_there_is_not_measured_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (whole / "results.csv").read_text()
    monkeypatch.setattr(Bench, "measure", None)
    asked(whole)
    assert (whole / "results.csv").read_text() == before
    # Fewer counts and seeds of the same study are a part of it.
    assert len(asked(whole, label_counts="60", seeds=1).rows) == 6


def test_another_question_is_another_cell(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for = []

    def seen(self: Bench, cell: Any, *_: Any) -> Any:
        asked_for.append(cell)
        raise Killed

    monkeypatch.setattr(Bench, "measure", seen)
    for changes in ({"updates": 5}, {"test": "scenes:41?size=16&factors=C&seed=2&split=test"}):
        with pytest.raises(Killed):
            asked(whole, **changes)
    assert len(asked_for) == 2


def test_a_damaged_cell_is_measured_again(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(whole)
    before = measured(whole)
    cell = min((whole / "cells").glob("*frozen*.json"))
    cell.write_text(cell.read_text()[:50])
    asked(whole, quiet=False)
    assert "damaged" in capsys.readouterr().err
    assert measured(whole) == before


def test_a_study_without_the_network_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--methods lacks none"):
        asked(tmp_path / "a", methods="rotation")


def test_a_method_is_no_folder_of_its_name(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rotation").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Bench, "measure", None)
    assert len(asked(whole).rows) == 24


def test_a_finished_run_is_taken_by_its_path(whole: Path, tmp_path: Path) -> None:
    run = next((whole / "runs").iterdir())
    found = asked(tmp_path / "a", methods=f"{run},none", modes="frozen", label_counts="60", seeds=1)
    assert {row.cell.arm.method for row in found.rows} == {str(run), "none", "blind", "pixels"}
    assert not (tmp_path / "a" / "runs").exists()


def test_what_is_neither_a_method_nor_a_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rotatoin"):
        asked(tmp_path / "a", methods="rotatoin,none")
