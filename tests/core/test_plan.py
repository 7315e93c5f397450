from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from presight.core.plan import TrainPlan


@pytest.mark.parametrize(
    ("scaling", "batch", "peak"),
    [
        ("linear", 256, 0.1),
        ("linear", 512, 0.2),
        ("linear", 64, 0.025),
        ("sqrt", 1024, 0.2),
        ("sqrt", 64, 0.05),
        ("none", 64, 0.1),
    ],
)
def test_peak_rate_is_scaled_to_the_batch(scaling: str, batch: int, peak: float) -> None:
    plan = TrainPlan(lr=0.1, lr_scaling=scaling, batch_size=batch)  # type: ignore[arg-type]
    assert plan.peak_lr() == pytest.approx(peak, rel=1e-12)


def test_a_plan_is_a_value() -> None:
    assert TrainPlan(lr=0.2) == dataclasses.replace(TrainPlan(), lr=0.2)
    assert hash(TrainPlan()) == hash(TrainPlan())
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainPlan().lr = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        TrainPlan(100)  # type: ignore[misc]


def test_every_field_is_documented() -> None:
    text = TrainPlan.__doc__ or ""
    assert [f.name for f in dataclasses.fields(TrainPlan) if f"{f.name}:" not in text] == []


def test_plan_and_settings_need_no_torch() -> None:
    code = (
        "import sys, presight.core.plan, presight.core.settings, presight.errors; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
