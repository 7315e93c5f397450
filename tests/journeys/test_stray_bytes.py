"""Names whose bytes are no UTF-8, as old archives and cameras leave them, go through every verb."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import presight
from presight.store.doctor import inspect_run
from presight.store.tensors import load_tensors
from tinyruns import tiny


def images(root: Path, classes: tuple[str, str], name: str) -> Path:
    """Two classes of twelve images; on a disk that refuses the names the test is skipped."""
    draw = np.random.default_rng(0)
    for number, kind in enumerate(classes):
        try:
            (root / kind).mkdir(parents=True)
            for i in range(12):
                pixels = draw.integers(120 * number, 135 + 120 * number, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(root / kind / f"{name}{i}.png")
        except OSError:
            pytest.skip("names are UTF-8 on this disk")
    return root


def goes_through(data: Path, folder: Path) -> None:
    assert presight.check(data, workers=1, quiet=True).lines()
    for epochs in (1.0, 2.0):  # the second goes on
        tiny(folder, str(data), batch_size=8, epochs=epochs, monitor_labels=str(data), workers=1)
    assert inspect_run(folder) == []
    assert presight.evaluate(folder, quiet=True).diagnostics
    measured = presight.evaluate(
        folder, data, test=data, label_counts="all", stages="none", quiet=True
    )
    assert measured.score("raw pixels", "linear") > 0.9
    made = presight.embed(folder, data, format="projector", select=3, map="none", quiet=True)
    assert len(made.identities) == 24
    assert presight.export(folder, out=folder / "weights.safetensors").keys > 0
    assert presight.report(folder, out=folder / "report.html").stat().st_size > 1000


def test_folders_of_images_and_of_a_run(tmp_path: Path) -> None:
    stray = os.fsdecode(b"ph\xf6tos")
    goes_through(images(tmp_path / stray, ("a", "b"), "i"), tmp_path / os.fsdecode(b"r\xfcn"))


def test_classes_and_files_in_the_folder(tmp_path: Path) -> None:
    classes = ("a", os.fsdecode(b"b\xfc"))
    goes_through(images(tmp_path / "photos", classes, os.fsdecode(b"im\xe9-")), tmp_path / "run")


def test_files_that_are_written_and_a_plugin(tmp_path: Path) -> None:
    plugin = images(tmp_path, ("a", "b"), "i") / os.fsdecode(b"m\xefne.py")
    example = Path(__file__).parents[2] / "examples" / "my_method.py"
    plugin.write_bytes(example.read_bytes())
    code = {"method": "agree-and-spread", "plugin": str(plugin)}
    folder = tiny(tmp_path / "run", **code, projector=(8, 4)).folder
    file = tmp_path / os.fsdecode(b"b\xe4ckbone.safetensors")
    assert presight.export(folder, out=file).path == file
    assert len(load_tensors(file)) == 48
    page = tmp_path / os.fsdecode(b"p\xe4ge.html")
    assert presight.report(folder, out=page) == page
