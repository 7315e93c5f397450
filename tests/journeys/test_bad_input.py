"""Bad words and bad luck, each as the user meets it: exit code, and the words that matter.

Rows about images are in test_bad_data.py, those about going on with a run in test_resume.py.
Of this issue are: unknown options, methods, backbones, options of another method, extras; values
that do not fit; losses that are not finite, collapses, memory; a folder that is finished, taken
or somebody else's; a full disk.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from commands import (
    OUT,
    SCENES,
    SIZES,
    differing,
    files,
    give,
    pretrain,
    refused,
    state,
    told,
)
from presight.core.batch import Out, Step, Views
from presight.methods.contrastive.simclr import SimCLR
from presight.store import primitives
from presight.store.faults import fault
from presight.store.folder import RunFolder
from presight.store.lock import Lock

pytestmark = pytest.mark.usefixtures("place")

NAMES = [
    (
        ["--temprature", "0.2"],
        "unknown option --temprature for method simclr. "
        "Did you mean --temperature (float, default 0.1)?",
    ),
    (["--queue", "64"], "--queue belongs to moco, moco-v2, not simclr."),
    (
        ["--method", "mocov2"],
        'no method "mocov2". Nearest: moco-v2, moco, simclr. See: presight list methods',
    ),
    (["--method", "MoCo_V2"], 'no method "MoCo_V2". Nearest: moco-v2'),
    (["--backbone", "resnet81"], "no backbone 'resnet81'; nearest: resnet18"),
    (["--temperature", "warm"], "--temperature is 'warm'; expected float."),
    (["--seed", "-1"], "--seed is -1; expected a number from 0 to 4294967295."),
    (["--epochs", "0"], "--epochs 0: a number above 0 was expected."),
    (["--batch-size", "65"], "--batch-size 65 does not fit 64 images; take 2 to 64."),
    (["--accumulate", "8"], "cannot be cut into 1 processes times --accumulate 8 parts of 2"),
    (["--device", "gpu"], "gpu"),
    (["--config", "gone.yaml"], "cannot read gone.yaml: No such file"),
    (["--plugin", "gone.py"], "no plugin file gone.py."),
]


@pytest.mark.parametrize(("words", "message"), NAMES)
def test_names_and_values(words: list[str], message: str, place: Path) -> None:
    refused(pretrain(SCENES, *words), 2, message)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["timm/vit_small_patch16_224", "timm/resnet10t"])
def test_an_extra_that_is_not_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said = pretrain(SCENES, "--backbone", name)
    refused(said, 2, f"'{name}' needs timm", 'pip install "presight[timm]"')


@pytest.mark.parametrize("words", [("--temperature", -1), ("--init", "gone.safetensors")])
def test_what_only_the_method_can_refuse_leaves_the_folder_free(words: tuple[object, ...]) -> None:
    said = pretrain(SCENES, *words)
    assert said.code in (2, 3)
    refused(said, said.code, str(words[1]))
    assert pretrain(SCENES).code == 0


def test_a_wrong_name_is_answered_before_torch_is_there(place: Path) -> None:
    code = (
        "import sys; from presight.cli.main import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    words = ["pretrain", "photos/", "--method", "mocov2"]
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    error, loaded = done.stderr.splitlines()
    assert error.startswith('error: no method "mocov2".')
    assert loaded == "False"
    assert list(place.iterdir()) == []


def test_the_error_is_a_line_of_json_for_machines() -> None:
    said = pretrain(SCENES, "--batch-size", 65, "--json")
    assert said.code == 2
    (line,) = said.out.splitlines()
    assert json.loads(line)["exit_code"] == 2
    assert "does not fit 64 images" in json.loads(line)["error"]
    assert "error: --batch-size 65" in said.err


def test_a_loss_that_is_not_finite_stops_the_second_time() -> None:
    rate = ("--optimizer", "sgd", "--lr-scaling", "none", "--lr", 1e30, "--warmup-epochs", 0)
    said = pretrain(SCENES, *rate)
    words = ("loss is not finite at step 2 (fp32), for the second time.", "Last finite: ")
    tries = ("--precision fp32", "--lr 5e+29 (half)", "--clip 1")
    refused(said, 4, *words, *tries, "kept in debug/step-00000002.safetensors")
    assert "note: loss is not finite at step 1: back to the last good weights" in said.err
    assert Path(OUT, "debug", "step-00000002.safetensors").is_file()
    assert told("run.json")["status"] == "diverged"
    events = [json.loads(line) for line in Path(OUT, "events.jsonl").read_text().splitlines()]
    assert [event["kind"] for event in events] == ["note"]


COLLAPSE = ("--temperature", 1000, "--epochs", 4)


def test_a_collapse_is_told_and_the_run_goes_on() -> None:
    said = pretrain(SCENES, *COLLAPSE)
    assert said.code == 0
    (note,) = [line for line in said.err.splitlines() if "collapsed" in line]
    assert note.startswith("note: loss ")
    assert "all embeddings are equal: lower the learning rate" in note  # by the method's card
    assert told("run.json")["status"] == "done"


def test_a_collapse_stops_the_run_on_request() -> None:
    said = pretrain(SCENES, *COLLAPSE, "--on-collapse", "stop")
    refused(said, 4, "nothing is learned", "Stopped, as --on-collapse stop asks.")
    assert told("run.json")["status"] == "diverged"


class Shortage(NamedTuple):
    """An error that stands for memory that ran out, and the words that name its place."""

    error: Exception
    words: tuple[str, ...]


SHORTAGES = [
    Shortage(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 31.00 GiB.\nmore"),
        ("out of memory at batch 8 x 16 px: CUDA out of memory", "(which changes the negatives"),
    ),
    Shortage(
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        ("out of memory: DefaultCPUAllocator: can't allocate memory",),
    ),
    Shortage(MemoryError("Unable to allocate 9 GiB"), ("out of memory: Unable to allocate",)),
]


@pytest.mark.parametrize("shortage", SHORTAGES, ids=lambda s: type(s.error).__name__)
def test_memory_that_runs_out(shortage: Shortage, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: SimCLR, views: Views, step: Step) -> Out:
        raise shortage.error

    with monkeypatch.context() as patch:
        patch.setattr(SimCLR, "forward", forward)
        said = pretrain(SCENES)
    tries = ("smaller --batch-size", "--image-size", "--accumulate 2")
    refused(said, 5, *shortage.words, *tries)
    assert told("run.json")["status"] == "failed"
    assert pretrain(SCENES).code == 0


def test_a_finished_run_is_replaced_on_request_only() -> None:
    assert pretrain(SCENES, "--seed", 1).code == 0
    before = files(Path(OUT))
    refused(pretrain(SCENES, "--seed", 1), 6, "run holds a finished run", "moves it aside")
    assert files(Path(OUT)) == before
    assert pretrain(SCENES, "--overwrite").code == 0
    (aside,) = Path().glob(f"{OUT}.old-*")
    moved = files(aside)
    assert [n for n in before if moved[n] != before[n] and not n.startswith(".")] == []
    assert told("run.json")["id"] != told("run.json", aside)["id"]


@pytest.mark.parametrize("words", [(), ("--overwrite",)])
def test_the_folder_of_somebody_else_is_left_alone(words: tuple[str, ...], place: Path) -> None:
    mine = place / OUT / "letters" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("dear")
    said = pretrain(SCENES, *words)
    refused(said, 6, "run holds 1 files that are no run's, letters first.", "--out")
    assert files(place) == {f"{OUT}/letters/mine.txt": b"dear"}


def test_a_file_in_the_place_of_the_folder(place: Path) -> None:
    (place / OUT).write_text("mine")
    refused(pretrain(SCENES), 6, "cannot use run: Not a directory. A folder was expected.")
    assert files(place) == {OUT: b"mine"}


def test_a_folder_that_may_not_be_written() -> None:
    said = give("pretrain", SCENES, *SIZES, "--out", "/proc/run", "--epochs", 1)
    refused(said, 6, "/proc/run", "choose another with --out")


def test_two_processes_do_not_share_a_folder() -> None:
    assert pretrain(SCENES).code == 0
    with Lock(Path(OUT)):
        before = files(Path(OUT))
        said = pretrain(SCENES, "--epochs", 2)
        holder = f"run is being written by pid {os.getpid()} on host "
        refused(said, 6, holder, " since ", "(heartbeat 0 s ago)", "choose another --out")
        assert files(Path(OUT)) == before
        refused(pretrain(SCENES, "--overwrite"), 6, holder)
        assert files(Path(OUT)) == before
    assert pretrain(SCENES, "--epochs", 2).code == 0


SAVES = ("--checkpoint-minutes", 0)


def recovers() -> None:
    """With room again, the same command ends as if nothing had been."""
    assert told("run.json")["status"] == "failed"
    assert list(Path(OUT).rglob("*.tmp")) == []
    assert pretrain(SCENES, *SAVES).code == 0
    here = state()
    shutil.rmtree(OUT)
    assert pretrain(SCENES, *SAVES).code == 0
    assert differing(here, state()) == []


def test_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked before each save: the first saves find room, a later one does not."""
    ensure, calls = primitives.free_bytes, [0]

    def free(folder: Path) -> int:
        calls[0] += Path(folder).name == "checkpoints"
        return 1000 if calls[0] == 4 else ensure(folder)

    with monkeypatch.context() as patch:
        patch.setattr(primitives, "free_bytes", free)
        said = pretrain(SCENES, *SAVES)
    refused(said, 6, "the disk under run/checkpoints is nearly full: needs ", "free 1.0 kB.")
    assert (Path(OUT) / "checkpoints" / "LATEST").read_text() == "step-00000003\n"
    recovers()


def test_a_disk_that_fills_up_while_a_checkpoint_is_written() -> None:
    assert pretrain(SCENES, *SAVES).code == 0
    shutil.rmtree(OUT)
    with fault("write", 20, "raise") as planned:
        said = pretrain(SCENES, *SAVES)
    assert planned.fired
    refused(said, 6, "is full: needs ", ", free ", "Make room and give the same command again.")
    recovers()


def test_a_real_limit_on_the_size_of_files() -> None:
    """The system refuses as a quota does, in the middle of the first checkpoint's largest file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        said = pretrain(SCENES, *SAVES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    refused(said, 6, "is full: needs ", "Make room and give the same command again.")
    assert RunFolder(OUT).status == "failed"
    recovers()
