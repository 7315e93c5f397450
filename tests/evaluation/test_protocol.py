from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
import torch

from evaluation.doubles import Pictures, Small, Whole, colored
from presight.errors import DataError, UsageError
from presight.evaluation import protocol
from presight.evaluation.score import Score, find


def backbones() -> dict[str, Small]:
    torch.manual_seed(0)
    return {"pretrained": Small(), "untrained": Small()}


def measure(*sets: object, **options: object) -> list[Score]:
    return protocol.measure(*sets, **options).scores  # type: ignore[arg-type]


def of(scores: list[Score], row: str, protocol: str) -> Score:
    score = find(scores, row, protocol)
    assert score is not None
    return score


def test_rows_and_intervals() -> None:
    scores = measure(backbones(), colored(60, 0), colored(30, 1), size=8, views=Whole())
    assert [(score.row, score.protocol) for score in scores] == [
        ("pretrained", "knn"),
        ("pretrained", "linear"),
        ("untrained", "knn"),
        ("untrained", "linear"),
        ("raw pixels", "knn"),
        ("raw pixels", "linear"),
        ("blind guess", "majority"),
    ]
    for score in scores:
        assert score.low <= score.value <= score.high
        assert (score.n_train, score.n_test) == (60, 30)
        assert score.correct().mean() == pytest.approx(score.value)
        assert Score.from_json(score.to_json()) == score
    assert of(scores, "blind guess", "majority").value == pytest.approx(1 / 3)
    assert of(scores, "pretrained", "linear").value == 1.0
    assert of(scores, "pretrained", "knn").details["k"] == 10
    assert of(scores, "pretrained", "linear").details["converged"] is True
    assert of(scores, "pretrained", "linear").details["n_validation"] == 5 * 6


def test_the_test_part_is_disjoint_and_every_image_is_read_once_a_row() -> None:
    train = colored(60, 0)
    scores = measure({"pretrained": Small()}, train, size=8, views=Whole(), seed=5)
    assert {(s.n_train, s.n_test) for s in scores} == {(48, 12)}
    assert scores[0].details["shared_images"] == 0
    assert isinstance(train.images, Pictures)
    # Raw pixels, the backbone, and the search for duplicates.
    assert set(Counter(train.images.reads).values()) == {3}


def test_labels_of_the_test_part_are_not_learned_from() -> None:
    """Wrong labels in the test part change its score and nothing else."""
    test = colored(30, 1)
    wrong = dataclasses.replace(test, labels=(test.labels + 1) % 3)
    options = {"size": 8, "views": Whole()}
    right = measure({"pretrained": Small()}, colored(60, 0), test, **options)  # type: ignore[arg-type]
    other = measure({"pretrained": Small()}, colored(60, 0), wrong, **options)  # type: ignore[arg-type]
    trials = [of(scores, "pretrained", "linear").details["trials"] for scores in (right, other)]
    assert of(other, "raw pixels", "linear").value < 0.2
    assert len(trials[0]) == len(trials[1])
    raw = [of(scores, "raw pixels", "linear").details["trials"] for scores in (right, other)]
    assert raw[0] == raw[1]


def test_shared_images_are_told() -> None:
    train, test = colored(60, 0), colored(30, 1)
    assert isinstance(test.images, Pictures)
    assert isinstance(train.images, Pictures)
    test.images.pixels[:4] = train.images.pixels[:4]
    said: list[str] = []
    scores = measure({}, train, test, size=8, views=Whole(), say=said.append)
    assert scores[0].details["shared_images"] == 4
    assert said[0].startswith("4 of 30 test images")
    assert said[1:] == scores[0].details["warnings"]


def test_classes_are_matched_by_name() -> None:
    train = colored(60, 0, names=("red", "green", "blue"))
    test = colored(30, 1, names=("red", "green", "blue"))
    turned = dataclasses.replace(
        test, labels=2 - test.labels, classes=("blue", "green", "red"), fingerprint="turned"
    )
    first = measure({}, train, test, size=8, views=Whole())
    assert of(first, "raw pixels", "linear").value > 0.9
    second = measure({}, train, turned, size=8, views=Whole())
    assert [score.value for score in second] == [score.value for score in first]
    strange = dataclasses.replace(test, classes=("red", "green", "violet"))
    with pytest.raises(DataError, match=r"has the class violet, which .* have the classes red"):
        measure({}, train, strange, size=8, views=Whole())
    many = colored(30, 0, 7, names=tuple(f"c{i}" for i in range(7)))
    with pytest.raises(DataError, match=r"has the classes c0, c1, c2, c3, c4 and 2 more, which"):
        measure({}, train, many, size=8, views=Whole())


@pytest.mark.parametrize("given", [True, False])
def test_labels_that_are_held_out_are_named_where_a_count_is_too_high(given: bool) -> None:
    words = r"there are 40 to learn from\." if given else "32 to learn from: 8 others are held out"
    with pytest.raises(UsageError, match=words):
        measure(
            {},
            colored(40, 0),
            colored(20, 1) if given else None,
            size=8,
            views=Whole(),
            label_counts="41",
        )


def test_seed_decides_the_hold_out() -> None:
    train = colored(60, 0)
    one, same, other = (measure({}, train, size=8, views=Whole(), seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one[1].details["trials"] != other[1].details["trials"]


def test_features_come_from_the_cache(tmp_path: Path) -> None:
    train, test = colored(60, 0), colored(30, 1)
    first = measure(backbones(), train, test, size=8, views=Whole(), cache=tmp_path)
    assert isinstance(train.images, Pictures)
    train.images.reads.clear()
    assert measure(backbones(), train, test, size=8, views=Whole(), cache=tmp_path) == first
    # The search for duplicates keeps nothing, and reads every image once.
    assert sorted(train.images.reads) == list(range(60))


def test_refuses() -> None:
    with pytest.raises(UsageError, match="raw pixels"):
        measure({"raw pixels": Small()}, colored(9, 0), size=8, views=Whole())
    with pytest.raises(DataError, match="held out"):
        measure({}, colored(3, 0), size=8, views=Whole())


def test_a_class_of_one_image_is_learned_from_and_said_not_to_be_tested() -> None:
    data = colored(41, 0, names=("a", "b", "<i>" * 400))
    alone = torch.where(torch.arange(41) == 7, 2, torch.arange(41) % 2)
    data = dataclasses.replace(data, labels=alone)
    found = protocol.measure({"pretrained": Small()}, data, size=8, views=Whole())
    assert 7 in found.division.train_rows.tolist()
    (told,) = found.warnings
    assert told.startswith("1 of 3 classes have no test image (<i><i>")
    assert told.endswith("accuracies say nothing about them.")
    assert len(told) < 200


def test_a_constant_answer_has_a_mean_per_class_of_one_over_the_classes() -> None:
    """Of 90 images of one class and 10 of another the blind guess answers 0.9, and 0.5 a class."""
    data = colored(100, 0, names=("a", "b", "c"))
    data = dataclasses.replace(data, labels=(torch.arange(100) >= 90).long())
    found = protocol.measure(
        {}, data, dataclasses.replace(data, fingerprint="t"), size=8, views=Whole()
    )
    (guess,) = [score for score in found.scores if score.row == "blind guess"]
    assert guess.value == pytest.approx(0.9)
    assert guess.details["mean_per_class"] == pytest.approx(0.5)
