"""Going on: the folder's configuration under a new command, its precision, the same images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from presight.core.options import split
from presight.core.settings import Settings
from presight.data.scenes import Scenes
from presight.errors import RunError
from presight.pretraining.configuration import Configuration
from presight.pretraining.configure import configure
from presight.pretraining.resume import continued, precision, same_data
from presight.store.folder import RunFolder
from tinyruns import DATA, WORDS, copied


def goes_on(folder: RunFolder, **changes: Any) -> Configuration:
    """The finished run's own command, with changes."""
    parts = split(**{**WORDS, "out": str(folder), **changes})
    return continued(DATA, folder, parts.settings, parts.plan, parts.options)


@pytest.mark.parametrize("epochs", [0.5, 1.0])
def test_a_finished_run_is_extended_by_more_epochs_only(finished: Path, epochs: float) -> None:
    folder = RunFolder(finished)
    assert goes_on(folder, epochs=1.25).plan.epochs == 1.25
    with pytest.raises(RunError, match="holds a finished run") as caught:
        goes_on(folder, epochs=epochs)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "diverged"])
def test_any_other_run_goes_on(status: Any, tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "run"))
    folder.update(status)
    saved = Configuration.read(folder)
    found = goes_on(folder)
    assert found.plan == saved.plan
    assert (found.spec, found.options, found.fingerprint) == (
        saved.spec,
        saved.options,
        saved.fingerprint,
    )


def test_fewer_epochs_than_are_done_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "run"))
    folder.update("interrupted")
    with pytest.raises(RunError, match=r"--epochs 0.5 is less than .* 4 updates of 4 an epoch\. "):
        goes_on(folder, epochs=0.5)
    assert goes_on(folder, epochs=1.0).plan.epochs == 1.0


def test_a_moved_run_goes_on_where_it_lies(tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "elsewhere"))
    found = goes_on(folder, epochs=2.0)
    assert found.settings.out == str(folder)


def test_the_precision_of_a_run_is_the_one_that_it_began_with(tmp_path: Path) -> None:
    folder = RunFolder(copied(tmp_path / "run"))
    text = folder.config.read_text()
    folder.config.write_text(text.replace("precision: fp32", "precision: bf16"))
    assert precision(folder, Settings(), {}) == "bf16"
    assert precision(folder, Settings(), {"precision": "fp64"}) == "fp64"
    assert precision(folder, Settings(overwrite=True), {}) == "auto"
    assert precision(RunFolder(tmp_path / "new"), Settings(), {}) == "auto"
    assert precision(RunFolder(tmp_path / "new"), Settings(), {"precision": "fp64"}) == "fp64"


def test_other_images_are_refused(finished: Path) -> None:
    folder = RunFolder(finished)
    config = Configuration.read(folder)
    assert same_data(config, Scenes(64, size=16), Settings(), folder) is config
    consent = Settings(accept_data_change=True)
    with pytest.raises(RunError, match=r"64 images, now 65\. Start anew") as caught:
        same_data(config, Scenes(65, size=16), consent, folder)
    assert caught.value.exit_code == 6
    assert "accept-data-change" not in str(caught.value)  # it would not help
    edited = Scenes(64, size=16, seed=1)
    with pytest.raises(RunError, match=r"--accept-data-change goes on with them, or start anew"):
        same_data(config, edited, Settings(), folder)
    accepted = same_data(config, edited, consent, folder)
    assert accepted == dataclasses.replace(config, fingerprint=edited.fingerprint)


def kept_code(path: Path) -> tuple[RunFolder, Path]:
    """A run of a plugin's method, not finished, and the plugin."""
    plugin = path / "mine.py"
    plugin.write_text((Path(__file__).parents[2] / "examples" / "my_method.py").read_text())
    code: dict[str, Any] = {"method": "agree-and-spread", "plugin": str(plugin)}
    folder = RunFolder(path / "run").create()
    parts = split(**{**WORDS, "out": str(folder), **code})
    source = Scenes(64, size=16)
    configure(DATA, source, parts.settings, parts.plan, parts.options, "cpu", "fp32").write(folder)
    return folder, plugin


def test_a_plugin_that_moved_goes_on(tmp_path: Path) -> None:
    folder, plugin = kept_code(tmp_path)
    moved = tmp_path / "moved.py"
    moved.write_bytes(plugin.read_bytes().replace(b"\n", b"\r\n"))  # as some tools check it out
    plugin.unlink()
    for place in (moved, folder.plugin):
        found = goes_on(folder, method="agree-and-spread", plugin=str(place))
        assert found.settings.plugin == str(place)


def test_a_plugin_that_changed_is_refused_with_the_first_difference(tmp_path: Path) -> None:
    folder, plugin = kept_code(tmp_path)
    other = tmp_path / "other.py"
    text = plugin.read_text()
    other.write_text(
        text.replace("-agreement", "agreement").replace("eps: float = 0.5", "eps: float = 0.4")
    )
    line = 1 + text[: text.index("-agreement")].count("\n")
    with pytest.raises(RunError) as caught:
        goes_on(folder, method="agree-and-spread", plugin=str(other))
    message = str(caught.value)
    assert f"other.py changed since {folder} began: line {line} is now `" in message
    assert "-agreement" in message
    assert f"--plugin {folder.plugin}. For the new code start anew: --out {folder}2" in message
    other.write_text(text + "# more\n")
    with pytest.raises(RunError, match=r"line .* is now"):
        goes_on(folder, method="agree-and-spread", plugin=str(other))
