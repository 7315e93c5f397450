from __future__ import annotations

import dataclasses

import pytest
from torch.distributed.run import get_args_parser

from presight import methods
from presight.core.options import of_pretraining
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


def test_torchrun_takes_no_option_for_a_shortened_one_of_its_own() -> None:
    """Its parser looks at all words of the command, and refuses what begins two of its options."""
    own = [
        text
        for action in get_args_parser()._actions
        for text in action.option_strings
        if text.startswith("--")
    ]
    kinds = [methods.load(name) for name in methods.names()]
    flags = {option.flag for kind in kinds for option in of_pretraining(kind)}
    assert "--epochs" in flags
    clashes = [flag for flag in sorted(flags) if sum(text.startswith(flag) for text in own) > 1]
    assert clashes == []
