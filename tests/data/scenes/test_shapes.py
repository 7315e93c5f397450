from __future__ import annotations

import numpy as np
import pytest

from presight.data.scenes.intersect import KINDS, TORUS
from presight.data.scenes.shapes import CLASSES, INSTANCES, SPLITS, shape


def test_splits_are_ten_one_and_one_twelfths_and_share_no_shape() -> None:
    numbers = [set(range(*bounds)) for bounds in SPLITS.values()]
    assert [len(part) for part in numbers] == [200, 20, 20]
    assert set.union(*numbers) == set(range(INSTANCES))
    assert sum(len(part) for part in numbers) == INSTANCES


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_every_instance_is_a_sound_object_of_its_own(label: int) -> None:
    seen = set()
    for instance in range(INSTANCES):
        rows, symmetry = shape(label, instance)
        assert 3 <= len(rows) <= 32
        assert symmetry in (0, 1, 2)
        assert np.isin(rows[:, 0], range(KINDS)).all()
        axes = rows[:, 6:].reshape(-1, 3, 3)
        assert (np.abs(np.linalg.det(axes.astype(np.float64))) > 1e-12).all()
        half = np.ones((len(rows), 3))
        ring = rows[:, 0] == TORUS
        half[ring, :2] = 1 + rows[ring, 1:2]
        half[ring, 2] = rows[ring, 1]
        reach = (np.abs(axes) * half[:, None]).sum(2)
        low, high = (rows[:, 3:6] - reach).min(0), (rows[:, 3:6] + reach).max(0)
        np.testing.assert_allclose(low + high, 0, atol=1e-5)
        assert (high - low).max() == pytest.approx(1, abs=1e-5)
        seen.add(rows.tobytes())
    assert len(seen) == INSTANCES


def test_an_instance_is_the_same_again() -> None:
    first = shape(3, 17)[0].copy()
    shape.cache_clear()
    np.testing.assert_array_equal(first, shape(3, 17)[0])
