"""pretrain(), in process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tinyruns import UPDATES, tiny

from presight.errors import RunError
from presight.store.folder import RunFolder
from presight.store.records import read


def test_a_finished_run_says_so(finished: Path) -> None:
    assert RunFolder(finished).status == "done"
    assert [int(record["step"]) for record in read(finished / "metrics.jsonl")][-1] == UPDATES
    with pytest.raises(RunError, match="holds a finished run") as caught:
        tiny(finished)
    assert caught.value.exit_code == 6
