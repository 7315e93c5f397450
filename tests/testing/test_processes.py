from __future__ import annotations

import pytest
import torch

from doubles import Bank
from presight.testing import processes
from presight.testing.processes import alone, compare, statistics_of
from presight.testing.trial import Trial

TRIAL = Trial(Bank)


def test_an_outcome_is_losses_and_state_in_float64() -> None:
    result = alone(TRIAL)
    assert result["record:loss"].shape == (processes.UPDATES,)
    assert result["state:head.weight"].dtype == torch.float64
    assert torch.equal(result["record:loss"], alone(TRIAL)["record:loss"])


def test_statistics_of_norms_may_differ_and_nothing_else() -> None:
    one = alone(TRIAL)
    names = statistics_of(TRIAL.build())
    assert "state:encoder.stage1.1.running_mean" in names
    assert "state:bank" not in names
    compare(TRIAL, one, (one, dict(one)))
    norm = "state:encoder.stage1.1.running_mean"
    compare(TRIAL, one, (one, one | {norm: one[norm] + 1}))
    with pytest.raises(AssertionError, match="state:bank differs by"):
        compare(TRIAL, one, (one, one | {"state:bank": one["state:bank"] + 1}))
    with pytest.raises(AssertionError, match="is not the same on both processes"):
        compare(TRIAL, one, (one, one | {"state:bank": one["state:bank"] + 1e-12}))
    worse = one | {"record:loss": one["record:loss"] + 1e-6}
    with pytest.raises(
        AssertionError, match=r"loss differs by 1\.0e-06 between one pro.*a sum over"
    ):
        compare(TRIAL, one, (worse, worse))


def test_nan_never_agrees() -> None:
    one = alone(TRIAL)
    bad = one | {"record:loss": one["record:loss"] * float("nan")}
    with pytest.raises(AssertionError, match="record:loss differs"):
        compare(TRIAL, one, (bad, bad))


@pytest.mark.timeout(120)
def test_a_process_that_fails_is_reported() -> None:
    with pytest.raises(AssertionError, match="one of two processes failed"):
        processes.pair([Trial(Bank, options={"no_such": 1})])


def test_a_method_that_no_other_process_can_import_is_said() -> None:
    class Inside(Bank):
        """No module has it."""

    with pytest.raises(AssertionError, match=r"bank: another process cannot import it .*top of a"):
        processes.pair([Trial(Inside)])
