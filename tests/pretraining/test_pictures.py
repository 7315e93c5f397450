"""Mosaics of views: a column an image, a row a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from presight.pretraining.pictures import COLUMNS, listed, save_shown, save_views
from presight.store.folder import RunFolder


def saved(folder: Path, view: Tensor, images: int) -> np.ndarray:
    save_views(RunFolder(folder), {"view": view}, images)
    return np.asarray(Image.open(folder / "pictures" / "views-view.png"))


def gray(levels: Tensor) -> Tensor:
    """A flat picture of 4 x 5 pixels for each level in 0..255."""
    return (levels / 255)[:, None, None, None].expand(len(levels), 3, 4, 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_each_crop_stands_under_its_image(dtype: torch.dtype, tmp_path: Path) -> None:
    levels = torch.tensor([0, 255, 0, 255, 255, 0])  # two crops of three images, crop by crop
    picture = saved(tmp_path, gray(levels).to(dtype), images=3)
    assert picture.shape == (2 * 6, 3 * 7, 3)
    for crop in range(2):
        for image in range(3):
            tile = picture[6 * crop : 6 * crop + 6, 7 * image : 7 * image + 7].copy()
            assert (tile[1:-1, 1:-1] == int(levels[3 * crop + image])).all()
            tile[1:-1, 1:-1] = 255
            assert (tile == 255).all()  # the frame


def test_colors_are_rounded_and_kept_in_range(tmp_path: Path) -> None:
    colors = torch.tensor([[-0.5, 0.5, 1.5], [0.1, 0.2, 0.7]])
    picture = saved(tmp_path, colors[:, :, None, None].expand(2, 3, 4, 4), images=2)
    assert picture[1, 1].tolist() == [0, 128, 255]
    assert picture[1, 7].tolist() == [26, 51, 178]


def test_a_mosaic_has_a_dozen_columns_at_most(tmp_path: Path) -> None:
    count = COLUMNS + 3
    picture = saved(tmp_path, gray(torch.arange(2 * count)), images=count)
    assert picture.shape == (2 * 6, COLUMNS * 7, 3)
    assert picture[7, 1, 0] == count  # the second row begins with the second crop's first image


def test_only_pictures_are_drawn(tmp_path: Path) -> None:
    views = {
        "pair": torch.rand(4, 3, 5, 5),
        "label": torch.zeros(2, dtype=torch.int64),
        "mask": torch.zeros(2, 1, 5, 5),
        "bytes": torch.zeros(2, 3, 5, 5, dtype=torch.uint8),
        "rows": torch.rand(2, 3),
    }
    save_views(RunFolder(tmp_path), views, images=2)
    assert [path.name for path in (tmp_path / "pictures").glob("*.png")] == ["views-pair.png"]
    (entry,) = listed(RunFolder(tmp_path))
    assert entry.pop("caption").startswith("Views of the kind pair")
    assert entry == {
        "file": "views-pair.png",
        "kind": "views",
        "name": "pair",
        "rows": 2,
        "columns": 2,
    }


def show(folder: Path, name: str, pictures: Tensor, epochs: float = 3.0) -> np.ndarray:
    save_shown(RunFolder(folder), {name: pictures}, epochs)
    return np.asarray(Image.open(folder / "pictures" / f"shown-{name}.png"))


def test_reconstructions_stand_under_their_images(tmp_path: Path) -> None:
    levels = torch.tensor([10, 20, 30, 11, 21, 31])
    picture = show(tmp_path, "reconstructions", gray(levels))
    tiles = [[int(picture[6 * r + 2, 7 * c + 2, 0]) for c in range(3)] for r in range(2)]
    assert tiles == [[10, 20, 30], [11, 21, 31]]


@pytest.mark.parametrize(
    ("count", "rows", "columns"),
    [(16, 2, 8), (12, 1, 12), (24, 2, 12), (5, 1, 5), (13, 2, 12), (64, 8, 8), (500, 8, 12)],
)
def test_what_is_shown_fills_equal_rows(
    count: int, rows: int, columns: int, tmp_path: Path
) -> None:
    levels = torch.arange(count) % 250
    picture = show(tmp_path, "samples", gray(levels))
    assert picture.shape == (rows * 6, columns * 7, 3)
    (entry,) = listed(RunFolder(tmp_path))
    assert (entry["rows"], entry["columns"]) == (rows, columns)
    seen = [int(picture[6 * (i // columns) + 2, 7 * (i % columns) + 2, 0]) for i in range(count)
            if i < rows * columns]  # fmt: skip
    assert seen == levels[: rows * columns].tolist()
    assert (picture[-2, 7 * columns - 2] == (255 if count == 13 else seen[-1])).all()


def test_one_channel_is_gray_and_what_is_no_number_is_black(tmp_path: Path) -> None:
    picture = show(tmp_path, "maps", torch.tensor([float("nan"), 0.5]).view(2, 1, 1, 1))
    assert picture[1, 1].tolist() == [0, 0, 0]
    assert picture[1, 4].tolist() == [128, 128, 128]
    assert listed(RunFolder(tmp_path))[0]["caption"] == "Maps, after 3 epochs."


def test_what_is_saved_again_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save_views(folder, {"x": torch.rand(2, 3, 4, 4)}, 2)
    for epochs in (1.0, 2.5):
        save_shown(folder, {"samples": torch.rand(8, 3, 4, 4), "none": torch.rand(0, 3, 4, 4)},
                   epochs)  # fmt: skip
    assert [entry["file"] for entry in listed(folder)] == ["views-x.png", "shown-samples.png"]
    assert listed(folder)[1]["caption"] == "Images drawn from the model, after 2.5 epochs."
    (tmp_path / "pictures" / "pictures.json").write_text("damaged{\n")
    assert listed(folder) == []
    save_shown(folder, {"samples": torch.rand(8, 3, 4, 4)}, 3.0)
    assert len(listed(folder)) == 1


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    save_shown(RunFolder(tmp_path / "run"), {"../../<b>": torch.rand(2, 3, 4, 4)}, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (entry,) = listed(RunFolder(tmp_path / "run"))
    assert (tmp_path / "run" / "pictures" / entry["file"]).is_file()
    assert "/" not in entry["file"]
