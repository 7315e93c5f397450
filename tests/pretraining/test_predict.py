"""Images answered by a kept model: a table, planes, pictures; what cannot be read is counted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import presight
from data.making import encoded, pixels, write
from evaluation.test_kept import kept
from presight.data.canvas import Streamed
from presight.data.open import open_source
from presight.errors import DataError, RunError, UsageError
from presight.evaluation.tasks.tabled import PLANES, columns
from presight.pretraining.predict import Predicted


def answered(model: Path, data: Path | str, out: Path, **options: Any) -> Predicted:
    return presight.predict(model, data, out=out, device="cpu", quiet=True, **options)


def photos(root: Path, count: int = 5) -> Path:
    for number in range(count):
        write(root / "sub" / f"{number}.png", encoded(pixels(20, 30, number)))
    return root


def table(folder: Path) -> list[list[str]]:
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("task", ["multilabel", "detection", "segmentation", "keypoints", "pose"])
def test_a_table_and_what_belongs_to_the_task(task: str, tmp_path: Path) -> None:
    made, *_ = kept(tmp_path / "eval", task)
    found = answered(tmp_path / "eval", photos(tmp_path / "photos"), tmp_path / "out", pictures=2)
    head, *rows = table(tmp_path / "out")
    assert head == columns(task, made.names)
    names = [f"sub/{number}.png" for number in range(5)]
    assert list(dict.fromkeys(row[0] for row in rows)) == names
    assert (found.count, found.lost, found.task) == (5, [], task)
    drawn = 0 if task == "multilabel" else 2
    assert found.pictures == drawn
    files = sorted((tmp_path / "out" / "pictures").rglob("*.png"))
    assert [str(one.relative_to(tmp_path / "out" / "pictures")) for one in files] == names[:drawn]
    if task == "segmentation":
        masks = sorted((tmp_path / "out" / "masks").rglob("*.png"))
        assert len(masks) == 5
        answers = presight.load_model(tmp_path / "eval").predict(
            [open_source(tmp_path / "photos").decode(i) for i in range(5)]
        )
        for mask, answer in zip(masks, answers, strict=True):
            assert np.array_equal(np.asarray(Image.open(mask)), answer)
        assert (tmp_path / "out/masks/palette.csv").is_file()
    else:
        assert not [name for name in PLANES.values() if (tmp_path / "out" / name).exists()]


def test_answers_do_not_depend_on_batches_or_pictures(tmp_path: Path) -> None:
    kept(tmp_path / "eval", "keypoints")
    data = photos(tmp_path / "photos")
    answered(tmp_path / "eval", data, tmp_path / "a", batch_size=2, pictures=0)
    answered(tmp_path / "eval", data, tmp_path / "b", pictures=5)
    assert table(tmp_path / "a") == table(tmp_path / "b")
    assert not (tmp_path / "a" / "pictures").exists()


def test_damaged_images_are_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are seen before, and one that vanishes meanwhile."""
    kept(tmp_path / "eval")
    data = photos(tmp_path / "photos")
    whole = encoded(pixels(40, 40, 7))
    write(data / "sub" / "3.png", whole[:60] + bytes(len(whole) - 60))
    read = Streamed.decode
    monkeypatch.setattr(
        Streamed,
        "decode",
        lambda self, rows: [None if r == 1 else read(self, [r])[0] for r in rows],
    )
    found = answered(tmp_path / "eval", data, tmp_path / "out")
    assert list(found.lost) == ["sub/3.png", "sub/1.png"]
    assert "note: 2 damaged images are left out: sub/3.png, sub/1.png" in found.lines()
    assert [row[0] for row in table(tmp_path / "out")[1:]] == [f"sub/{n}.png" for n in (0, 2, 4)]
    assert sum(found.tally.values()) == found.count == found.summary["count"] == 3
    monkeypatch.setattr(Streamed, "decode", lambda self, rows: [None] * len(rows))
    with pytest.raises(DataError, match="nothing was answered"):
        answered(tmp_path / "eval", data, tmp_path / "none")


def test_the_same_command_again_writes_its_own_anew_and_nothing_else(tmp_path: Path) -> None:
    kept(tmp_path / "eval", "depth")
    data, out = photos(tmp_path / "photos", 3), tmp_path / "out"
    answered(tmp_path / "eval", data, out)
    (data / "sub" / "0.png").unlink()
    (out / "predictions.csv").unlink()  # as if the command had been stopped
    found = answered(tmp_path / "eval", data, out)
    assert found.count == 2
    assert sorted(path.name for path in (out / "depths").rglob("*.png")) == ["1.png", "2.png"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(RunError, match=r"holds other files, letter.txt first"):
        answered(tmp_path / "eval", data, tmp_path / "mine")
    with pytest.raises(RunError, match="is a file"):
        answered(tmp_path / "eval", data, tmp_path / "mine" / "letter.txt")


def test_images_of_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    kept(tmp_path / "eval", "segmentation")
    write(tmp_path / "photos" / "a.png", encoded(pixels(20, 30, 1)))
    write(tmp_path / "photos" / "a.jpg", encoded(pixels(20, 30, 2), kind="JPEG"))
    answered(tmp_path / "eval", tmp_path / "photos", tmp_path / "out")
    files = {row[0]: row[1] for row in table(tmp_path / "out")[1:]}
    assert files == {"a.jpg": "masks/a.png", "a.png": "masks/a-2.png"}
    assert all((tmp_path / "out" / name).is_file() for name in files.values())


def test_options_out_of_range_and_scenes(tmp_path: Path) -> None:
    kept(tmp_path / "eval")
    for options, flag in (
        ({"pictures": -1}, "--pictures -1"),
        ({"batch_size": 0}, "--batch-size 0"),
    ):
        with pytest.raises(UsageError, match=flag):
            answered(tmp_path / "eval", "scenes:4?size=16", tmp_path / "out", **options)
    torch.manual_seed(0)
    found = answered(tmp_path / "eval", "scenes:4?size=16", tmp_path / "out")
    assert [row[0] for row in table(tmp_path / "out")[1:]] == [f"scene-0-{n}" for n in range(4)]
    assert found.lines()[-1] == str(tmp_path / "out" / "predictions.csv")
