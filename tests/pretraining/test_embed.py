"""The verb embed on a finished run."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import presight
from data.making import encoded, pixels, write
from presight.data.open import open_labelled
from presight.errors import DataError, UsageError
from presight.evaluation.embedding import files
from presight.pretraining.embed import COLUMNS, SIDE, Embedded
from presight.reporting.reading import read_run
from tinyruns import copied


def photos(folder: Path, count: int = 14, nested: bool = True) -> Path:
    for number in range(count):
        place = folder / f"class{number % 2}" if nested else folder
        write(place / f"{number}.png", encoded(pixels(18, 24, number)))
    return folder


def embedded(run: Path, data: Path | str, **options: object) -> Embedded:
    return presight.embed(run, data, device="cpu", quiet=True, **options)


def test_a_folder_of_classes_is_embedded_with_its_labels(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    found = embedded(run, photos(tmp_path / "photos"), neighbors=3)
    assert found.vectors.shape == (14, presight.load_backbone(run).dim)
    assert found.map.shape == (14, 2)
    assert found.summary["purity"] is not None
    assert [name for name, _ in found.neighbors(0)] == [
        found.identities[row] for row in found.made.index[0].tolist()
    ]
    facts = files.read(found.folder)
    assert set(facts.labels) == {"class0", "class1"}
    assert found.folder.parent == run / "embed"
    assert "embed" not in {one.path for one in presight.doctor(run)}
    assert read_run(run).embedding is not None
    assert any("have the query's class" in line for line in found.lines())
    assert "14 images" in found._repr_html_()


def test_labels_are_never_needed_and_the_folder_is_of_choice(tmp_path: Path) -> None:
    run = copied(tmp_path / "run")
    data = photos(tmp_path / "photos", nested=False)
    found = embedded(run, data, out=str(tmp_path / "here"), map="pca")
    assert found.summary["purity"] is None
    assert files.read(tmp_path / "here").labels == []
    assert not (run / "embed").exists()


def test_features_do_not_depend_on_being_computed_before(tmp_path: Path) -> None:
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos")
    first, again = (embedded(run, data, map="none") for _ in range(2))
    assert np.array_equal(first.vectors, again.vectors)


def test_images_to_label_first_are_listed_to_be_filled_in(tmp_path: Path) -> None:
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos")
    found = embedded(run, data, select=5, map="none")
    with open(found.folder / "select.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == 5
    assert all((data / row["path"]).is_file() and row["label"] == "" for row in rows)
    assert found.files[-1] == found.folder / "select.png"
    with pytest.raises(UsageError, match="15 of 14 images"):
        embedded(run, data, select=15)


def test_images_to_label_first_are_shown_in_the_order_of_the_list(tmp_path: Path) -> None:
    """Every picture has a gray of its own: its thumbnail's middle says which it is."""
    data = tmp_path / "photos"
    grays = {f"{i:02}.png": 20 * i for i in range(12)}
    for name, gray in grays.items():
        write(data / name, encoded(np.full((20, 20, 3), gray, np.uint8)))
    found = embedded(copied(tmp_path / "run"), data, select=11, map="none")
    with open(found.folder / "select.csv", newline="") as file:
        listed = [row["path"] for row in csv.DictReader(file)]
    sheet = np.asarray(Image.open(found.folder / "select.png"))
    assert sheet.shape == (2 * SIDE, COLUMNS * SIDE, 3)
    for at, name in enumerate(listed):
        line, column = divmod(at, COLUMNS)
        middle = sheet[line * SIDE + SIDE // 2, column * SIDE + SIDE // 2, 0]
        assert middle == pytest.approx(grays[name], abs=2)


def test_files_for_other_tools_stand_beside(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos")
    found = embedded(run, data, format="all", map="none")
    names = {path.name for path in found.folder.iterdir()}
    assert names >= {"projector", "embeddings.parquet", "embeddings.npz"}
    assert str(found.folder / "embeddings.parquet") in found.lines()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neighbors": 0}, "neighbors"),
        ({"select": -1}, "select"),
        ({"map": "umap"}, "umap"),
        ({"format": "csv"}, "csv"),
    ],
)
def test_options_out_of_range_are_refused_first(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        embedded(tmp_path / "no-run", "no-data", **options)


def test_one_image_has_no_neighbors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two or more"):
        embedded(copied(tmp_path / "run"), photos(tmp_path / "photos", count=1, nested=False))


def test_the_filled_list_is_taken_as_labels_where_the_images_are(tmp_path: Path) -> None:
    """What the last line says can be done; before it is filled, the empty labels are refused."""
    run, data = copied(tmp_path / "run"), photos(tmp_path / "photos", nested=False)
    found = embedded(run, data, select=6, map="none")
    assert "put it into the folder of the images" in found.lines()[-1]
    listed = (found.folder / "select.csv").read_text().splitlines()
    (data / "select.csv").write_text("\n".join(listed))
    with pytest.raises(DataError, match="label is empty in all"):
        open_labelled(data / "select.csv")
    filled = [f"{line}{('cat', 'dog')[i % 2]}" for i, line in enumerate(listed[1:])]
    (data / "select.csv").write_text("\n".join([listed[0], *filled]))
    labels = open_labelled(data / "select.csv")
    assert (len(labels), labels.classes) == (6, ("cat", "dog"))


def test_names_in_no_encoding_and_with_markup_go_into_every_format(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    data = tmp_path / "photos"
    for name in (b"caf\xe9/a.png", b"<b>&/two\nlines.png", b"<b>&/" + b"x" * 200 + b".png"):
        write(data / os.fsdecode(name), encoded(pixels(18, 24, len(name))))
    found = embedded(copied(tmp_path / "run"), data, format="all", select=2)
    assert set(files.read(found.folder).labels) == {"<b>&", "caf\ufffd"}
    lines = (found.folder / "projector" / "metadata.tsv").read_text("utf-8").splitlines()
    assert len(lines) == 4
    listed = (found.folder / "select.csv").read_bytes()
    assert len(list(csv.reader(io.StringIO(os.fsdecode(listed), newline="")))) == 3
