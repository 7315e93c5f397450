"""Export to timm's own keys."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch

from presight.core.backbone import Backbone
from presight.exporting import layout
from presight.exporting.formats import Exported
from presight.nn import catalog
from presight.nn.wrapped import TimmBackbone


def export(backbone: Backbone, path: Path) -> Exported:
    """Write a file that `timm.create_model(NAME, num_classes=0, checkpoint_path=...)` loads.

    Args:
        backbone: a timm network, or a torchvision resnet of the standard layout.
        path: ends in .safetensors.

    Returns:
        The file and how the loaded network compared.

    Raises:
        UsageError: where the layout is another; the text names the formats that work.
        Unavailable: without timm.
        IntegrityError: where the loaded network differs; nothing is written then.
    """
    layout.require(backbone, "timm", layout.timm_refusal(backbone))
    name = catalog.canonical(backbone.source).removeprefix("timm/")
    catalog.check(f"timm/{name}")
    timm: Any = importlib.import_module("timm")
    source = layout.plain(backbone)
    words = layout.constants(source)
    side = source.image_size if isinstance(source, TimmBackbone) else 0
    options = {"img_size": side} if side else {}

    @torch.no_grad()
    def verify(file: Path) -> tuple[list[str], list[str], float]:
        fresh = timm.create_model(name, num_classes=0, pretrained=False, **options).eval()
        missing, unexpected = layout.load(fresh, file, "")
        images = layout.pictures(side=side or 64)
        inputs = layout.normalized(images, words)
        if isinstance(source, TimmBackbone):  # its features are the last map's mean, not the token
            before, after = source.maps(inputs)[-1], source.maps(inputs, fresh)[-1]
        else:
            before, after = source(images), fresh(inputs)
        return missing, unexpected, layout.compare(before, after)

    weights = source.get_submodule("trunk").state_dict()
    path, missing, unexpected, difference = layout.write(Path(path), weights, words, verify)
    size = f", img_size={side}" if side else ""
    usage = f"timm.create_model({name!r}, num_classes=0{size}, checkpoint_path={str(path)!r})"
    return Exported(path, len(weights), missing, unexpected, difference, usage)
