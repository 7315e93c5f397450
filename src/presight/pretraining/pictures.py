"""Pictures of what a run sees: the first views of each kind, as one mosaic."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor

from presight.core.batch import Views
from presight.store import atomic
from presight.store.folder import RunFolder

COLUMNS = 12
"""Images in a mosaic; the rows are their views."""


def save_views(folder: RunFolder, views: Views, images: int) -> None:
    """Write `pictures/views-NAME.png` for every picture-like view of a batch of `images` images."""
    atomic.make_folder(folder.path / "pictures")
    for name, view in views.items():
        if view.ndim == 4 and view.is_floating_point() and view.shape[1] == 3:
            atomic.write_bytes(
                folder.path / "pictures" / f"views-{name}.png", _png(_mosaic(view, images))
            )


def _mosaic(view: Tensor, images: int) -> Tensor:
    """[3, H, W]: a column an image, a row a crop; two pixels between."""
    crops = view.float().cpu().reshape(-1, images, *view.shape[1:])[:, :COLUMNS]  # [c, n, 3, h, w]
    framed = torch.nn.functional.pad(crops.clamp(0, 1), (1, 1, 1, 1), value=1.0)
    return torch.cat([torch.cat(list(row), dim=2) for row in framed], dim=1)


def _png(picture: Tensor) -> bytes:
    array = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()
