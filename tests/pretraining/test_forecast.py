from __future__ import annotations

from typing import Any

import pytest

from presight.core.options import split
from presight.pretraining import forecast as module
from presight.pretraining.forecast import forecast
from presight.pretraining.speed import Speed

SCENES = "scenes:64?size=16&factors=C"


def asked(most: float) -> float | None:
    parts = split(
        method="rotation", backbone="resnet9:2", image_size=16, epochs=8, batch_size=16,
        device="cpu", out="/nowhere", quiet=True,
    )  # fmt: skip
    return forecast(
        SCENES, settings=parts.settings, plan=parts.plan, options=parts.options, most=most
    )


def test_seconds_are_of_all_updates_and_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def measure(*_: Any, most: int) -> Speed:
        seen.append(most)
        return Speed(0.5, 2.0)

    monkeypatch.setattr(module.speed, "measure", measure)
    assert asked(0.25) == 32 * 0.5 + 8 * 2.0
    assert seen == [6]  # a quarter of 32 updates, but two to warm up


def test_too_little_to_measure_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.speed, "measure", None)
    assert asked(0.1) is None


def test_a_few_updates_are_really_timed() -> None:
    found = asked(0.25)
    assert found is not None
    assert found > 0
