"""Whose layout a backbone's weights have, and what every export checks."""

from __future__ import annotations

import copy
import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from presight.core.backbone import Backbone
from presight.errors import IntegrityError, UsageError
from presight.nn import catalog
from presight.nn.wrapped import TimmBackbone, TorchvisionBackbone
from presight.store import atomic
from presight.store import tensors as store

TOLERANCE = 1e-4
"""Largest relative difference of features; the same sums in another order cost about 1e-6."""
ONNX_NEEDS = ("onnx", "onnxscript", "onnxruntime")
"""Packages that an export to ONNX needs."""


def torchvision_refusal(backbone: Backbone) -> str:
    """Why torchvision's network of the same name would not load the trunk; "" if it would."""
    if not isinstance(backbone, TorchvisionBackbone):
        return f"its layout is {backbone.source}, which torchvision does not have"
    if backbone.altered:
        return f"its layout is {backbone.source} with {backbone.altered}"
    return ""


def timm_refusal(backbone: Backbone) -> str:
    """Why timm's network of the same name would not load the trunk; "" if it would.

    torchvision's resnets have the same keys in timm.
    """
    if isinstance(backbone, TimmBackbone):
        return (
            f"its layout is {backbone.source} with {backbone.altered}" if backbone.altered else ""
        )
    name = catalog.canonical(backbone.source)
    if not isinstance(backbone, TorchvisionBackbone) or catalog.family_of(name) != "resnet":
        return f"its layout is {backbone.source}, which timm does not have"
    return torchvision_refusal(backbone)


def fitting(backbone: Backbone, *, but: str = "") -> tuple[str, ...]:
    """The formats that a backbone can be exported to, as far as is known before it is tried.

    Args:
        backbone: to export.
        but: the format that was tried and failed.
    """
    refusals = {
        "torchvision": torchvision_refusal(backbone),
        "timm": timm_refusal(backbone) or _lacking("timm"),
        "onnx": _lacking(*ONNX_NEEDS),
        "safetensors": "",
    }
    return tuple(name for name, refusal in refusals.items() if not refusal and name != but)


def _lacking(*packages: str) -> str:
    """The first of the packages that is not installed; "" where all are."""
    return next((name for name in packages if importlib.util.find_spec(name) is None), "")


def require(backbone: Backbone, to: str, refusal: str) -> None:
    """Refuse a backbone for a format, naming those that work.

    Raises:
        UsageError: where there is a refusal.
    """
    if refusal:
        stem = " (the standard layout comes from --stem standard)"
        hint = stem if "small stem" in refusal else ""
        raise UsageError(
            f"this backbone does not fit {to}: {refusal}{hint}. Formats that work: "
            f"{', '.join(fitting(backbone, but=to))}."
        )


def plain(backbone: Backbone) -> Backbone:
    """A copy on the CPU, float32, in eval mode."""
    return copy.deepcopy(backbone).cpu().float().eval()


def constants(backbone: Backbone) -> dict[str, str]:
    """The normalization that belongs to the weights, as words for a file's metadata."""
    normalize = getattr(backbone, "normalize", None)
    words = {"source": backbone.source, "dim": str(backbone.dim)}
    if normalize is not None:
        std = (1.0 / normalize.scale).flatten()
        mean = (-normalize.shift / normalize.scale).flatten()
        words["mean"] = " ".join(f"{value:.6g}" for value in mean.tolist())
        words["std"] = " ".join(f"{value:.6g}" for value in std.tolist())
    return words


def normalized(images: Tensor, words: Mapping[str, str]) -> Tensor:
    """Images as a file's metadata say that its network wants them."""
    mean = torch.tensor([float(value) for value in words["mean"].split()]).view(1, -1, 1, 1)
    std = torch.tensor([float(value) for value in words["std"].split()]).view(1, -1, 1, 1)
    return (images - mean) / std


def pictures(channels: int = 3, side: int = 64) -> Tensor:
    """Two images of noise, always the same."""
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def write(
    path: Path,
    weights: Mapping[str, Tensor],
    words: Mapping[str, str],
    verify: Callable[[Path], tuple[list[str], list[str], float]],
) -> tuple[Path, tuple[str, ...], tuple[str, ...], float]:
    """Write beside the path, load it back, and only then give it its name.

    Args:
        path: of the file; .safetensors, its folder is made.
        weights: by key.
        words: metadata.
        verify: loads the file and answers missing keys, unexpected keys and largest difference.

    Raises:
        UsageError: for another ending, or a folder where the file should be.
    """
    if path.suffix != ".safetensors" or path.is_dir():
        raise UsageError(f"cannot write {path}: expected a file that ends in .safetensors.")
    atomic.make_folder(path.parent)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.safetensors")
    try:
        store.save_tensors(part, weights, words)
        missing, unexpected, difference = verify(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path, tuple(missing), tuple(unexpected), difference


def load(fresh: nn.Module, file: Path, head: str) -> tuple[list[str], list[str]]:
    """Load a file into a fresh network of the library.

    Returns:
        Missing and unexpected keys.

    Raises:
        IntegrityError: if any key is missing but the classifier's, or too many.
    """
    answer = fresh.load_state_dict(store.load_tensors(file), strict=False)
    missing, unexpected = list(answer.missing_keys), list(answer.unexpected_keys)
    lost = [key for key in missing if not head or not key.startswith(head + ".")]
    if lost or unexpected:
        raise IntegrityError(
            f"the exported weights do not load: missing {lost[:3]}, unexpected {unexpected[:3]}. "
            f"The library's network has changed; export to safetensors."
        )
    return missing, unexpected


def compare(before: Tensor, after: Tensor) -> float:
    """The largest absolute difference of features.

    Raises:
        IntegrityError: if it is more than rounding.
    """
    difference = (before - after).abs().max().item()
    if not difference <= TOLERANCE * (1.0 + before.abs().max().item()):
        raise IntegrityError(
            f"the exported network's features differ by {difference:.3g} from the backbone's; "
            f"nothing was written. Export to safetensors."
        )
    return difference
