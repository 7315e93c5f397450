"""export(): a backbone to a file of another library's kind."""

from __future__ import annotations

from pathlib import Path

from presight.core.backbone import Backbone
from presight.evaluation import kept
from presight.exporting import formats, model, onnx, safetensors, timm, torchvision
from presight.exporting.formats import Exported
from presight.pretraining import model_card
from presight.restore import Origin, load_backbone, origin_of

_WRITERS = {"torchvision": torchvision.export, "timm": timm.export, "onnx": onnx.export}
_NAMES = {"safetensors": "backbone.safetensors", "onnx": "backbone.onnx"}


def usual_path(run: str | Path, to: str) -> Path:
    """Where an export goes unless told: into a folder `export`, in the run or beside the file."""
    where = Path(run)
    folder = where if where.is_dir() else where.parent
    return folder / "export" / _NAMES.get(to, f"backbone-{to}.safetensors")


def export_run(run: str | Path, to: str, out: str, plugin: str) -> Exported:
    """What `presight.export` does, whose options these are: of a run also the model card.

    A kept model goes with its head.

    Raises:
        UsageError: as `export`; or the code of the run's method is needed.
        IntegrityError: as `export`; or the run is damaged. Nothing is written then.
    """
    formats.check(to)
    if kept.is_model(run):
        return model.export_model(run, to, out, plugin)
    backbone, origin = load_backbone(run, plugin), origin_of(Path(run), plugin)
    facts = model_card.facts_of(run, plugin)
    done = export(backbone, to, Path(out) if out else usual_path(run, to), origin)
    if facts:
        model_card.write_model_card(facts, done.path, done.usage)
    return done


def export(backbone: Backbone, to: str, path: Path, origin: Origin | None = None) -> Exported:
    """Write a backbone in a format, load it back and compare.

    Args:
        backbone: of a method, or from `encoders`.
        to: one of `formats.formats()`.
        path: of the file; ends in .safetensors, or in .onnx.
        origin: where the backbone comes from, if known: safetensors keeps it, so that
            `presight.load_backbone` reads the file.

    Returns:
        The file, its keys, and the largest difference of features.

    Raises:
        UsageError: for an unknown format, or one whose layout the backbone does not have.
        Unavailable: for timm without timm, or onnx without onnx.
        IntegrityError: if the loaded network differs; nothing is written then.
    """
    formats.check(to)
    if to == "safetensors":
        return safetensors.export(backbone, Path(path), origin)
    return _WRITERS[to](backbone, Path(path))
