"""The checks themselves run on every method and on broken ones in tests/conformance."""

from __future__ import annotations

import pytest

from doubles import Bank, Trio
from presight.core.method import Method
from presight.testing import conformance
from presight.testing.declared import require
from presight.testing.trial import Trial

CHECKS = [check for check in conformance.CHECKS if check.__module__.endswith(".declared")]


@pytest.mark.parametrize("kind", [Bank, Trio])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_outsiders_with_a_recipe_of_their_own_pass(
    check: conformance.Check, kind: type[Method]
) -> None:
    check(Trial(kind))


def test_requiring_is_not_switched_off() -> None:
    require(True, "")
    with pytest.raises(AssertionError, match="words"):
        require(False, "words")
