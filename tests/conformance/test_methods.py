"""Every registered method and the doubles through every generic check; none is named."""

from __future__ import annotations

import time

import pytest

from presight.testing import processes
from presight.testing.conformance import CHECKS, Check
from presight.testing.trial import Trial
from registered import KINDS

BUDGET = 4.0
"""CPU seconds that a method's whole row may take."""

_spent: dict[str, float] = {}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", KINDS)
def test_generic_row(name: str, check: Check) -> None:
    began = time.process_time()
    check(Trial(KINDS[name]))
    _spent[name] = _spent.get(name, 0.0) + time.process_time() - began


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", KINDS)
def test_one_process_and_two_agree(
    name: str, pairs: dict[str, tuple[processes.Result, processes.Result]]
) -> None:
    began = time.process_time()
    trial = Trial(KINDS[name])
    processes.compare(trial, processes.alone(trial), pairs[name])
    _spent[name] = _spent.get(name, 0.0) + time.process_time() - began


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_row_is_cheap(name: str) -> None:
    """Needs the tests above in the same session; the processor's speed varies, so it is slow."""
    if name not in _spent:
        pytest.skip("the row was not run in this session")
    assert _spent[name] < BUDGET


@pytest.mark.parametrize("name", KINDS)
def test_every_method_says_what_an_update_costs(name: str) -> None:
    assert KINDS[name].box is not None
