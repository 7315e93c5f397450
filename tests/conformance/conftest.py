"""One pair of processes for everything that is compared across two."""

from __future__ import annotations

import pytest

from doubles import APART
from presight.testing import processes
from presight.testing.trial import Trial
from registered import KINDS


@pytest.fixture(scope="session")
def pairs() -> dict[str, tuple[processes.Result, processes.Result]]:
    """Outcomes on two processes, by name."""
    kinds = KINDS | {kind.__name__: kind for kind in APART}
    found = processes.pair([Trial(kind) for kind in kinds.values()], timeout=200)
    return dict(zip(kinds, found, strict=True))
