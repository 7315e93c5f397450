"""What a run ends with."""

from __future__ import annotations

from pathlib import Path

import torch

from presight.pretraining.outcome import Run, out_of_memory
from tinyruns import tiny


def test_a_run_says_its_lines_and_has_its_backbone(finished: Path) -> None:
    run = Run(finished, {"loss": 1.0}, ("done", "next"))
    assert list(run.lines()) == ["done", "next"]
    assert run.backbone()(torch.zeros(2, 3, 16, 16)).shape[0] == 2


def test_the_last_lines_say_what_to_do_next(tmp_path: Path) -> None:
    run = tiny(tmp_path / "a run")
    assert run.lines()[-1] == (
        f"next      presight evaluate '{tmp_path / 'a run'}' --labels LABELLED_FOLDER"
    )


def test_memory_that_runs_out_before_anything_is_known() -> None:
    error = out_of_memory(None, RuntimeError("no memory.\nA trace."))
    assert str(error).startswith("out of memory: no memory. Try a smaller --batch-size")
