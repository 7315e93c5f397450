from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from presight.data.targets import ClassTarget, DepthTarget


def test_a_depth_is_valid_where_it_is_a_positive_number() -> None:
    target = DepthTarget(np.array([[0, np.nan, 2.5, -1, np.inf]], dtype=np.float32))
    assert target.valid.tolist() == [[False, False, True, False, False]]


def test_targets_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ClassTarget(1).label = 2  # type: ignore[misc]
