"""pretrain(), in process: a folder that holds a run, goes on, ends, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from presight.core import yamlfile
from presight.core.configuration import flatten
from presight.errors import (
    Diverged,
    Interrupted,
    OutOfMemory,
    PresightError,
    RunError,
    Stopped,
    Unavailable,
    UsageError,
)
from presight.pretraining import run
from presight.pretraining.configuration import Configuration
from presight.pretraining.speed import Speed
from presight.store.doctor import inspect_run
from presight.store.folder import RunFolder
from presight.store.records import read
from presight.store.tensors import load_tensors
from presight.training import runtime as devices
from presight.training.checkpoint import Checkpoints
from presight.training.observers import Values
from tinyruns import DATA, UPDATES, WORDS, copied, files, tiny

module: Any = run
"""Its imports are replaced here."""


class Breaks:
    """An observer that raises at a record."""

    def __init__(self, error: BaseException, at: int) -> None:
        self.error, self.at, self.ended = error, at, 0

    def on_record(self, values: Values) -> None:
        if values["step"] >= self.at:
            raise self.error

    def on_advice(self, advice: Any) -> None:
        """Not of interest."""

    def on_end(self) -> None:
        self.ended += 1


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException, at: int = 2) -> Breaks:
    """Let the next run break."""
    observer = Breaks(error, at)
    watchers = module.watchers

    def with_one_more(*args: Any) -> list[Any]:
        return [*watchers(*args), observer]

    monkeypatch.setattr(module, "watchers", with_one_more)
    return observer


def same_weights(one: Path, other: Path) -> bool:
    here, there = (load_tensors(path / "backbone.safetensors") for path in (one, other))
    return here.keys() == there.keys() and all(torch.equal(here[k], there[k]) for k in here)


def steps(folder: Path) -> list[object]:
    return [record["step"] for record in read(folder / "metrics.jsonl")]


def test_what_a_finished_run_leaves_behind(finished: Path) -> None:
    assert RunFolder(finished).status == "done"
    assert steps(finished)[-1] == UPDATES
    assert [f for f in inspect_run(finished) if f.broken] == []
    top = {path.name for path in finished.iterdir()}
    assert {"run.json", "config.yaml", "data.json", "environment.json"} < top
    assert json.loads((finished / "environment.json").read_text())["device"] == "cpu"
    assert {"metrics.jsonl", "checkpoints", "pictures", "backbone.safetensors"} < top
    assert [path for path in finished.rglob("*") if path.suffix in (".pt", ".pth", ".pkl")] == []


def test_what_a_person_and_a_machine_are_told(tmp_path: Path) -> None:
    done = tiny(tmp_path / "run")
    assert done.folder == tmp_path / "run"
    assert done.summary["updates"] == UPDATES
    assert done.summary["epochs"] == 1
    assert json.loads(json.dumps(done.summary)) == done.summary
    told = "\n".join(done.lines())
    assert f"{UPDATES:,} updates" in told
    assert str(tmp_path / "run" / "backbone.safetensors") in told
    assert not done.backbone().training


def test_nothing_is_written_beside_the_run_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "unused"))
    tiny(Path("a") / "run", cache_dir=str(tmp_path / "cache"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "cache"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["run"]


def test_a_tracker_writes_into_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny("run", track=("tensorboard",))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert list((tmp_path / "run" / "tensorboard").rglob("events.out.tfevents.*"))
    assert inspect_run(tmp_path / "run") == []


def test_without_out_the_run_goes_by_its_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tiny("").folder == Path("runs/rotation")


@pytest.mark.parametrize("order", ["dry_run", "print_config"])
def test_an_order_to_look_writes_nothing(order: str, tmp_path: Path) -> None:
    look: dict[str, Any] = {order: True}
    done = tiny(tmp_path / "run", **look)
    assert list(tmp_path.iterdir()) == []
    assert done.summary["dry_run"] is True
    kept = copied(tmp_path / "kept")
    before = files(kept)
    tiny(kept, epochs=5.0, **look)
    tiny(kept, overwrite=True, **look)
    assert files(kept) == before
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_printed_configuration_gives_the_same_run(tmp_path: Path) -> None:
    (text,) = tiny(tmp_path / "run", print_config=True, seed=3).lines()
    file = tmp_path / "printed.yaml"
    file.write_text(text)
    flat = flatten(yamlfile.read(file))
    assert flat.pop("data") == DATA
    again = tiny(flat.pop("out"), **flat, print_config=True).lines()
    assert _values(again[0]) == _values(text)


def _values(text: str) -> list[str]:
    """Lines without their comments."""
    return [line.partition("  #")[0] for line in text.splitlines()]


def test_a_finished_run_says_so_and_is_left_alone(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    before = files(folder)
    for changes in ({}, {"epochs": 0.5}, {"keep": 9}):
        with pytest.raises(RunError, match=r"holds a finished run.*larger --epochs") as caught:
            tiny(folder, **changes)
        assert caught.value.exit_code == 6
    assert files(folder) == before


def test_another_command_is_refused_and_the_run_left_alone(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    before = files(folder)
    with pytest.raises(RunError, match=r"seed \| not given \| 3") as caught:
        tiny(folder, epochs=2.0, seed=3)
    assert caught.value.exit_code == 6
    with pytest.raises(RunError, match=r"data \| scenes:64\?size=16 \| scenes:65"):
        tiny(folder, "scenes:65?size=16", epochs=2.0)
    assert files(folder) == before


def test_more_epochs_extend_to_what_they_would_have_been(tmp_path: Path) -> None:
    steady: dict[str, Any] = {"schedule": "constant", "warmup_epochs": 0.0}
    straight, extended = tmp_path / "straight", tmp_path / "extended"
    tiny(straight, epochs=2.0, **steady)
    tiny(extended, **steady)
    tiny(extended, epochs=2.0, **steady)
    assert same_weights(straight, extended)
    assert steps(straight)[-1] == steps(extended)[-1] == 2 * UPDATES
    assert RunFolder(extended).status == "done"
    assert Configuration.read(RunFolder(extended)).plan.epochs == 2
    assert [f for f in inspect_run(extended) if f.broken] == []


def test_overwrite_moves_the_old_run_aside_whole(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    before = files(folder)
    tiny(folder, overwrite=True, seed=9)
    (aside,) = [path for path in tmp_path.iterdir() if path.name.startswith("run.old-")]
    assert files(aside) == before
    assert Configuration.read(RunFolder(folder)).plan.seed == 9


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Interrupted("a signal came."), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (Stopped("enough."), "interrupted"),
        (Diverged("loss is not finite."), "diverged"),
        (ValueError("a bug"), "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_whatever_breaks_a_run_the_same_command_goes_on(
    error: BaseException,
    status: str,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        observer = broken(patch, error)
        with pytest.raises(type(error)):
            tiny(folder, checkpoint_minutes=0.0)
    assert observer.ended
    assert RunFolder(folder).status == status
    assert not (folder / "backbone.safetensors").exists()
    tiny(folder, checkpoint_minutes=0.0)
    assert RunFolder(folder).status == "done"
    assert same_weights(folder, finished)


def test_what_auto_stood_for_stays_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: False)
    with monkeypatch.context() as patch:
        broken(patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            tiny(folder, precision=None)
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: True)
    used: list[str] = []
    train = module.train

    def looked_at(*args: Any, **keywords: Any) -> Any:
        used.append(keywords["runtime"].precision)
        return train(*args, **keywords)

    monkeypatch.setattr(module, "train", looked_at)
    tiny(folder, precision=None)
    assert Configuration.read(RunFolder(folder)).plan.precision == "fp32"
    assert used == ["fp32"]


def test_a_run_that_was_stopped_before_its_first_word_begins_anew(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run").create()
    tiny(folder.path, seed=3)
    assert folder.status == "done"
    assert Configuration.read(folder).plan.seed == 3


def test_files_of_somebody_else_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"thesis\.tex first") as caught:
        tiny(tmp_path)
    assert caught.value.exit_code == 6
    assert files(tmp_path) == {"thesis.tex": b"years of work"}


def trained_parameters(folder: Path) -> dict[str, torch.Tensor]:
    """What an optimizer moves: not the statistics of norms."""
    held = load_tensors(folder / "backbone.safetensors")
    return {k: v for k, v in held.items() if "running" not in k and "num_batches" not in k}


@pytest.mark.parametrize("name", ["", "backbone.safetensors"])
def test_init_begins_from_a_run_or_its_file(name: str, finished: Path, tmp_path: Path) -> None:
    init = finished / name
    tiny(tmp_path / "still", init=str(init), lr=0.0, seed=5)
    tiny(tmp_path / "drawn", lr=0.0, seed=5)
    still, given = trained_parameters(tmp_path / "still"), trained_parameters(finished)
    assert still.keys() == given.keys()
    assert all(torch.equal(still[k], given[k]) for k in given)
    drawn = trained_parameters(tmp_path / "drawn")
    assert not all(torch.equal(drawn[k], given[k]) for k in given)


def test_a_run_goes_on_without_what_it_began_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are in its own checkpoints."""
    folder, init = tmp_path / "run", copied(tmp_path / "init")
    with monkeypatch.context() as patch:
        broken(patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            tiny(folder, init=str(init), checkpoint_minutes=0.0)
    init.rename(tmp_path / "gone")
    tiny(folder, init=str(init), checkpoint_minutes=0.0)
    assert RunFolder(folder).status == "done"


def _no_weights(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(folder / "hub"))
    return {"init": "torchvision:resnet18", "backbone": "resnet18", "stem": "standard"}


def _nowhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    return {"init": str(folder / "nowhere")}


def _another_network(monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    return {"init": str(copied(folder / "init")), "backbone": "resnet9:8"}


@pytest.mark.parametrize(
    ("prepare", "kind", "words"),
    [
        (_no_weights, Unavailable, "the weights of torchvision:resnet18 are not on disk"),
        (_nowhere, UsageError, "neither a run folder nor a backbone file"),
        (_another_network, UsageError, "holds weights of another network"),
    ],
)
def test_an_init_that_cannot_be_used_can_be_corrected(
    prepare: Callable[[pytest.MonkeyPatch, Path], dict[str, Any]],
    kind: type[PresightError],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(kind, match=words) as caught:
        tiny(folder, **prepare(monkeypatch, tmp_path))
    assert caught.value.exit_code == 2
    tiny(folder)
    assert RunFolder(folder).status == "done"


def test_a_budget_becomes_the_epochs_that_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.speed, "measure", lambda *args: Speed(10.0, 0.0))
    tiny(tmp_path / "run", epochs=None, minutes=1.0)
    config = Configuration.read(RunFolder(tmp_path / "run"))
    assert config.plan.epochs == config.spec.epochs == 5 / UPDATES  # 58.8 s, 10 s an update
    assert config.settings.minutes == 1
    assert config.origins["epochs"] == "auto: fit 1 minutes on this machine"
    assert steps(tmp_path / "run")[-1] == 5
    with pytest.raises(RunError, match="holds a finished run"):
        tiny(tmp_path / "run", epochs=None, minutes=1.0)


def test_a_negative_budget(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--minutes is -1\.0; expected a number 0 or more"):
        tiny(tmp_path / "run", epochs=None, minutes=-1.0)


def test_memory_that_runs_out_is_told_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB.\nMore words."))
    with pytest.raises(OutOfMemory) as caught:
        tiny(tmp_path / "run")
    message = str(caught.value)
    assert caught.value.exit_code == 5
    assert "out of memory at batch 16 x 16 px: CUDA out of memory. Tried 2 GiB. Try" in message
    assert "--accumulate 2" in message


def test_images_that_were_exchanged_need_consent(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    told = json.loads((folder / "data.json").read_text())
    (folder / "data.json").write_text(json.dumps(told | {"fingerprint": "0" * 32}))
    with pytest.raises(RunError, match="images were edited or renamed"):
        tiny(folder, epochs=2.0)
    tiny(folder, epochs=2.0, accept_data_change=True)
    assert Configuration.read(RunFolder(folder)).fingerprint == told["fingerprint"]


def test_the_origin_stands_in_every_checkpoint(finished: Path) -> None:
    snapshot = Checkpoints(finished / "checkpoints").latest()
    assert snapshot is not None
    origin = Configuration.read(RunFolder(finished)).origin
    assert snapshot.state["origin"] == origin.words()


def test_a_quiet_run_says_what_is_wrong_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny(tmp_path / "quiet")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == ["note"]
    assert "only 64 images" in err
    assert WORDS["quiet"] is True
    tiny(tmp_path / "loud", quiet=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert "data      64 images of scenes:64?size=16" in err
    assert "note: only 64 images" in err
