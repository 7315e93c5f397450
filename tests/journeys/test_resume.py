"""Stopped in any way, the same command again ends with the bits of a run that was left alone.

Real kills are in test_kill.py; here everything happens in one process, so that many points are
affordable.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from commands import (
    OUT,
    SCENES,
    UPDATES_AN_EPOCH,
    differing,
    files,
    photos,
    pretrain,
    refused,
    state,
    steps,
    told,
)
from presight.core.batch import Out, Step, Views
from presight.methods.contrastive.simclr import SimCLR
from presight.pretraining import run as module
from presight.store.faults import Dead, fault

pytestmark = pytest.mark.usefixtures("place")

EPOCHS = 2
WORDS = ("--epochs", EPOCHS, "--checkpoint-minutes", 0)
CUT = 13
"""The update, from 1, at which something happens: inside the second epoch."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """The state that an undisturbed run ends with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("straight"))
        assert pretrain(SCENES, *WORDS).code == 0
        assert steps() == list(range(1, EPOCHS * UPDATES_AN_EPOCH + 1))
        return dict(state())


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """Let something happen at the n-th forward, once."""

    def plan(number: int, happens: Callable[[], object]) -> None:
        forward, seen = SimCLR.forward, [0]

        def disturbed(self: SimCLR, views: Views, step: Step) -> Out:
            seen[0] += 1
            if seen[0] == number:
                happens()
            return forward(self, views, step)

        monkeypatch.setattr(SimCLR, "forward", disturbed)

    return plan


def fails(error: BaseException) -> Callable[[], object]:
    def happens() -> object:
        raise error

    return happens


def goes_on(straight: dict[str, Tensor], *words: object) -> None:
    """The same command again: to the end, bit for bit, each update recorded once."""
    said = pretrain(SCENES, *WORDS, *words)
    assert said.code == 0, said.err
    assert differing(straight, state()) == []
    assert steps() == list(range(1, EPOCHS * UPDATES_AN_EPOCH + 1))
    assert told("run.json")["status"] == "done"


@pytest.mark.parametrize("minutes", [0, 60])
@pytest.mark.parametrize("number", [1, CUT])
def test_after_an_exception(
    number: int, minutes: int, straight: dict[str, Tensor], at: Any
) -> None:
    at(number, fails(OSError(5, "Input/output error", "/dev/disk")))
    said = pretrain(SCENES, *WORDS, "--checkpoint-minutes", minutes)
    refused(said, 1, "Input/output error: /dev/disk. Check the path")
    assert told("run.json")["status"] == "failed"
    goes_on(straight)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_after_a_polite_signal(name: str, straight: dict[str, Tensor], at: Any) -> None:
    before = signal.getsignal(signal.SIGTERM)
    at(CUT, lambda: os.kill(os.getpid(), getattr(signal, name)))
    said = pretrain(SCENES, *WORDS, "--checkpoint-minutes", 60)
    assert (said.code, said.out) == (75, "")
    words = f"stopped: stopped by {name} after update {CUT}; the same command goes on from here."
    assert said.err.endswith(f"{words}\n")
    assert told("run.json")["status"] == "interrupted"
    assert signal.getsignal(signal.SIGTERM) == before
    goes_on(straight)


def test_after_an_interrupt_while_images_are_decoded(
    straight: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is decided by then: even other options are taken."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "open_images", lambda *_: fails(KeyboardInterrupt())())
        said = pretrain(SCENES, *WORDS, "--temperature", 0.7)
    assert said.code == 75
    assert "interrupted. Give the same command again to go on." in said.err
    goes_on(straight)


@pytest.mark.parametrize("number", range(2, 62, 4))
def test_after_the_end_of_the_process_at_any_early_write(number: int) -> None:
    """From the lock over run.json and the configuration to the first checkpoint."""
    with fault("any", number, "die"), pytest.raises(Dead):
        pretrain("scenes:16?size=16")
    said = pretrain("scenes:16?size=16")
    assert said.code == 0, said.err
    assert steps() == [1, 2]


def test_a_damaged_checkpoint_is_passed_over(straight: dict[str, Tensor], at: Any) -> None:
    at(CUT, fails(KeyboardInterrupt()))
    assert pretrain(SCENES, *WORDS).code == 75
    newest = Path(OUT, "checkpoints", f"step-{CUT - 1:08d}", "model.safetensors")
    newest.write_bytes(newest.read_bytes()[:-1])
    said = pretrain(SCENES, *WORDS)
    assert said.code == 0
    assert f"step-{CUT - 1:08d}" in said.out
    assert differing(straight, state()) == []


def test_a_run_goes_on_where_it_was_moved(
    straight: dict[str, Tensor], at: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at(CUT, fails(KeyboardInterrupt()))
    assert pretrain(SCENES, *WORDS).code == 75
    shutil.move(OUT, tmp_path / OUT)
    monkeypatch.chdir(tmp_path)
    goes_on(straight)


def test_options_that_decide_nothing_may_change(straight: dict[str, Tensor], at: Any) -> None:
    at(CUT, fails(KeyboardInterrupt()))
    assert pretrain(SCENES, *WORDS).code == 75
    goes_on(straight, "--workers", 2, "--keep", 1, "--checkpoint-minutes", 60, "--quiet")


@pytest.mark.parametrize("words", [(), ("--schedule", "constant", "--warmup-epochs", 0)])
def test_more_epochs_extend_a_finished_run(words: tuple[object, ...]) -> None:
    """With a constant rate the extended run is the longer one, bit for bit; else rates differ."""
    assert pretrain(SCENES, *words).code == 0
    said = pretrain(SCENES, *words, "--epochs", 2)
    assert said.code == 0
    (schedule,) = [line for line in said.err.splitlines() if line.startswith("schedule")]
    assert "2 epochs" in schedule
    assert "16 updates" in schedule
    assert steps() == list(range(1, 17))
    assert told("run.json")["status"] == "done"
    extended = state()
    shutil.rmtree(OUT)
    assert pretrain(SCENES, *words, "--epochs", 2).code == 0
    assert (differing(extended, state()) == []) is bool(words)


@pytest.mark.parametrize("epochs", [1, 0.5])
def test_a_finished_run_is_left_alone(epochs: float) -> None:
    assert pretrain(SCENES).code == 0
    before = files(Path(OUT))
    said = pretrain(SCENES, "--epochs", epochs)
    words = ("run holds a finished run. Continue:", "larger --epochs", "--out run2", "--overwrite")
    refused(said, 6, *words)
    assert files(Path(OUT)) == before


CHANGES = [
    (("--temperature", 0.3), "temperature | not given | 0.3"),
    (("--seed", 1), "seed | not given | 1"),
    (("--batch-size", 16), "batch_size | 8 | 16"),
    (("--method", "rotation"), "method | not given | rotation"),
    (("--image-size", 32, "--lr", 1), "image_size | 16 | 32; lr | not given | 1.0"),
]


@pytest.mark.parametrize(("words", "row"), CHANGES)
def test_a_changed_option_is_refused_by_name(words: tuple[object, ...], row: str, at: Any) -> None:
    at(3, fails(KeyboardInterrupt()))
    assert pretrain(SCENES).code == 75
    before = files(Path(OUT))
    said = pretrain(SCENES, *words)
    names = ", ".join(part.split(" |")[0] for part in row.split("; "))
    advice = (f"{names} cannot change on resume", "epochs, workers", "--out run2", "--init run")
    refused(said, 6, "option | saved | now", row, *advice)
    assert files(Path(OUT)) == before


def test_other_data_are_refused(at: Any) -> None:
    folder = photos("photos")
    at(2, fails(KeyboardInterrupt()))
    assert pretrain(folder).code == 75
    refused(pretrain(SCENES), 6, f"data | photos | {SCENES}")
    (folder / "new.png").write_bytes((folder / "000.png").read_bytes())
    refused(pretrain(folder), 6, "the images of run changed: 16 images, now 17.", "--out run2")
    (folder / "new.png").unlink()
    (folder / "001.png").write_bytes((folder / "000.png").read_bytes())
    said = pretrain(folder)
    refused(said, 6, "images were edited or renamed", "--accept-data-change goes on with them")
    assert pretrain(folder, "--accept-data-change").code == 0
