from __future__ import annotations

from pathlib import Path

import numpy as np

from presight.evaluation.embedding import files
from presight.reporting.sections import gallery
from reporting.doubles import make_embedding


def test_neighbors_of_another_class_are_marked(tmp_path: Path) -> None:
    facts = files.read(make_embedding(tmp_path / "e"))
    assert facts.sheet is not None
    found = gallery.gallery(facts, facts.sheet, "sheet")
    assert found is not None
    assert len(found.rows) == 10
    assert len(found.worst) == 2
    for row, numbers in zip(found.rows, facts.gallery("fixed"), strict=True):
        query, *near = numbers
        for thumb, image in zip(row.found, near, strict=True):
            assert thumb.miss == (facts.labels[image] != facts.labels[query])
            assert thumb.below == facts.labels[image] if thumb.miss else thumb.below.startswith(".")
        assert row.count == f"{sum(not thumb.miss for thumb in row.found)} of 8"
    first = facts.gallery("fixed")[0][1]
    x, y = facts.sheet.place[first]
    assert found.rows[0].found[0].box == f"{16 * x} {16 * y} 16 16"


def test_without_labels_nothing_is_counted(tmp_path: Path) -> None:
    facts = files.read(make_embedding(tmp_path / "e", labels=False))
    assert facts.sheet is not None
    found = gallery.gallery(facts, facts.sheet, "sheet")
    assert found is not None
    assert {row.count for row in found.rows} == {""}
    assert found.rows[0].query.below == "0.png"
    assert "no labels to count" in gallery.finding(facts)


def test_the_finding_counts_neighbors_beside_chance(tmp_path: Path) -> None:
    facts = files.read(make_embedding(tmp_path / "e"))
    labels = np.asarray(facts.labels)
    share = float((labels[facts.neighbors] == labels[:, None]).mean())
    told = gallery.finding(facts)
    assert f"8 nearest neighbors {100 * share:.1f}" in told
    assert "by chance 33.3" in told


def test_the_map_has_a_dot_and_a_picture_for_each_image(tmp_path: Path) -> None:
    facts = files.read(make_embedding(tmp_path / "e"))
    found = gallery.map_of(facts, facts.sheet, "m", "sheet")
    assert found.drawing.count("h0") == 60
    assert found.points["names"] == ["class 0", "class 1", "class 2"]
    _, _, group, column, row, name, wrong = found.points["at"][9]
    assert (group, column, row, name) == (0, 1, 1, "9.png")
    assert wrong in ("", "class 1", "class 2")
    assert "t-SNE, perplexity 30, seed 0" in found.protocol
    assert [line[0] for line in found.table.rows] == ["class 0", "class 1", "class 2"]


def test_many_images_are_thinned_but_keep_those_with_pictures(tmp_path: Path) -> None:
    facts = files.read(make_embedding(tmp_path / "e", n=60))
    assert facts.sheet is not None
    wanted = facts.sheet.only([3, 51])
    shown = gallery._shown(facts, wanted)
    assert shown == list(range(60))
    import unittest.mock

    with unittest.mock.patch.object(gallery, "_DRAWN", 20):
        shown = gallery._shown(facts, wanted)
    assert {3, 51} <= set(shown)
    assert 18 <= len(shown) <= 20
