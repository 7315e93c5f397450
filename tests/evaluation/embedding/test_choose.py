from __future__ import annotations

import pytest
import torch

from presight.errors import UsageError
from presight.evaluation.embedding.choose import typical


def test_one_of_each_group_and_none_of_its_edge() -> None:
    """Four tight groups with an outlier each: the middle of every group is chosen."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.eye(4, 8)
    rows = (centers[:, None] + 0.02 * torch.randn(4, 20, 8, generator=generator)).reshape(80, 8)
    rows[::20] += 0.25 * torch.randn(4, 8, generator=generator)
    found = typical(rows, 4)
    assert sorted((found // 20).tolist()) == [0, 1, 2, 3]
    assert not set(found.tolist()) & {0, 20, 40, 60}


@pytest.mark.parametrize("count", [1, 7, 30])
def test_as_many_as_asked_without_repeats(count: int) -> None:
    rows = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    for features in (rows, torch.ones(30, 4)):
        found = typical(features, count)
        assert len(set(found.tolist())) == count
        assert torch.equal(found, typical(features, count))


@pytest.mark.parametrize("count", [0, 31])
def test_more_than_there_are_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="--select asks for"):
        typical(torch.randn(30, 4), count)
