from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from presight.reporting.embedding import read_embedding
from reporting.doubles import make_embedding


def test_everything_is_read(tmp_path: Path) -> None:
    found = read_embedding(make_embedding(tmp_path / "e"))
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
    found = read_embedding(make_embedding(tmp_path / "e", labels=False))
    assert (found.labels, found.predicted) == ([], [])


def test_rows_of_images_that_do_not_exist_are_left_out(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    told = json.loads((folder / "embed.json").read_text())
    told["gallery"] = {"fixed": [[0, 1], [0, 999], "x", [True, 0.5]], "worst": 3}
    (folder / "embed.json").write_text(json.dumps(told))
    found = read_embedding(folder)
    assert found.gallery("fixed") == [[0, 1]]
    assert found.gallery("worst") == []


def test_a_sheet_can_be_made_smaller(tmp_path: Path) -> None:
    sheet = read_embedding(make_embedding(tmp_path / "e")).sheet
    assert sheet is not None
    small = sheet.only([9, 3, 9, 1000])
    assert list(small.place) == [9, 3]
    with Image.open(io.BytesIO(sheet.raw)) as whole, Image.open(io.BytesIO(small.raw)) as part:
        assert part.size == (32, 16)
        before = np.asarray(whole.crop((16, 16, 32, 32)), float)
        after = np.asarray(part.crop((0, 0, 16, 16)), float)
    assert np.abs(before - after).mean() < 40  # JPEG of noise, twice
    assert np.abs(before - after[:, ::-1]).mean() > 40


@pytest.mark.parametrize("name", ["sprite.jpg", "sprite.json"])
def test_without_thumbnails_the_rest_is_there(tmp_path: Path, name: str) -> None:
    folder = make_embedding(tmp_path / "e")
    (folder / name).write_bytes(b"x")
    assert read_embedding(folder).sheet is None


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
            read_embedding(folder)


def test_objects_are_never_unpacked(tmp_path: Path) -> None:
    folder = make_embedding(tmp_path / "e")
    np.savez(folder / "embeddings.npz", map=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"pickle|Object"):
        read_embedding(folder)
