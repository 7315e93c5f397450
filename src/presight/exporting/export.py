"""export(): a backbone to a file of another library's kind."""

from __future__ import annotations

from pathlib import Path

from presight.core.backbone import Backbone
from presight.exporting import formats, safetensors, timm, torchvision
from presight.exporting.formats import Result

_WRITERS = {
    "torchvision": torchvision.export,
    "timm": timm.export,
    "safetensors": safetensors.export,
}


def usual_path(run: str | Path, to: str) -> Path:
    """Where an export goes unless told: the folder `export` of a run, or beside a file."""
    where = Path(run)
    folder = where if where.is_dir() else where.parent
    return folder / "export" / f"backbone-{to}.safetensors"


def export(backbone: Backbone, to: str, path: Path) -> Result:
    """Write a backbone in a format, load it back and compare.

    Args:
        backbone: of a method, or from `encoders`.
        to: one of `formats.formats()`.
        path: of the file; ends in .safetensors.

    Returns:
        The file, its keys, and the largest difference of features.

    Raises:
        UsageError: for an unknown format, or one whose layout the backbone does not have.
        Unavailable: for timm without timm.
        IntegrityError: if the loaded network differs; nothing is written then.
    """
    formats.check(to)
    return _WRITERS[to](backbone, Path(path))
