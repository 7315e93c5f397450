"""Opening a run's images under its settings."""

from __future__ import annotations

from presight.core.settings import Settings
from presight.data.decode import Limits
from presight.pretraining.data import limits


def test_every_limit_is_handed_on() -> None:
    settings = Settings(min_side=9, max_pixels=1234, allow_truncated=True)
    assert limits(settings) == Limits(min_side=9, max_pixels=1234, allow_truncated=True)
    assert limits(Settings()) == Limits()
