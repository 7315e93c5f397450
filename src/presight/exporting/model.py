"""Export of a kept model, with its head."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from presight.errors import UsageError
from presight.evaluation.kept import Model, load_model, model_file
from presight.evaluation.tasks.dense import enlarged
from presight.evaluation.tasks.heatmaps import decoded
from presight.exporting import layout, onnx
from presight.exporting.formats import Exported
from presight.nn import catalog
from presight.nn.stages import FAMILIES
from presight.store.tensors import read_metadata

OUTPUTS = {
    "classification": "probabilities",
    "pose5": "probabilities",
    "multilabel": "probabilities",
    "segmentation": "logits",
    "depth": "meters",
    "keypoints": "points",
}
"""What an ONNX file gives, by task: [B, C]; [B, C, s, s]; [B, 1, s, s]; x, y in shares of the view
and the peak's height [B, k, 3]."""

_LINEAR = ("classification", "pose5", "multilabel")
_NAMES = {"onnx": "model.onnx", "safetensors": "model.safetensors"}


class Answering(nn.Module):
    """A kept model as one function of views: what `OUTPUTS` says, instead of a head's own numbers.

    Args:
        model: of one of the tasks there.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, self.task = model.network, model.task

    def forward(self, images: Tensor) -> Tensor:
        """Of views float [B,3,s,s] in [0, 1]."""
        found: Tensor = self.network(images)
        if self.task == "multilabel":
            return found.sigmoid()
        if self.task in _LINEAR:
            return found.softmax(1)
        if self.task == "keypoints":
            return decoded(found)
        large = enlarged(found, (images.shape[-2], images.shape[-1]))
        return large.exp() if self.task == "depth" else large


def export_model(where: str | Path, to: str, out: str, plugin: str) -> Exported:
    """Write a kept model in a format, load it back and compare.

    Args:
        where: an evaluation's folder, or the model's file.
        to: safetensors, onnx or torchvision.
        out: the file; by default in a folder export beside the model.
        plugin: a Python file with the backbone's method, where the network is its own.

    Raises:
        UsageError: a format that the model does not fit.
        IntegrityError: what is loaded answers otherwise; nothing is written then.
    """
    file = model_file(where)
    model = load_model(file, plugin)
    refusal = _refusal(model, to)
    if refusal:
        fits = [
            name for name in ("safetensors", "onnx", "torchvision") if not _refusal(model, name)
        ]
        raise UsageError(f"{refusal}. Formats that work: {', '.join(fits)}.")
    usual = file.parent / "export" / _NAMES.get(to, f"model-{to}.safetensors")
    path = Path(out) if out else usual
    if to == "onnx":
        what = f"a model for {model.task} on {model.backbone.source}"
        return onnx.write(Answering(model), path, model.size, (), OUTPUTS[model.task], what,
                          lambda: ["safetensors"])  # fmt: skip
    if to == "torchvision":
        return _torchvision(model, path)
    return _safetensors(model, file, path, plugin)


def _refusal(model: Model, to: str) -> str:
    """Why a model is not written in a format; "" where it is."""
    if to == "timm":
        return "a model with a head is not written for timm, whose classifiers differ by network"
    if to == "onnx" and model.task not in OUTPUTS:
        return f"models for {model.task} are not written to onnx"
    if to == "torchvision":
        if model.task not in _LINEAR:
            return f"torchvision's networks have no head for {model.task}"
        if why := layout.torchvision_refusal(model.backbone):
            return f"this model does not fit torchvision: {why}"
        if _library(model) is None:
            return f"the classifier of torchvision's {model.backbone.source} is not one layer"
    return ""


def _library(model: Model) -> tuple[str, str, nn.Module] | None:
    """Torchvision's network for the model, with its name and its head's; None where it differs."""
    name = catalog.canonical(model.backbone.source)
    head = FAMILIES[catalog.family_of(name)].head
    try:
        made = torchvision.models.get_model(name, weights=None, num_classes=len(model.names))
    except TypeError:
        return None
    layer = getattr(made, head)
    fits = isinstance(layer, nn.Linear) and layer.in_features == model.backbone.dim
    return (name, head, made) if fits else None


def _torchvision(model: Model, path: Path) -> Exported:
    """Torchvision's own keys with the classifier's: nothing is missing."""
    found = _library(model)
    assert found is not None
    name, head, fresh = found
    words = {**layout.constants(model.backbone), "names": json.dumps(model.names)}
    last = {f"{head}.{key}": value for key, value in model.network.head.state_dict().items()}
    weights = {**model.backbone.get_submodule("trunk").state_dict(), **last}

    @torch.no_grad()
    def verify(file: Path) -> tuple[list[str], list[str], float]:
        missing, unexpected = layout.load(fresh, file, "")
        images = layout.pictures()
        answers = fresh.eval()(layout.normalized(images, words))
        return missing, unexpected, layout.compare(model(images), answers)

    path, missing, unexpected, difference = layout.write(path, weights, words, verify)
    usage = (
        f"model = torchvision.models.get_model({name!r}, num_classes={len(model.names)})\n"
        f"model.load_state_dict(safetensors.torch.load_file({str(path)!r}))"
    )
    return Exported(path, len(weights), missing, unexpected, difference, usage)


def _safetensors(model: Model, file: Path, path: Path, plugin: str) -> Exported:
    """The model's own file again, loaded back: it may lie anywhere, without its run."""
    weights = model.network.state_dict()

    def verify(written: Path) -> tuple[list[str], list[str], float]:
        again = load_model(written, plugin).network.state_dict()
        pairs = ((again[key].double(), value.double()) for key, value in weights.items())
        return [], [], max(float((a - b).abs().max()) for a, b in pairs if a.numel())

    path, missing, unexpected, difference = layout.write(path, weights, read_metadata(file), verify)
    more = f", plugin={plugin!r}" if plugin else ""
    usage = f"model = presight.load_model({str(path)!r}{more})"
    return Exported(path, len(weights), missing, unexpected, difference, usage)
