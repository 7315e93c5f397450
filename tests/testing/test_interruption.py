from __future__ import annotations

from pathlib import Path

import pytest

from doubles import Bank, Trio
from presight.core.method import Method
from presight.testing import interruption
from presight.testing.interruption import STOPS, Killed, final_state
from presight.testing.trial import Trial
from presight.training.checkpoint import Checkpoints


@pytest.mark.parametrize(
    ("place", "left"),
    [("at the first step", []), ("between players", [1]), ("in evaluation", [])],
)
@pytest.mark.parametrize("kind", [Bank, Trio])
def test_each_stop_kills_where_it_says(
    tmp_path: Path, kind: type[Method], place: str, left: list[int]
) -> None:
    trial = Trial(kind)
    with pytest.raises(Killed):
        STOPS[place](trial, trial.build(), tmp_path)
    assert Checkpoints(tmp_path / "checkpoints").steps() == left


def test_a_save_that_is_cut_leaves_no_checkpoint(tmp_path: Path) -> None:
    interruption._killed(Trial(Bank), tmp_path, "inside a save")
    assert Checkpoints(tmp_path / "checkpoints").latest() is None


def test_a_run_that_goes_on_all_the_same_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "STOPS", {"nowhere": lambda *_: None})
    with pytest.raises(AssertionError, match="was not interrupted nowhere"):
        interruption._killed(Trial(Bank), tmp_path, "nowhere")


def test_the_final_state_is_weights_and_optimizers(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="left no checkpoint"):
        final_state(tmp_path)
    trial = Trial(Trio)
    trial.train(trial.build(), folder=tmp_path)
    state = final_state(tmp_path)
    assert int(state["step"]) == 4
    assert "model:encoder.stage1.0.weight" in state
    assert any(name.startswith("optimizer_coder:") for name in state)


def test_an_evaluation_is_cut_in_eval_mode_after_it_looked(tmp_path: Path) -> None:
    trial = Trial(Bank)
    method = trial.build()
    seen: list[tuple[bool, int]] = []
    method.backbone.register_forward_hook(
        lambda module, inputs, out: seen.append((module.training, len(out)))
    )
    with pytest.raises(Killed):
        STOPS["in evaluation"](trial, method, tmp_path)
    assert seen[-1] == (False, trial.batch)
    assert not method.training
