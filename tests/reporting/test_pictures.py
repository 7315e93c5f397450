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
    address, width = as_data(path)
    kind, _, raw = address.partition(",")
    assert width == 16
    assert kind == "data:image/png;base64"
    assert base64.b64decode(raw) == path.read_bytes()


def test_a_large_one_becomes_small(tmp_path: Path) -> None:
    address, width = as_data(noise(tmp_path / "a.png", 1600))
    assert width == 1600
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
    found = embedded([*paths, tmp_path / "missing.png"], remarks, 2_000_000)
    assert sum(len(one.address) for one in found) <= 2_000_000
    assert len(found) + len(remarks) == 9
    assert "missing.png" in remarks[-1]
    assert embedded(paths, [], 0) == []


def test_names_and_kinds_come_from_the_list_or_from_the_files(tmp_path: Path) -> None:
    names = ("views-small.png", "first-batch.png", "shown-samples.png", "shown-odd_ones.png")
    paths = [noise(tmp_path / name, 8) for name in names]
    lines = [
        '{"file": "shown-samples.png", "kind": "shown", "caption": "From /a/b/c."}',
        "no JSON",
    ]
    (tmp_path / "pictures.json").write_text("\n".join(lines), encoding="utf-8")
    found = embedded(paths, [], 1_000_000)
    assert [(one.kind, one.name) for one in found] == [
        ("views", "small"), ("views", "first batch"), ("shown", "samples"), ("shown", "odd ones")
    ]  # fmt: skip
    assert found[2].caption == "From c."


def test_the_list_of_a_run_is_read(tmp_path: Path) -> None:
    """What pretraining writes is what the page reads."""
    import torch

    from presight.pretraining.pictures import save_shown, save_views
    from presight.store.folder import RunFolder

    folder = RunFolder(tmp_path)
    save_views(folder, {"views": torch.rand(8, 3, 8, 8)}, 4)
    save_shown(folder, {"reconstructions": torch.rand(8, 3, 8, 8)}, 2.0)
    paths = sorted((tmp_path / "pictures").glob("*.png"))
    shown, views = embedded(paths, [], 1_000_000)
    assert (shown.kind, views.kind) == ("shown", "views")
    assert "makes of them" in shown.caption
