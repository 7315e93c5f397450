"""Minutes to epochs, in closed form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from presight.pretraining.speed import SPARE, Speed


@given(
    update=st.floats(1e-3, 10),
    start=st.floats(0, 100),
    seconds=st.floats(1, 1e5),
    per_epoch=st.integers(1, 500),
)
def test_the_run_fits_and_one_update_more_does_not(
    update: float, start: float, seconds: float, per_epoch: int
) -> None:
    updates = round(Speed(update, start).epochs(seconds, per_epoch) * per_epoch)

    def cost(count: int) -> float:
        return count * update + -(-count // per_epoch) * start

    slack = 1e-9 * seconds
    assert updates >= 1
    assert updates == 1 or cost(updates) <= seconds * SPARE + slack
    assert cost(updates + 1) > seconds * SPARE - slack
