from __future__ import annotations

import pytest
import torch

from presight.errors import UsageError
from presight.evaluation.split import stratified_folds, stratified_order, stratified_split

LABELS = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)


def test_every_beginning_is_proportional() -> None:
    order = stratified_order(LABELS, 3)
    assert order.sort().values.tolist() == list(range(100))
    for n in range(1, 101):
        counts = torch.bincount(LABELS[order[:n]], minlength=3)
        assert ((counts - n * torch.tensor([0.7, 0.2, 0.1])).abs() < 1).all()


def test_parts_are_disjoint_and_complete() -> None:
    kept, held = stratified_split(LABELS, 0.2, 0)
    assert len(held) == 20
    assert torch.cat((kept, held)).sort().values.tolist() == list(range(100))


def test_seed_and_stream_choose() -> None:
    one = stratified_split(LABELS, 0.2, 0)[1]
    assert torch.equal(one, stratified_split(LABELS, 0.2, 0)[1])
    assert not torch.equal(one, stratified_split(LABELS, 0.2, 1)[1])
    assert not torch.equal(one, stratified_split(LABELS, 0.2, 0, "test")[1])


def test_no_class_is_lost() -> None:
    labels = torch.arange(10)
    kept, held = stratified_split(labels, 0.5, 0)
    assert len(kept) == 10
    assert len(held) == 0


def test_folds_have_no_image_in_common_and_the_classes_in_proportion() -> None:
    labels = torch.tensor([0] * 50 + [1] * 30 + [2])
    folds = stratified_folds(labels, 0.2, 0, 9)
    assert len(folds) == 5
    held = torch.cat([out for _, out in folds])
    assert len(held) == len(held.unique()) >= 79
    for kept, out in folds:
        assert sorted([*kept.tolist(), *out.tolist()]) == list(range(81))
        assert abs(int((labels[out] == 0).sum()) - 10) <= 1
        assert 2 in labels[kept]
    assert torch.equal(folds[0][1], stratified_split(labels, 0.2, 0)[1])


def test_refuses_a_share_of_nothing() -> None:
    with pytest.raises(UsageError):
        stratified_split(LABELS, 0.0, 0)
