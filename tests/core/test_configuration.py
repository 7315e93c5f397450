from __future__ import annotations

import pytest

from presight.core import configuration, yamlfile
from presight.core.plan import TrainPlan
from presight.core.settings import Settings
from presight.errors import UsageError


def nested() -> dict[str, object]:
    settings = Settings(method="toy", out="runs/a", image_size=32, overwrite=True)
    return configuration.nested("photos/", settings, TrainPlan(lr=0.1), {"heat": 0.5})


def test_sections() -> None:
    config = nested()
    assert list(config) == ["layout", "data", "method", "train", "run"]
    assert config["method"] == {"name": "toy", "heat": 0.5}


def test_orders_of_one_command_are_not_saved() -> None:
    flat = configuration.flatten(nested())
    assert not set(configuration.ORDERS) & set(flat)
    assert flat["image_size"] == 32


def test_sections_dissolve() -> None:
    flat = configuration.flatten(nested())
    assert flat["data"] == "photos/"
    assert flat["method"] == "toy"
    assert (flat["heat"], flat["lr"]) == (0.5, 0.1)
    assert "layout" not in flat
    assert "name" not in flat


def test_options_may_stand_without_a_section() -> None:
    flat = configuration.flatten({"method": "toy", "batch-size": 3, "train": {"lr": 1}})
    assert flat == {"method": "toy", "batch_size": 3, "lr": 1}


def test_an_option_that_stands_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="lr stands twice, the second time under train"):
        configuration.flatten({"lr": 1, "train": {"lr": 2}})


def test_another_layout_is_refused() -> None:
    with pytest.raises(UsageError, match="layout 2 is unknown; this presight reads layout 1"):
        configuration.flatten({"layout": 2})


def test_origins_stand_beside_their_values() -> None:
    origins = {
        "lr": "user",
        "method": "default",
        "heat": "preset (paper)",
        "image_size": "auto: 32",
    }
    text = configuration.text(nested(), {**origins, "gone": "user"})
    for line in (
        "  lr: 0.1  # user",
        "  name: toy  # default",
        "  heat: 0.5  # preset (paper)",
        "  image_size: 32  # auto: 32",
        "data: photos/",
    ):
        assert line in text.splitlines()
    assert yamlfile.parse(text) == nested()
