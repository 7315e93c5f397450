from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.doubles import Pictures
from presight.evaluation import diagnostics
from presight.evaluation.embedding import files
from presight.evaluation.embedding.folder import Embedding, embed, write_embedding
from presight.store import atomic

HOSTILE = ["<script>alert(1)</script>", 'a\tb\n,".png', "\udcff.png", "x" * 1000, "=1+1", "漢.png"]


def images(n: int) -> Pictures:
    generator = torch.Generator().manual_seed(0)
    return Pictures(torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=generator))


def made(n: int = 40, labels: bool = True) -> Embedding:
    vectors = torch.randn(n, 6, generator=torch.Generator().manual_seed(0))
    names = [*HOSTILE, *(f"{i}.png" for i in range(n - len(HOSTILE)))]
    classes = torch.arange(n) % 2
    if not labels:
        return embed(vectors, names, k=9, kind="pca")
    return embed(vectors, names, labels=classes, classes=("<b>", "dog"), predicted=1 - classes,
                 k=9, kind="pca")  # fmt: skip


@pytest.mark.parametrize("labels", [True, False])
def test_the_report_reads_what_was_written(tmp_path: Path, labels: bool) -> None:
    found = made(labels=labels)
    write_embedding(tmp_path / "e", found, images(40), torch.arange(40), {"data": "photos"})
    facts = files.read(tmp_path / "e")
    assert np.array_equal(facts.neighbors, found.index.numpy())
    assert np.allclose(facts.map, found.map.numpy())
    assert facts.info["purity"] == found.purity
    assert facts.info["effective_rank"] == pytest.approx(found.rank)
    assert facts.info["data"] == "photos"
    assert list(facts.labels) == (["<b>", "dog"] * 20 if labels else [])
    assert list(facts.predicted) == (["dog", "<b>"] * 20 if labels else [])
    assert facts.sheet is not None
    assert len(facts.gallery("fixed")) == 12
    rows = [*facts.gallery("fixed"), *facts.gallery("worst")]
    assert all(image in facts.sheet.place for row in rows for image in row)


def test_names_survive_as_they_are(tmp_path: Path) -> None:
    write_embedding(tmp_path, made(), images(40), torch.arange(40), {})
    with open(tmp_path / "index.csv", newline="", errors="surrogateescape") as file:
        assert [row["identity"] for row in csv.DictReader(file)][: len(HOSTILE)] == HOSTILE
    with np.load(tmp_path / "embeddings.npz", allow_pickle=False) as held:
        assert np.array_equal(held["vectors"], made().vectors.numpy())


def test_writing_again_replaces(tmp_path: Path) -> None:
    write_embedding(tmp_path, made(), images(40), torch.arange(40), {"data": "a"})
    write_embedding(tmp_path, made(20), images(20), torch.arange(20), {"data": "b"})
    told = json.loads((tmp_path / "embed.json").read_text())
    assert (told["count"], told["data"]) == (20, "b")
    assert len(files.read(tmp_path).map) == 20


def test_stray_bytes_in_the_names_of_classes_stop_nothing(tmp_path: Path) -> None:
    """A folder of a class may be named in no encoding at all."""
    found = dataclasses.replace(made(), classes=("caf\udce9", "two\nlines"))
    write_embedding(tmp_path, found, images(40), torch.arange(40), {})
    told = json.loads((tmp_path / "embed.json").read_text(encoding="utf-8"))
    assert told["classes"] == ["caf\\udce9", "two\nlines"]
    with open(tmp_path / "index.csv", newline="", errors="surrogateescape") as file:
        assert next(csv.DictReader(file))["label"] == "caf\udce9"


def test_a_write_that_breaks_leaves_no_folder_of_two_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old numbers beside new vectors would be read as if they belonged together."""
    write_embedding(tmp_path, made(), images(40), torch.arange(40), {"data": "a"})
    whole = atomic.write_bytes

    def broken(path: Path, data: bytes) -> None:
        if path.name == "index.csv":
            raise OSError("the disk is gone")
        whole(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_bytes", broken)
        with pytest.raises(OSError, match="the disk is gone"):
            write_embedding(tmp_path, made(20), images(20), torch.arange(20), {"data": "b"})
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path)
    write_embedding(tmp_path, made(20), images(20), torch.arange(20), {"data": "b"})
    assert len(files.read(tmp_path).map) == 20


def test_numbers_without_labels_stand_beside(tmp_path: Path) -> None:
    """The rank does not depend on the images' order, as that of the first ones would."""
    found = made()
    write_embedding(tmp_path, found, images(40), torch.arange(40), {})
    told = json.loads((tmp_path / "embed.json").read_text())
    assert told["diagnostics"] == pytest.approx(diagnostics.describe(found.vectors))
    assert told["effective_rank"] == told["diagnostics"]["effective_rank"] == found.rank
