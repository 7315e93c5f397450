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

        def identity(self, i: int) -> str:
            return f"{i}.png"

    images = Pictures(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    held = LabelledImages.of(Source(), images)  # type: ignore[arg-type]
    assert held.labels.tolist() == [1, 1]
    assert held.classes == ("a", "b")
    assert held.names(torch.tensor([1])) == ["1.png"]


def named(names: list[str], labels: list[int]) -> LabelledImages:
    images = Pictures(torch.zeros(len(names), 3, 4, 4, dtype=torch.uint8))
    return LabelledImages(images, torch.tensor(labels), ("a", "b", "c"), "f", tuple(names))


def test_subsets_are_nested_in_proportion_and_do_not_depend_on_the_order_of_files() -> None:
    names = [f"{i}.png" for i in range(90)]
    labels = [0] * 45 + [1] * 30 + [2] * 15
    division = divide(named(names, labels), named(names[:5], labels[:5]), 0.2, 0)
    shuffle = torch.randperm(90, generator=torch.Generator().manual_seed(1)).tolist()
    turned = named([names[i] for i in shuffle], [labels[i] for i in shuffle])
    again = divide(turned, named(names[:5], labels[:5]), 0.2, 0)
    held: set[str] = set()
    for n in range(1, 91):
        rows = division.subset(n, 7)
        found = set(division.train.names(division.train_rows[rows]))
        assert held < found
        assert len(found) == n
        counts = torch.bincount(division.train_labels[rows], minlength=3)
        assert all(
            abs(c - n * share) < 1 for c, share in zip(counts, (1 / 2, 1 / 3, 1 / 6), strict=True)
        )
        assert found == set(again.train.names(again.train_rows[again.subset(n, 7)]))
        held = found
    assert division.subset(30, 7).tolist() != division.subset(30, 8).tolist()


def test_the_held_out_part_follows_the_names_and_no_subset_holds_any_of_it() -> None:
    names, labels = [f"{i}.png" for i in range(60)], [i % 3 for i in range(60)]
    first = divide(named(names, labels), None, 0.2, 0)
    second = divide(named(names[::-1], labels[::-1]), None, 0.2, 0)
    tested = set(first.train.names(first.test_rows))
    assert tested == set(second.train.names(second.test_rows))
    learned = first.train.names(first.train_rows[first.subset(len(first.train_rows), 3)])
    assert not tested & set(learned)


def test_a_file_more_does_not_shuffle_the_others() -> None:
    names, labels = [f"{i}.png" for i in range(60)], [i % 2 for i in range(60)]
    before = divide(named(names, labels), None, 0.2, 0)
    after = divide(named([*names, "new.png"], [*labels, 0]), None, 0.2, 0)
    one = set(before.train.names(before.train_rows[before.subset(20, 0)]))
    other = set(after.train.names(after.train_rows[after.subset(20, 0)]))
    assert len(one & other) >= 16


def test_held_out_part_is_stratified_and_disjoint() -> None:
    train = colored(60, 0)
    division = divide(train, None, 0.2, 0)
    assert torch.bincount(division.test_labels).tolist() == [4, 4, 4]
    assert not set(division.test_rows.tolist()) & set(division.train_rows.tolist())
    assert len(division.train_labels) == 48


def test_a_given_test_set_is_whole() -> None:
    division = divide(colored(60, 0), colored(30, 1), 0.2, 0)
    assert (len(division.train_rows), len(division.test_rows), division.kind) == (60, 30, "given")
