"""The table of a tiny folder: measured beside the published figures, killed, continued."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.tinyruns import finished

from presight.errors import DataError, Diverged, UsageError
from presight.studies import table1
from presight.studies.arms import Arms
from presight.studies.cells import Arm
from presight.studies.standing import NOT_ASKED, NOT_HERE, Table1
from presight.studies.table1 import run_table1

SIDE = 16
OPTIONS: dict[str, Any] = {
    "backbone": "resnet9:2",
    "image_size": SIDE,
    "epochs": 1.0,
    "probe_epochs": 6,
    "seeds": 2,
    "methods": ("none", "moco"),
    "device": "cpu",
    "quiet": True,
}


def pictures(folder: Path, count: int, draw: int, *, shift: int = 0) -> None:
    """Class folders of noise whose mean color tells the class."""
    generator = np.random.default_rng(draw)
    for image in range(count):
        label = image % 3
        pixels = generator.integers(0, 100, (SIDE, SIDE, 3))
        pixels[..., label] += 150
        place = folder / "abc"[(label + shift) % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{image}.png")


def asked(data: Path, out: Path, **changes: Any) -> Table1:
    return run_table1(str(data), out, **{**OPTIONS, **changes})


def told(out: Path) -> list[dict[str, str]]:
    with (out / "table1.csv").open() as file:
        return list(csv.DictReader(file))


def choices(out: Path) -> dict[tuple[str, int], Any]:
    """Which classifier was chosen and by what, by method and seed."""
    found = {}
    for file in (out / "rows").glob("*.json"):
        row = json.loads(file.read_text())
        cell, details = row["cell"], row["details"]
        found[cell["arm"]["method"], cell["seed"]] = (
            details["rate"], details["decay"], details["trials"],
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    pictures(folder / "train", 48, 0)
    pictures(folder / "val", 24, 1)
    return folder


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Table1]:
    out = tmp_path_factory.mktemp("table") / "a"
    return out, asked(data, out)


def test_the_nine_rows_stand_in_their_order_and_say_how_they_are(
    whole: tuple[Path, Table1],
) -> None:
    lines = {line.method: line for line in whole[1].rows}
    titles = [line.title for line in whole[1].rows]
    assert titles[:3] == ["Supervised", "Local Aggregation", "MoCo"]
    assert titles[8:10] == ["SwAV", "untrained"]
    assert lines["simclr"].status == NOT_ASKED
    assert lines["pirl"].status == NOT_HERE
    assert lines["moco"].score is not None
    assert len(lines["moco"].by_seed) == 2
    assert lines["moco"].difference == pytest.approx(lines["moco"].score.value - 0.606)
    assert (lines["moco"].epochs, lines["moco"].crops) == (1.0, f"2 x {SIDE}")
    assert (lines["none"].epochs, lines["none"].difference) == (None, None)


def test_a_difference_never_stands_without_what_it_hides(whole: tuple[Path, Table1]) -> None:
    rows = {row["method"]: row for row in told(whole[0])}
    moco = rows["moco"]["comparable"]
    for reason in (
        "48 images of 3 classes instead of ImageNet's 1,281,167 of 1,000",
        "resnet9:2 instead of resnet50",
        "16 px instead of 224",
        "epochs 1 instead of 200",
        "crops 2 x 16 instead of 2 x 224",
        "linear classifiers of 6 epochs, not 100",
    ):
        assert reason in moco
    assert "other images" not in moco
    assert (rows["imagenet"]["published"], rows["imagenet"]["survey"]) == ("", "0.765")
    text = "\n".join(whole[1].lines())
    assert "MoCo, not comparable: epochs 1 instead of 200" in text
    assert "Best of 1 frozen: " in text
    assert "points over the untrained network" in text


class Killed(BaseException):
    """As of a process that ends here."""


def test_killed_and_continued_equals_uninterrupted(
    data: Path, whole: tuple[Path, Table1], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, counted = table1.linear_row, []

    def dying(*args: Any, **options: Any) -> Any:
        if len(counted) == 2:
            raise Killed
        counted.append(1)
        return real(*args, **options)

    monkeypatch.setattr(table1, "linear_row", dying)
    with pytest.raises(Killed):
        asked(data, tmp_path / "a")
    assert len(list((tmp_path / "a" / "rows").glob("*.json"))) == 2
    assert not (tmp_path / "a" / "table1.csv").exists()
    counted.clear()

    def again(*args: Any, **options: Any) -> Any:
        counted.append(1)
        return real(*args, **options)

    monkeypatch.setattr(table1, "linear_row", again)
    asked(data, tmp_path / "a")
    assert len(counted) == 2
    assert told(tmp_path / "a") == told(whole[0])
    assert choices(tmp_path / "a") == choices(whole[0])


def test_what_is_there_is_not_measured_again(
    data: Path, whole: tuple[Path, Table1], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table1, "linear_row", None)
    assert asked(data, whole[0]) == whole[1]
    file = min((whole[0] / "rows").glob("*moco*.json"))
    before = file.read_text()
    file.write_text(before[:40])
    with pytest.raises(TypeError):  # a damaged row is measured again
        asked(data, whole[0])
    file.write_text(before)


def test_the_classifier_is_chosen_without_val(
    data: Path, whole: tuple[Path, Table1], tmp_path: Path
) -> None:
    """With other labels of val the same classifiers win by the same hold-out; scores change."""
    other = tmp_path / "data"
    other.mkdir()
    (other / "train").symlink_to(data / "train")
    pictures(other / "val", 24, 1, shift=1)
    run = str(next((whole[0] / "runs").glob("moco-resnet9-2-seed0-*")))
    found = asked(other, tmp_path / "a", methods=("none", run))
    here, there = choices(tmp_path / "a"), choices(whole[0])
    assert here["none", 1] == there["none", 1]
    assert here[run, 0] == there["moco", 0]
    scores = {line.title: line.by_seed[0] for line in whole[1].rows if line.by_seed}
    assert scores["untrained"] > 0.8
    assert found.rows[-1].by_seed[0] < 0.2


def test_a_finished_run_is_taken_by_its_path_and_measured_once(
    data: Path, whole: tuple[Path, Table1], tmp_path: Path
) -> None:
    run = next((whole[0] / "runs").glob("moco-resnet9-2-seed1-*"))
    found = asked(data, tmp_path / "a", methods=(str(run), str(finished())))
    one, other = [line for line in found.rows if line.score is not None]
    assert one.title == f"MoCo, {run.name}"
    assert len(one.by_seed) == 1
    assert not any("other images" in reason for reason in one.apart)
    assert (other.published, other.backbone) == (None, "resnet9:4")
    assert other.crops == f"4 x {SIDE}"
    assert not (tmp_path / "a" / "runs").exists()


def test_what_diverged_is_said_and_the_others_are_measured(
    data: Path, whole: tuple[Path, Table1], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(desk: Any, method: str, seed: int) -> Any:
        if method == "moco":
            raise Diverged("none of 16 linear heads stayed finite")
        return real(desk, method, seed)

    real = table1._Desk._row
    monkeypatch.setattr(table1._Desk, "_row", gone)
    lines = {line.method: line for line in asked(data, whole[0]).rows}
    assert (lines["moco"].status, lines["moco"].score) == ("diverged", None)
    assert lines["none"].score is not None


def test_weights_from_labels_are_the_supervised_row_where_they_are_on_disk(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table1, "landed", list)
    line = asked(data, tmp_path / "a", methods=()).rows[0]
    assert (line.title, line.status) == ("Supervised", "no weights of resnet9:2 on disk")
    with pytest.raises(UsageError, match="torchvision:resnet9:2"):
        asked(data, tmp_path / "a", methods=("imagenet",))
    real = Arms.network
    monkeypatch.setattr(
        Arms, "network", lambda arms, arm, seed: real(arms, Arm("none", arm.backbone), seed)
    )
    line = asked(data, tmp_path / "a", methods=("imagenet",)).rows[0]
    assert (line.title, line.status, len(line.by_seed)) == ("Supervised", "measured", 1)
    assert (line.difference, line.epochs) == (None, None)


def test_refuses(data: Path, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match="no folder val"):
        asked(tmp_path, tmp_path / "a", methods=("none",))
    with pytest.raises(UsageError, match="moko"):
        asked(data, tmp_path / "a", methods=("moko",))
    with pytest.raises(UsageError, match="0 seeds"):
        asked(data, tmp_path / "a", seeds=0)
