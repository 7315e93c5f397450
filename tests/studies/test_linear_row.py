"""A frozen backbone by the table's recipe: what is read, what is learned, what is told."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.evaluation.doubles import Pictures, Small, colored

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.evaluation.features import tensor_digests
from presight.evaluation.labelled import divide
from presight.studies.cells import Arm, Cell, Row
from presight.studies.linear_row import crops, linear_row
from presight.studies.rows import unpacked
from presight.views.catalogue import recipe

CELL = Cell(Arm("none", "own:small"), "frozen", 60, 3)


def measured(**changes: object) -> tuple[Row, Pictures]:
    torch.manual_seed(0)
    train, test = colored(60, 0), colored(30, 1)
    test = dataclasses.replace(test, **changes)
    network = Small()
    before = tensor_digests(network)
    row = linear_row(CELL, network, divide(train, test, 0.0, 0), {"epochs": 7.0}, size=8, epochs=40,
                     device=torch.device("cpu"))  # fmt: skip
    assert tensor_digests(network) == before
    assert isinstance(test.images, Pictures)
    return row, test.images


def test_a_row_says_what_was_chosen_and_answers_by_image() -> None:
    row, images = measured()
    assert row.values["accuracy"] > 0.6
    assert unpacked(row.influences["accuracy"], 30).mean() == pytest.approx(row.values["accuracy"])
    assert (row.n_test, row.details["held_out"], row.details["epochs"]) == (30, 6, 7.0)
    assert len(row.details["trials"]) == 16
    assert (row.details["protocol"], row.cell) == ("linear SGD", CELL)
    assert sorted(images.reads) == list(range(30))  # the test part is read once


def test_classes_of_the_test_part_go_by_name() -> None:
    row, _ = measured(labels=(torch.arange(30) + 1) % 3, classes=("c", "a", "b"))
    assert row.values["accuracy"] == measured()[0].values["accuracy"]


def test_crops_are_counted_by_side() -> None:
    assert crops(recipe("simclr", size=32), 32) == "2 x 32"
    assert crops(recipe("swav", size=224), 224) == "2 x 224 + 6 x 96"
    assert crops(recipe("center", size=16), 16) == "1 x 16"


def test_patches_count_and_what_is_no_picture_does_not() -> None:
    class Made:
        def __call__(self, batch: Batch, draw: Draw) -> Views:
            n = len(batch)
            return {"view": torch.zeros(n, 3, 16, 16), "patches": torch.zeros(n, 9, 3, 4, 4),
                    "turns": torch.zeros(n), "mask": torch.zeros(n, 1, 16, 16).bool()}  # fmt: skip

    assert crops(Made(), 16) == "1 x 16 + 9 x 4"  # type: ignore[arg-type]
