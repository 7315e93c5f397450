from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.doubles import Pictures
from presight.evaluation.embedding.folder import Embedding, embed, write_embedding
from presight.reporting.embedding import read_embedding

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
    facts = read_embedding(tmp_path / "e")
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
    assert len(read_embedding(tmp_path).map) == 20
