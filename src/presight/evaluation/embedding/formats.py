"""The same embedding in the files that other tools open."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from presight.core.wording import visible
from presight.errors import Unavailable
from presight.evaluation.embedding import sprite
from presight.evaluation.embedding.folder import Embedding, columns_of, printable
from presight.store import atomic

if TYPE_CHECKING:
    from torch import Tensor

    from presight.data.canvas import Images

Format = Literal["npz", "projector", "parquet", "all"]
_SPRITE_PIXELS = 8192  # TensorBoard draws no larger sheet


def write_projector(folder: Path, made: Embedding, images: Images, rows: Tensor) -> list[Path]:
    """Files of TensorBoard's projector: tensors, metadata, sprite, and the configuration.

    Args:
        folder: what `tensorboard --logdir` is given.
        made: the embedding.
        images: the data layer's images.
        rows: int64 [n], the row of each embedded image among them.

    Returns:
        What was written.
    """
    atomic.make_folder(folder)
    count, dim = made.vectors.shape
    columns = columns_of(made)
    # A file of one column has no head, and one of several columns has: both are its readers' rule.
    lines = list(zip(*columns.values(), strict=True))
    head = [tuple(columns)] if len(columns) > 1 else []
    metadata = "".join("\t".join(map(_cell, line)) + "\n" for line in [*head, *lines])
    side = min(sprite.SIDE, _SPRITE_PIXELS // max(1, int(np.ceil(np.sqrt(count)))))
    told = [f'  tensor_name: "presight"\n  tensor_shape: {count}\n  tensor_shape: {dim}\n',
            '  tensor_path: "tensors.bytes"\n  metadata_path: "metadata.tsv"\n']  # fmt: skip
    written = {
        "tensors.bytes": made.vectors.numpy().astype("<f4").tobytes(),
        "metadata.tsv": metadata.encode("utf-8", "replace"),
    }
    if side >= 8:
        picture, columns_count = sprite.sheet(images, rows.tolist(), side=side)
        square = np.zeros((columns_count * side, columns_count * side, 3), np.uint8)
        square[: len(picture)] = picture
        written["sprite.png"] = sprite.png(square)
        dims = f"    single_image_dim: {side}\n" * 2
        told.append(f'  sprite {{\n    image_path: "sprite.png"\n{dims}  }}\n')
    written["projector_config.pbtxt"] = f"embeddings {{\n{''.join(told)}}}\n".encode()
    for name, data in written.items():
        atomic.write_bytes(folder / name, data)
    return [folder / name for name in written]


def _cell(text: str) -> str:
    """A name without what would end its cell."""
    return visible(" ".join(text.split())) or "-"


def require_parquet() -> Any:
    """Pyarrow.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Unavailable(
            'parquet files need the extra "parquet": pip install "presight[parquet]"'
        ) from None


def write_parquet(path: Path, made: Embedding, images: Images, rows: Tensor) -> Path:
    """A table that embedding-atlas and data frames open.

    Columns: identity, label and predicted where there are any, `projection_x`, `projection_y`,
    `vector` (list of float32), `neighbors` (struct of ids and distances, 1 - cosine) and `image`
    (struct with a JPEG thumbnail in `bytes`).

    Args:
        path: of the file.
        made: the embedding.
        images: the data layer's images.
        rows: int64 [n], the row of each embedded image among them.

    Raises:
        Unavailable: pyarrow is not installed.
    """
    parquet, arrow = require_parquet(), importlib.import_module("pyarrow")
    columns: dict[str, Any] = {
        name: [printable(text) for text in words] for name, words in columns_of(made).items()
    }
    columns["projection_x"], columns["projection_y"] = made.map.numpy().T.astype(np.float32)
    columns["vector"] = arrow.array(
        list(made.vectors.numpy()), arrow.list_(arrow.float32(), made.vectors.shape[1])
    )
    columns["neighbors"] = [
        {"ids": ids, "distances": distances}
        for ids, distances in zip(
            made.index.tolist(), (1.0 - made.similarity).tolist(), strict=True
        )
    ]
    columns["image"] = [{"bytes": _thumbnail(images, row)} for row in rows.tolist()]
    held = io.BytesIO()
    parquet.write_table(arrow.table(columns), held)
    atomic.make_folder(path.parent)
    atomic.write_bytes(path, held.getvalue())
    return path


def _thumbnail(images: Images, row: int) -> bytes:
    picture, _ = sprite.sheet(images, [row], side=2 * sprite.SIDE)
    return sprite.jpeg(picture)
