"""Pictures of a run as mosaics: what a method sees, and what it shows; `pictures.json` lists them.

The list has a line of JSON for each file: file, kind (`views` or `shown`), name, rows and columns
of the mosaic, caption.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from presight.core.batch import Views
from presight.errors import IntegrityError
from presight.store import atomic, records
from presight.store.folder import RunFolder

COLUMNS = 12
"""Pictures in a row of a mosaic, at most."""
MOST = 96
"""Pictures in a mosaic of what a method shows, at most."""
LIST = "pictures.json"


def save_views(folder: RunFolder, views: Views, images: int) -> None:
    """Write `pictures/views-NAME.png` for every picture-like view of a batch of `images` images.

    A column an image, a row a crop.
    """
    made = []
    for name, view in views.items():
        if view.ndim == 4 and view.is_floating_point() and view.shape[1] == 3:
            crops = view.reshape(-1, images, *view.shape[1:])[:, :COLUMNS]  # [c, n, 3, h, w]
            caption = (
                f"Views of the kind {name}, as training sees them: a column is an image, a row a "
                "view that was drawn of it."
            )
            made.append(_save(folder, "views", name, crops, caption))
    _list(folder, made)


def save_shown(folder: RunFolder, pictures: Mapping[str, Tensor], epochs: float) -> None:
    """Write `pictures/shown-NAME.png` for what a method shows, over what it showed before.

    Args:
        folder: of the run.
        pictures: name -> float [n, 3 or 1, h, w] in [0, 1], as `Method.show` gives.
        epochs: that the method has learned for.
    """
    made = []
    for name, found in pictures.items():
        if not len(found):
            continue
        colored = found.expand(-1, 3, -1, -1) if found.shape[1] == 1 else found[:, :3]
        after = f"after {epochs:.4g} epochs."
        if name == "reconstructions" and len(found) % 2 == 0:
            rows = colored.reshape(2, -1, *colored.shape[1:])[:, :COLUMNS]
            caption = f"Images above, and what the model makes of them below, {after}"
        else:
            rows = _rows(colored[:MOST])
            word = name.replace("_", " ").replace("-", " ")
            drawn = "Images drawn from the model" if name == "samples" else word.capitalize()
            caption = f"{drawn}, {after}"
        made.append(_save(folder, "shown", name, rows, caption))
    _list(folder, made)


def listed(folder: RunFolder) -> list[dict[str, Any]]:
    """What the list says, in its order; nothing where there is none, or it is damaged."""
    path = folder.path / "pictures" / LIST
    try:
        return [dict(entry) for entry in records.read(path)] if path.is_file() else []
    except (OSError, IntegrityError):
        return []


def _save(folder: RunFolder, kind: str, name: str, rows: Tensor, caption: str) -> dict[str, Any]:
    """Write a mosaic [rows, columns, 3, h, w]; its line of the list."""
    atomic.make_folder(folder.path / "pictures")
    file = f"{kind}-{re.sub(r'[^A-Za-z0-9_-]', '-', name)[:80]}.png"
    atomic.write_bytes(folder.path / "pictures" / file, _png(_mosaic(rows)))
    return {
        "file": file,
        "kind": kind,
        "name": name,
        "rows": rows.shape[0],
        "columns": rows.shape[1],
        "caption": caption,
    }


def _list(folder: RunFolder, made: Sequence[dict[str, Any]]) -> None:
    """Put lines into the list; one of the same file is replaced."""
    if not made:
        return
    entries = {entry.get("file"): entry for entry in [*listed(folder), *made]}
    lines = "".join(json.dumps(entry) + "\n" for entry in entries.values())
    atomic.write_text(folder.path / "pictures" / LIST, lines)


def _rows(pictures: Tensor) -> Tensor:
    """[r, c, 3, h, w]: in equal rows where one of 6 to 12 columns divides them, else white ends."""
    count = len(pictures)
    fitting = [c for c in range(COLUMNS, 5, -1) if count % c == 0]
    columns = fitting[0] if fitting else min(count, COLUMNS)
    missing = -count % columns
    padded = torch.cat([pictures, pictures.new_ones(missing, *pictures.shape[1:])])
    return padded.reshape(-1, columns, *pictures.shape[1:])


def _mosaic(rows: Tensor) -> Tensor:
    """[3, H, W]: two pixels between the pictures."""
    clean = rows.float().cpu().nan_to_num(0.0).clamp(0, 1)
    framed = torch.nn.functional.pad(clean, (1, 1, 1, 1), value=1.0)
    return torch.cat([torch.cat(list(row), dim=2) for row in framed], dim=1)


def _png(picture: Tensor) -> bytes:
    array = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()
