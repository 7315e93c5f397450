"""Names of formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from presight.errors import UsageError
from presight.exporting.export import export
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
