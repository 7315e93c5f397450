"""The checks themselves run on every method and on broken ones in tests/conformance."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles import Bank, Trio
from presight.core import registry
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


def test_the_handbooks_page_shows_a_class_that_passes(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "adding-a-method.md").read_text()
    (tmp_path / "page.py").write_text(page.split("```python\n")[1].split("```")[0])
    trial = Trial(registry.load_file(tmp_path / "page.py", "Mine"))
    for check in CHECKS:
        check(trial)
