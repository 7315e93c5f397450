"""Names of formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from presight.errors import UsageError
from presight.exporting.export import export
from presight.exporting.formats import Exported
from presight.testing.tiny import TinyBackbone


def test_formats_leave_torch_alone() -> None:
    code = (
        "import sys, presight.exporting.formats as f; f.formats(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_unknown_formats_and_endings(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nearest: torchvision"):
        export(TinyBackbone(), "torchvison", tmp_path / "b.safetensors")
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        export(TinyBackbone(), "safetensors", tmp_path / "b.pth")


def test_people_and_machines_are_told_how_the_file_compared() -> None:
    done = Exported(Path("x"), 60, ("fc.weight",), (), 1.2e-7, "model.load_state_dict(...)")
    assert done.lines() == [
        "x: 60 keys, missing 0 but for the classifier, which a run has not, unexpected 0, largest "
        "difference after loading 1.2e-07",
        "model.load_state_dict(...)",
    ]
    assert done.summary == {
        "path": "x",
        "keys": 60,
        "missing": ["fc.weight"],
        "unexpected": [],
        "max_difference": 1.2e-7,
    }
