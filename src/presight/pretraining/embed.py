"""embed_run(): a run's features of images as vectors, neighbors, a map, and files for tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from presight.core import automatic, ranges
from presight.core.settings import Settings
from presight.data.canvas import Images, default_cache
from presight.data.source import Labelled, Source, shown
from presight.errors import DataError, UsageError
from presight.evaluation.embedding import choose, formats, sprite
from presight.evaluation.embedding.folder import Embedding, embed, write_embedding
from presight.evaluation.embedding.formats import Format
from presight.evaluation.embedding.maps import Kind
from presight.evaluation.features import backbone_digest, cached, extract
from presight.evaluation.score import weights_of
from presight.pretraining import markup
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import (
    as_asked,
    cache_folder,
    counted,
    images_for,
    open_classes,
    open_data,
)
from presight.restore import load_backbone, origin_of
from presight.store import atomic
from presight.store.folder import RunFolder
from presight.training.runtime import pick_device

SELECTED = "select.csv"
"""Images to label first: path, and an empty label."""
PICTURES = "select.png"
"""The same images side by side, in the table's order."""
MOST_PICTURES, COLUMNS, SIDE = 1000, 10, 96
_FORMATS, _MAPS = get_args(Format), get_args(Kind)


@dataclass(frozen=True)
class Embedded:
    """What `embed` made.

    Args:
        folder: where the files are.
        made: vectors, neighbors and map.
        files: what was written beside the usual ones.
        warnings: about the data.
    """

    folder: Path
    made: Embedding
    files: Sequence[Path] = ()
    warnings: Sequence[str] = ()

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Float32 [n, d]."""
        found: NDArray[np.float32] = self.made.vectors.numpy()
        return found

    @property
    def identities(self) -> Sequence[str]:
        """Names of the images, in the vectors' order."""
        return self.made.identities

    @property
    def map(self) -> NDArray[np.float32]:
        """Float32 [n, 2], places in the plane."""
        found: NDArray[np.float32] = self.made.map.numpy()
        return found

    def neighbors(self, row: int, k: int = 10) -> list[tuple[str, float]]:
        """The k most similar images of one, with their cosine similarity, most similar first."""
        index, similar = self.made.index[row, :k], self.made.similarity[row, :k]
        pairs = zip(index.tolist(), similar.tolist(), strict=True)
        return [(self.identities[other], value) for other, value in pairs]

    @property
    def summary(self) -> dict[str, Any]:
        """Counts and figures."""
        count, dim = self.made.vectors.shape
        return {
            "folder": str(self.folder),
            "count": count,
            "dim": dim,
            "effective_rank": self.made.rank,
            "purity": self.made.purity,
            "purity_by_chance": self.made.purity_by_chance,
            "files": [str(path) for path in self.files],
        }

    def lines(self) -> list[str]:
        """What a person is told."""
        count, dim = self.made.vectors.shape
        told = f"{count:,} images, {dim} numbers each, effective rank {self.made.rank:.1f}"
        if self.made.purity is not None:
            k = self.made.index.shape[1]
            told += (f"; {self.made.purity:.1%} of the {k} nearest have the query's class "
                     f"({self.made.purity_by_chance:.1%} by chance)")  # fmt: skip
        written = [f"{self.folder}: vectors, neighbors, map and thumbnails", *map(str, self.files)]
        if any(path.name == SELECTED for path in self.files):
            written.append(
                f"next: look at {PICTURES} ({COLUMNS} a line, in the table's order), write labels "
                f"into {SELECTED} and put it into the folder of the images; --labels takes it there"
            )
        return [*(f"note: {text}" for text in self.warnings), told, *written]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))


def embed_run(
    run: str | Path,
    data: str,
    *,
    out: str,
    format: Format,
    neighbors: int,
    map: Kind,
    select: int,
    seed: int,
    device: str,
    download: bool,
    follow_links: bool,
    plugin: str,
    quiet: bool,
) -> Embedded:
    """What `presight.embed` does, whose options and errors these are.

    Labels are used where the images have any: class folders, a CSV's column, scenes.
    """
    ranges.check_options(neighbors=neighbors, select=select, seed=seed)
    _check(format, map)
    folder = RunFolder(run)
    folder.open()
    own = Configuration.read(folder, plugin).settings
    settings = as_asked(own, download=download, follow_links=follow_links, quiet=quiet)
    told: list[str] = []
    source, labels, classes = _source(data, settings)
    if select > len(source):
        raise UsageError(f"--select asks for {select:,} of {len(source):,} images.")
    side = automatic.cache_side(origin_of(folder.path, plugin).image_size).number
    images = images_for(source, data, settings, side, told)
    features = _features(folder, source, images, settings, device)
    names = [source.identity(i) for i in range(len(source))]
    made = embed(
        features, names, labels=labels, classes=classes, k=neighbors, kind=map, seed=seed,
        device=pick_device(device), progress=counted("neighbors", quiet),
    )  # fmt: skip
    place = Path(out) if out else folder.path / "embed" / source.fingerprint[:8]
    rows = torch.arange(len(source))
    about = {"data": shown(data), "fingerprint": source.fingerprint, "weights": weights_of(folder)}
    write_embedding(place, made, images, rows, about)
    files = _others(place, made, images, rows, format)
    if select:
        files += _selected(place, made, images, select, seed)
    return Embedded(place, made, files, told)


def _check(format: str, map: str) -> None:
    """Refuse what cannot be before anything is read."""
    if format not in _FORMATS or map not in _MAPS:
        raise UsageError(
            f"format is {format!r} and map is {map!r}; expected one of {', '.join(_FORMATS)}, and "
            f"one of {', '.join(_MAPS)}."
        )
    if format in ("parquet", "all"):
        formats.require_parquet()


def _source(data: str, settings: Settings) -> tuple[Source, torch.Tensor | None, tuple[str, ...]]:
    """The images, with their classes where they have two or more."""
    source: Source
    try:
        source = open_classes(data, settings)
    except DataError:  # no classes, which is usual; or no images, which is said now
        source = open_data(data, settings)
    if len(source) < 2:
        raise DataError(f"{shown(data)} holds {len(source)} image; neighbors need two or more.")
    if not isinstance(source, Labelled) or len(source.classes) < 2:
        return source, None, ()
    labels = torch.tensor([source.target(i).label for i in range(len(source))])
    return source, labels, source.classes


def _features(
    folder: RunFolder, source: Source, images: Images, settings: Settings, device: str
) -> torch.Tensor:
    backbone = load_backbone(folder.path, settings.plugin)
    size = origin_of(folder.path, settings.plugin).image_size
    cache = (cache_folder(settings) or default_cache()) / "features"
    return cached(
        backbone_digest(backbone),
        source.fingerprint,
        size,
        cache,
        lambda: extract(
            backbone,
            images,
            size=size,
            device=pick_device(device),
            progress=counted("features", settings.quiet),
        ),
    )


def _others(
    place: Path, made: Embedding, images: Images, rows: torch.Tensor, format: Format
) -> list[Path]:
    files = []
    if format in ("projector", "all"):
        projector = place / "projector"
        formats.write_projector(projector, made, images, rows)
        files.append(projector)
    if format in ("parquet", "all"):
        files.append(formats.write_parquet(place / "embeddings.parquet", made, images, rows))
    return files


def _selected(place: Path, made: Embedding, images: Images, count: int, seed: int) -> list[Path]:
    """A table to fill in, path and an empty label, and its first images as one picture."""
    chosen = choose.typical(made.vectors, count, seed=seed).tolist()
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["path", "label"])
    table.writerows([made.identities[row], ""] for row in chosen)
    path, pictures = place / SELECTED, place / PICTURES
    atomic.write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))
    sheet, _ = sprite.sheet(images, chosen[:MOST_PICTURES], columns=COLUMNS, side=SIDE)
    atomic.write_bytes(pictures, sprite.png(sheet))
    return [path, pictures]
