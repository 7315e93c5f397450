from __future__ import annotations

import numpy as np
import pytest

from presight.data.subsets import holdout, nested
from presight.errors import DataError, UsageError

LABELS = np.array([0] * 50 + [1] * 10 + [2] * 2 + [3])


def test_each_class_is_divided_alike_and_each_row_is_in_one_part() -> None:
    train, held = holdout(LABELS, 0.2, seed=0)
    assert sorted([*train, *held]) == list(range(63))
    assert np.bincount(LABELS[held], minlength=4).tolist() == [10, 2, 1, 0]
    assert np.bincount(LABELS[train]).tolist() == [40, 8, 1, 1]
    assert (np.diff(train) > 0).all()


def test_seeds_decide() -> None:
    first, again, other = (holdout(LABELS, 0.2, seed=s)[1] for s in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


def test_names_decide_not_places() -> None:
    names = [f"image {n}" for n in range(63)]
    held = {names[i] for i in holdout(LABELS, 0.2, 0, names)[1]}
    order = np.random.default_rng(0).permutation(63)
    mixed = [names[i] for i in order]
    assert {mixed[i] for i in holdout(LABELS[order], 0.2, 0, mixed)[1]} == held


def test_every_image_is_held_out_by_some_seed() -> None:
    counts = sum(np.isin(np.arange(63), holdout(LABELS, 0.2, s)[1]) for s in range(200))
    assert abs(counts[:50] - 40).max() < 4.5 * 5.7  # standard deviation 5.7


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_fractions_out_of_range(fraction: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        holdout(LABELS, fraction, 0)


def test_nothing_to_hold_out() -> None:
    with pytest.raises(DataError, match="no class has two rows"):
        holdout(np.arange(4), 0.5, 0)


def test_smaller_subsets_lie_in_larger_ones() -> None:
    few, some, many = nested(LABELS, [1, 5, 100], seed=0)
    assert set(few) < set(some) < set(many) == set(range(63))
    assert np.bincount(LABELS[few]).tolist() == [1, 1, 1, 1]
    assert np.bincount(LABELS[some]).tolist() == [5, 5, 2, 1]


def test_no_labels_at_all() -> None:
    with pytest.raises(UsageError, match="0 labels a class"):
        nested(LABELS, [0, 1], 0)
