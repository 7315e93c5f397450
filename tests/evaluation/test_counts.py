from __future__ import annotations

import pytest

from presight.errors import UsageError
from presight.evaluation.counts import ladder, read, told


def test_the_ladder_goes_from_five_a_class_to_all() -> None:
    assert ladder(1600, 10) == [50, 100, 200, 500, 1600]
    assert ladder(50_000, 10) == [50, 500, 2000, 20_000, 50_000]
    assert ladder(48, 3) == [20, 48]
    assert ladder(12, 6) == [12]


@pytest.mark.parametrize("n", [2, 30, 999, 12_345, 10**6])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_ladder_ascends_and_is_short(n: int, classes: int) -> None:
    found = ladder(n, classes)
    assert found == sorted(set(found))
    assert found[-1] == n
    assert len(found) <= 5
    assert all(5 * classes <= count <= n / 2 for count in found[:-1])


def test_counts_are_read_in_any_order_and_once() -> None:
    assert read("all, 50,200 ,50", 1000, 10) == [50, 200, 1000]
    assert read("auto", 1600, 10) == ladder(1600, 10)
    assert read("1000", 1000, 10) == [1000]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("50,many", "has 'many'"),
        ("", "has ''"),
        ("-5", "has '-5'"),
        ("5_", "has '5_'"),
        ("9" * 5000, "has '999"),
        ("50,1001", "1,001 labels; there are 1,000"),
        ("1,all", "asks for 1; two labels are the least"),
    ],
)
def test_counts_that_cannot_be_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(text, 1000, 10)


def test_a_count_above_all_says_where_the_other_labels_are() -> None:
    with pytest.raises(UsageError, match=r"there are 80 to learn from\. Take counts up to 80, or"):
        read("100", 80, 4)
    with pytest.raises(UsageError, match=r"80 to learn from: 20 others are held out .*--test SET"):
        read("100", 80, 4, held=20)


def test_fewer_labels_than_classes_are_said() -> None:
    assert told([50, 200], 10) == []
    (line,) = told([5, 8, 200], 10)
    assert line.startswith("5 and 8 labels are fewer than the 10 classes")
