from __future__ import annotations

import torch

from evaluation.doubles import Pictures, colored
from presight.evaluation.labelled import LabelledImages, divide


def test_labels_of_a_source() -> None:
    class Target:
        label = 1

    class Source:
        classes = ("a", "b")
        fingerprint = "f"

        def __len__(self) -> int:
            return 2

        def target(self, i: int) -> Target:
            return Target()

    images = Pictures(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    held = LabelledImages.of(Source(), images)  # type: ignore[arg-type]
    assert held.labels.tolist() == [1, 1]
    assert held.classes == ("a", "b")


def test_held_out_part_is_stratified_and_disjoint() -> None:
    train = colored(60, 0)
    division = divide(train, None, 0.2, 0)
    assert torch.bincount(division.test_labels).tolist() == [4, 4, 4]
    assert not set(division.test_rows.tolist()) & set(division.train_rows.tolist())
    assert len(division.train_labels) == 48


def test_a_given_test_set_is_whole() -> None:
    division = divide(colored(60, 0), colored(30, 1), 0.2, 0)
    assert (len(division.train_rows), len(division.test_rows), division.kind) == (60, 30, "given")
