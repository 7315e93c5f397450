from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from presight.evaluation.embedding import files
from reporting.doubles import make_embedding


def test_everything_is_read(tmp_path: Path) -> None:
    found = files.read(make_embedding(tmp_path / "e"))
    assert found.map.shape == (60, 2)
    assert found.labels[:3] == ["class 0", "class 1", "class 2"]
    assert found.identities[7] == "class/7.png"
    assert len(found.gallery("fixed")) == 10
    assert found.sheet is not None
    assert found.sheet.place[9] == (1, 1)
    query, first = found.gallery("fixed")[0][:2]
    assert found.alike(query, first) == pytest.approx(found.similarity[query, 0])
    assert found.alike(query, query) is None


def test_labels_are_optional(tmp_path: Path) -> None:
    found = files.read(make_embedding(tmp_path / "e", labels=False))
    assert (found.labels, found.predicted) == ([], [])


def test_rows_of_images_that_do_not_exist_are_left_out(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    told = json.loads((folder / "embed.json").read_text())
    told["gallery"] = {"fixed": [[0, 1], [0, 999], "x", [True, 0.5]], "worst": 3}
    (folder / "embed.json").write_text(json.dumps(told))
    found = files.read(folder)
    assert found.gallery("fixed") == [[0, 1]]
    assert found.gallery("worst") == []


def test_a_sheet_can_be_made_smaller(tmp_path: Path) -> None:
    sheet = files.read(make_embedding(tmp_path / "e")).sheet
    assert sheet is not None
    small = sheet.only([9, 3, 9, 1000])
    assert list(small.place) == [9, 3]
    with Image.open(io.BytesIO(sheet.raw)) as whole, Image.open(io.BytesIO(small.raw)) as part:
        assert part.size == (32, 16)
        before = np.asarray(whole.crop((16, 16, 32, 32)), float)
        after = np.asarray(part.crop((0, 0, 16, 16)), float)
    assert np.abs(before - after).mean() < 40  # JPEG of noise, twice
    assert np.abs(before - after[:, ::-1]).mean() > 40


def test_a_picture_that_says_it_is_huge_is_left_out(tmp_path: Path) -> None:
    """Opening it must not break the report."""
    folder = make_embedding(tmp_path / "e")
    raw = (folder / "sprite.jpg").read_bytes()
    at = raw.index(b"\xff\xc0") + 5  # height and width of the frame
    (folder / "sprite.jpg").write_bytes(raw[:at] + b"\xff\xf0\xff\xf0" + raw[at + 4 :])
    assert files.read(folder).sheet is None


def test_thumbnails_of_images_that_do_not_exist_are_none(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    told = json.loads((folder / "sprite.json").read_text())
    (folder / "sprite.json").write_text(json.dumps({**told, "rows": [0, 60]}))
    assert files.read(folder).sheet is None


def test_another_layout_is_refused(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    told = json.loads((folder / "embed.json").read_text())
    (folder / "embed.json").write_text(json.dumps({**told, "layout": 2}))
    with pytest.raises(ValueError, match="layout 1; embed again"):
        files.read(folder)


@pytest.mark.parametrize("name", ["sprite.jpg", "sprite.json"])
def test_without_thumbnails_the_rest_is_there(tmp_path: Path, name: str) -> None:
    folder = make_embedding(tmp_path / "e")
    (folder / name).write_bytes(b"x")
    assert files.read(folder).sheet is None


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    with np.load(folder / "embeddings.npz") as held:
        arrays = dict(held)
    for broken in (
        {"map": arrays["map"][:-1]},
        {"neighbors": arrays["neighbors"] + 1000},
        {"map": arrays["map"] * np.nan},
        {"similarity": arrays["similarity"][:, 1:]},
    ):
        np.savez(folder / "embeddings.npz", **{**arrays, **broken})
        with pytest.raises(ValueError, match=r"fit together|do not exist"):
            files.read(folder)


def test_objects_are_never_unpacked(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    np.savez(folder / "embeddings.npz", map=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"pickle|Object"):
        files.read(folder)
