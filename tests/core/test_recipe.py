from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest
import torch

from presight.core.batch import Batch, Views
from presight.core.draw import Draw
from presight.core.recipe import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plain(Recipe):
    name: ClassVar[str] = "plain"
    keys: ClassVar[dict[str, str]] = {"image": "[B,3,h,w]"}
    strength: float = 1.0

    def __call__(self, batch: Batch, draw: Draw) -> Views:
        return {"image": batch.images.float() / 255}


def test_a_recipe_is_a_value() -> None:
    assert Plain(strength=0.5) == Plain(strength=0.5)
    assert hash(Plain()) == hash(Plain())
    assert eval(repr(Plain(strength=0.5))) == Plain(strength=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Plain().strength = 2  # type: ignore[misc]


def test_sized_changes_the_size_only() -> None:
    small = Plain(strength=0.5, executor="batched").sized(16)
    assert small == Plain(strength=0.5, executor="batched", size=16)
    assert type(small) is Plain


def test_class_facts_are_no_options() -> None:
    assert {f.name for f in dataclasses.fields(Plain)} == {"size", "executor", "strength"}


def test_the_base_makes_nothing() -> None:
    with pytest.raises(TypeError):
        Recipe()  # type: ignore[abstract]
    batch = Batch.of(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    assert Plain()(batch, Draw(0, 0, batch.index)).keys() == Plain.keys.keys()
