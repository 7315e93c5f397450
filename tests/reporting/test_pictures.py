from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from presight.reporting.pictures import as_data, embedded


def noise(path: Path, side: int) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_small_picture_is_as_it_is(tmp_path: Path) -> None:
    path = noise(tmp_path / "a.png", 16)
    kind, _, raw = as_data(path).partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(raw) == path.read_bytes()


def test_a_large_one_becomes_small(tmp_path: Path) -> None:
    address = as_data(noise(tmp_path / "a.png", 1600))
    assert address.startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
        assert picture.size == (1472, 1472)


@pytest.mark.parametrize("raw", [b"", b"<svg onload=alert(1)>", b"GIF89a"])
def test_other_files_are_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="no readable PNG"):
        as_data(path)


def test_another_format_under_this_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, "GIF")
    with pytest.raises(ValueError, match="no readable PNG"):
        as_data(path)


def test_a_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("1", (8000, 8000)).save(path)
    with pytest.raises(ValueError, match="8000 x 8000 pixels"):
        as_data(path)


def test_what_does_not_fit_is_a_remark(tmp_path: Path) -> None:
    remarks: list[str] = []
    paths = [noise(tmp_path / f"{name}.png", 1000) for name in "abcdefgh"]
    found = embedded([*paths, tmp_path / "missing.png"], remarks)
    assert sum(len(address) for _, address in found) <= 2_000_000
    assert len(found) + len(remarks) == 9
    assert "missing.png" in remarks[-1]


def test_pictures_of_views_go_by_the_views_name(tmp_path: Path) -> None:
    paths = [noise(tmp_path / name, 8) for name in ("views-small.png", "first-batch.png")]
    assert [name for name, _ in embedded(paths, [])] == ["small", "first batch"]
