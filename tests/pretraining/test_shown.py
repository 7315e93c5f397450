"""What a method shows is saved, and training does not notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from presight.methods.generative.vae import VAE
from presight.methods.pretext.rotation import Rotation
from presight.pretraining import shown as module
from presight.pretraining.pictures import listed
from presight.pretraining.shown import Shown, shows
from presight.store.folder import RunFolder
from pretraining.test_run import same_weights
from tinyruns import UPDATES, tiny

VAE_WORDS: dict[str, Any] = {"method": "vae", "dim": 4, "width": 8, "grid": 1, "warmup": 0.0}


def shown_entries(folder: Path) -> list[tuple[str, int, int]]:
    return [
        (entry["name"], entry["rows"], entry["columns"])
        for entry in listed(RunFolder(folder))
        if entry["kind"] == "shown"
    ]


def test_only_who_shows_something_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[Any] = [VAE.__new__(VAE), Rotation.__new__(Rotation)]
    assert [shows(method) for method in kinds] == [True, False]


def test_reconstructions_and_samples_stand_in_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny(folder, **VAE_WORDS)
    assert shown_entries(folder) == [("reconstructions", 2, 8), ("samples", 2, 8)]
    made = {path.name for path in (folder / "pictures").iterdir()}
    assert made == {
        "views-view.png",
        "shown-reconstructions.png",
        "shown-samples.png",
        "pictures.json",
    }
    captions = [entry["caption"] for entry in listed(RunFolder(folder))]
    assert captions[1] == "Images above, and what the model makes of them below, after 1 epochs."


def test_training_does_not_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, with pictures at every record and with none."""
    with monkeypatch.context() as patch:
        patch.setattr(Shown, "on_record", lambda self, values: self.save(1, UPDATES, 0.25))
        tiny(tmp_path / "watched", **VAE_WORDS)
    with monkeypatch.context() as patch:
        patch.setattr(Shown, "on_record", lambda self, values: None)
        tiny(tmp_path / "alone", **VAE_WORDS)
    assert shown_entries(tmp_path / "watched")
    assert not shown_entries(tmp_path / "alone")
    assert same_weights(tmp_path / "watched", tmp_path / "alone")


def test_pictures_come_at_the_end_of_epochs_but_not_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [50.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    saved: list[int] = []
    monkeypatch.setattr(Shown, "save", lambda self, number, total, epochs: saved.append(number))
    anything: Any = None
    watcher = Shown(anything, anything, anything, anything)
    for step in range(1, 41):
        clock[0] += 10.0
        watcher.on_record({"step": step, "steps": 40, "epoch": step / 4})
    assert saved == [4, 24, 40]


def test_a_show_that_fails_is_said_once_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def show(self: VAE, views: Any, step: Any) -> dict[str, torch.Tensor]:
        raise KeyError("no such view")

    monkeypatch.setattr(VAE, "show", show)
    folder = tmp_path / "run"
    tiny(folder, epochs=2.0, **VAE_WORDS)
    assert RunFolder(folder).status == "done"
    assert capsys.readouterr().err.count("VAE.show failed: KeyError('no such view')") == 1
