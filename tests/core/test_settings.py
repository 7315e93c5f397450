from __future__ import annotations

import dataclasses

import pytest

from presight.core.plan import TrainPlan
from presight.core.settings import Settings


def test_every_field_is_documented_and_has_a_default() -> None:
    text = Settings.__doc__ or ""
    assert [f.name for f in dataclasses.fields(Settings) if f"{f.name}:" not in text] == []
    assert Settings() == Settings()


def test_settings_and_plan_share_no_name() -> None:
    """Both become flags of one command."""
    assert not {f.name for f in dataclasses.fields(Settings)} & {
        f.name for f in dataclasses.fields(TrainPlan)
    }


def test_settings_are_a_value() -> None:
    assert hash(Settings(method="a")) == hash(Settings(method="a"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().method = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Settings("simclr")  # type: ignore[misc]
