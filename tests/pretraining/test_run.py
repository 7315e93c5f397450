"""pretrain(), in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from presight.errors import RunError
from presight.store.folder import RunFolder
from presight.store.records import read
from tinyruns import UPDATES, tiny


def test_a_finished_run_says_so(finished: Path) -> None:
    assert RunFolder(finished).status == "done"
    *_, last = read(finished / "metrics.jsonl")
    assert last["step"] == UPDATES
    with pytest.raises(RunError, match="holds a finished run") as caught:
        tiny(finished)
    assert caught.value.exit_code == 6
