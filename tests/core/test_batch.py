from __future__ import annotations

import dataclasses

import pytest
import torch

from presight.core.batch import Batch, DataSpec, Out, Step
from presight.core.draw import Draw


def batch(n: int = 6) -> Batch:
    images = torch.arange(n * 3 * 4 * 5, dtype=torch.uint8).view(n, 3, 4, 5)
    return dataclasses.replace(
        Batch.of(images, torch.arange(n) * 10), occurrence=torch.arange(n) % 2
    )


def test_there_is_no_field_for_labels() -> None:
    names = {f.name for f in dataclasses.fields(Batch)} | {f.name for f in dataclasses.fields(Step)}
    assert not names & {"label", "labels", "target", "targets", "y", "classes"}


def test_of_takes_whole_images_in_order() -> None:
    made = Batch.of(torch.zeros(3, 3, 4, 5, dtype=torch.uint8))
    assert made.index.tolist() == [0, 1, 2]
    assert made.frame.tolist() == [[0, 0, 5, 4]] * 3
    assert made.frame.dtype == torch.float32
    assert made.occurrence is None
    assert made.images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_split_and_join_is_the_identity(parts: int) -> None:
    whole = batch()
    pieces = whole.split(parts)
    assert [len(p) for p in pieces] == [6 // parts] * parts
    for name in ("images", "index", "frame", "occurrence"):
        joined = torch.cat([getattr(p, name) for p in pieces])
        assert torch.equal(joined, getattr(whole, name))


def test_rows_keep_the_absence_of_occurrence() -> None:
    assert Batch.of(batch().images).rows(1, 3).occurrence is None
    assert batch().rows(1, 3).index.tolist() == [10, 20]


def test_to_the_same_device_copies_nothing() -> None:
    here = batch()
    assert here.to(torch.device("cpu")) is here
    there = here.to(torch.device("meta"))
    kinds = {getattr(there, f.name).device.type for f in dataclasses.fields(Batch)}
    assert kinds == {"meta"}


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch().index = torch.zeros(1)  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        DataSpec(1, 1, 1, 1, 1).epochs = 2  # type: ignore[misc]


@pytest.mark.parametrize(("number", "total", "share"), [(0, 4, 0.0), (3, 4, 0.75), (0, 0, 0.0)])
def test_progress_is_the_share_done(number: int, total: int, share: float) -> None:
    index = torch.arange(1)
    assert Step(number, total, 0, index, Draw(0, 0, index)).progress == share


def test_outs_share_no_dictionary() -> None:
    first, second = Out(torch.zeros(())), Out(torch.zeros(()))
    first.terms["a"] = torch.zeros(())
    first.keep["a"] = torch.zeros(())
    assert not second.terms
    assert not second.keep
