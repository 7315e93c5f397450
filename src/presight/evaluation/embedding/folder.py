"""An embedding: computed from features, and written as a folder that other tools read too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from presight.evaluation import diagnostics
from presight.evaluation.embedding import files, gallery, maps, sprite
from presight.evaluation.embedding.search import neighbors, purity, purity_by_chance
from presight.evaluation.features import Progress
from presight.evaluation.split import identity_keys

if TYPE_CHECKING:
    from presight.data.canvas import Images

THUMBNAILS = 1000


@dataclasses.dataclass(frozen=True)
class Embedding:
    """Images as vectors, with neighbors and a map.

    Args:
        vectors: float32 [n, d].
        identities: names of the images.
        index: int64 [n, k], neighbors by cosine, most similar first.
        similarity: float32 [n, k].
        map: float32 [n, 2].
        layout: how the map was made.
        labels: int64 [n] into `classes`; None without labels.
        classes: names; empty without labels.
        predicted: int64 [n], what a probe said; None where none was asked.
        diagnostics: numbers about the vectors, as `diagnostics.describe` gives them.
    """

    vectors: Tensor
    identities: Sequence[str]
    index: Tensor
    similarity: Tensor
    map: Tensor
    layout: Mapping[str, Any]
    labels: Tensor | None = None
    classes: Sequence[str] = ()
    predicted: Tensor | None = None
    diagnostics: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def purity(self) -> float | None:
        """Share of neighbors with their query's class, in [0, 1]; None without labels."""
        return None if self.labels is None else purity(self.index, self.labels)

    @property
    def purity_by_chance(self) -> float | None:
        """What the purity of neighbors that say nothing is; None without labels."""
        return None if self.labels is None else purity_by_chance(self.labels)

    @property
    def rank(self) -> float:
        """Effective rank of the vectors (of 20,000 at most)."""
        return float(self.diagnostics.get("effective_rank", 0.0))


def embed(
    vectors: Tensor,
    identities: Sequence[str],
    *,
    labels: Tensor | None = None,
    classes: Sequence[str] = (),
    predicted: Tensor | None = None,
    k: int = 10,
    kind: maps.Kind = "tsne",
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Embedding:
    """Neighbors and a map of features.

    Args:
        vectors: float [n, d], two rows or more.
        identities: names of the images.
        labels: int64 [n] into `classes`, where there are any.
        classes: names.
        predicted: int64 [n] into `classes`, what a probe said.
        k: neighbors, 1 or more.
        kind: of map: tsne, pca or none.
        seed: of the map.
        device: where neighbors are found.
        progress: told images done and in all, of the search.

    Raises:
        UsageError: fewer than two rows, or k below 1.
    """
    vectors = vectors.float().cpu()
    index, similarity = neighbors(vectors.to(device), k, progress)
    places, told = maps.layout(vectors, kind, seed)
    return Embedding(
        vectors, identities, index, similarity, places, told, labels, classes, predicted,
        diagnostics.describe(vectors),
    )  # fmt: skip


def write_embedding(
    folder: Path, made: Embedding, images: Images, rows: Tensor, about: Mapping[str, Any]
) -> Path:
    """Write an embedding's folder with its gallery and thumbnails; returns its `embed.json`.

    Args:
        folder: made where it is not there; files of the same names are replaced.
        made: the embedding.
        images: the data layer's images, for the thumbnails.
        rows: int64 [n], the row of each embedded image among them.
        about: what else `embed.json` says: data, fingerprint, weights; plain JSON.
    """
    keys = identity_keys(made.identities)
    shown = gallery.gallery(made.index, made.similarity, keys, made.labels)
    small = gallery.thumbnails(shown, keys, THUMBNAILS)
    picture, columns = sprite.sheet(images, rows[torch.tensor(small)].tolist(), columns=40)
    return files.write(
        folder,
        vectors=made.vectors.numpy(),
        map=made.map.numpy(),
        neighbors=made.index.numpy(),
        similarity=made.similarity.numpy(),
        words=columns_of(made),
        sheet=files.Sheet.of(sprite.jpeg(picture), sprite.SIDE, columns, small),
        info={
            "effective_rank": made.rank,
            "classes": [printable(name) for name in made.classes] or None,
            "purity": made.purity,
            "purity_by_chance": made.purity_by_chance,
            "diagnostics": dict(made.diagnostics),
            "map": dict(made.layout),
            "gallery": shown,
            **about,
        },
    )


def printable(name: str) -> str:
    """A name that every reader of UTF-8 takes: stray bytes are written out."""
    return name.encode("utf-8", "backslashreplace").decode()


def columns_of(made: Embedding) -> dict[str, list[str]]:
    """Words about each image: identity, and label and prediction where there are any."""
    found = {"identity": list(made.identities)}
    for name, values in (("label", made.labels), ("predicted", made.predicted)):
        if values is not None:
            found[name] = [made.classes[value] for value in values.tolist()]
    return found
