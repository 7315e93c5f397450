"""export(): a backbone to a file of another library's kind."""

from __future__ import annotations

from pathlib import Path

from presight.core.backbone import Backbone
from presight.exporting import formats, onnx, safetensors, timm, torchvision
from presight.exporting.formats import Exported

_WRITERS = {
    "torchvision": torchvision.export,
    "timm": timm.export,
    "onnx": onnx.export,
    "safetensors": safetensors.export,
}


def usual_path(run: str | Path, to: str) -> Path:
    """Where an export goes unless told: into a folder `export`, in the run or beside the file."""
    where = Path(run)
    folder = where if where.is_dir() else where.parent
    name = "backbone.onnx" if to == "onnx" else f"backbone-{to}.safetensors"
    return folder / "export" / name


def export(backbone: Backbone, to: str, path: Path) -> Exported:
    """Write a backbone in a format, load it back and compare.

    Args:
        backbone: of a method, or from `encoders`.
        to: one of `formats.formats()`.
        path: of the file; ends in .safetensors, or in .onnx.

    Returns:
        The file, its keys, and the largest difference of features.

    Raises:
        UsageError: for an unknown format, or one whose layout the backbone does not have.
        Unavailable: for timm without timm, or onnx without onnx.
        IntegrityError: if the loaded network differs; nothing is written then.
    """
    formats.check(to)
    return _WRITERS[to](backbone, Path(path))
