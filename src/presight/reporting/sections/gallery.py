"""Nearest neighbors with their pictures, and the map of an embedding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from presight.core.wording import cut, percent
from presight.evaluation.embedding.files import EmbeddingFacts, Sheet
from presight.reporting.blocks import EmbeddingMap, Gallery, Neighbors, Table, Thumb
from presight.reporting.charts.embedding_map import NAMED, embedding_map, placed
from presight.reporting.reading import is_finite, table_of

_NEAR = 8
_WORST = 4  # rows of the worst queries; the table has all
_DRAWN = 5000
_TABLE = 40


def gallery(facts: EmbeddingFacts, sheet: Sheet, name: str) -> Gallery | None:
    """Fixed queries and the worst ones, those that have thumbnails; None where none has."""
    fixed, worst = (_rows(facts, sheet, kind) for kind in ("fixed", "worst"))
    if not fixed and not worst:
        return None
    worst_title = "The worst: images whose nearest neighbors are least alike"
    if facts.labels:
        worst_title = "The worst: neighbors that look most alike, and are of another class"
    table = Table(("query", "neighbors, nearest first"), _cells(facts), numeric=False)
    return Gallery(
        "Nearest neighbors among the images",
        name,
        [row for _, row in fixed],
        [row for _, row in worst[:_WORST]],
        worst_title,
        f"{_protocol(facts)}; cosine similarity; queries are no neighbors of their own",
        table,
    )


def _rows(facts: EmbeddingFacts, sheet: Sheet, kind: str) -> list[tuple[int, Neighbors]]:
    found = []
    for query, *near in facts.gallery(kind):
        near = [i for i in near if i in sheet.place][:_NEAR]
        if query not in sheet.place or not near:
            continue
        label = cut(facts.labels[query], 24) if facts.labels else ""
        shown = Thumb(_box(sheet, query), f"query {label or cut(facts_name(facts, query))}",
                      label or cut(facts_name(facts, query), 24))  # fmt: skip
        others = [_thumb(facts, sheet, query, i, at) for at, i in enumerate(near, 1)]
        same = sum(not thumb.miss for thumb in others)
        count = f"{same} of {len(others)}" if facts.labels else ""
        found.append((query, Neighbors(shown, others, count)))
    return found


def _thumb(facts: EmbeddingFacts, sheet: Sheet, query: int, i: int, at: int) -> Thumb:
    alike = facts.alike(query, i)
    figure = "" if alike is None else f"{alike:.2f}".replace("0.", ".").replace("-", "\u2212")
    label = cut(facts.labels[i], 24) if facts.labels else ""
    miss = bool(facts.labels) and facts.labels[i] != facts.labels[query]
    told = f"neighbor {at}: {label or cut(facts_name(facts, i))}"
    if alike is not None:
        told += f", similarity {alike:.2f}"
    return Thumb(_box(sheet, i), told, label if miss else figure, miss)


def facts_name(facts: EmbeddingFacts, image: int) -> str:
    """The last part of an image's identity, or its number."""
    identity = facts.identities[image] if facts.identities else ""
    return identity.replace("\\", "/").rstrip("/").rpartition("/")[2] or f"image {image:,}"


def _box(sheet: Sheet, image: int) -> str:
    x, y = sheet.place[image]
    return f"{x * sheet.side} {y * sheet.side} {sheet.side} {sheet.side}"


def _cells(facts: EmbeddingFacts) -> list[tuple[str, str]]:
    rows = [*facts.gallery("fixed"), *facts.gallery("worst")]
    return [(_told(facts, row[0]), "; ".join(_told(facts, i) for i in row[1 : _NEAR + 1]))
            for row in rows]  # fmt: skip


def _told(facts: EmbeddingFacts, image: int) -> str:
    name = cut(facts_name(facts, image), 40)
    return f"{name} ({cut(facts.labels[image], 24)})" if facts.labels else name


def _protocol(facts: EmbeddingFacts) -> str:
    dim = facts.info.get("dim")
    wide = f", {dim:,} dimensions" if isinstance(dim, int) else ""
    return f"{len(facts.map):,} images; frozen features{wide}"


def finding(facts: EmbeddingFacts) -> str:
    """How often the nearest neighbors are of an image's class, or that no labels say so."""
    if not facts.labels or not facts.neighbors.size:
        return "Look whether neighbors share what matters to you; there are no labels to count."
    k = min(10, facts.neighbors.shape[1])
    _, of = np.unique(np.asarray(facts.labels), return_inverse=True)
    share = float((of[facts.neighbors[:, :k]] == of[:, None]).mean())
    chance = float(((np.bincount(of) / len(of)) ** 2).sum())
    return (f"Of an image's {k} nearest neighbors {percent(share)} share its class; by chance "
            f"{percent(chance)} would.")  # fmt: skip


def map_of(facts: EmbeddingFacts, sheet: Sheet | None, name: str, sheet_name: str) -> EmbeddingMap:
    """The map: dots by class, rings where most neighbors are of another class."""
    shown = _shown(facts, sheet)
    at = placed(facts.map[shown])
    names, groups = _classes([facts.labels[i] for i in shown] if facts.labels else [])
    if not names:
        groups = [0] * len(shown)
    odd = _odd(facts, shown) if len(names) > NAMED else []
    told = f"{len(shown):,} images" + (f" of {len(names)} classes" if names else "")
    drawing = embedding_map(at, groups, names, odd, name, told)
    points = {
        "sheet": sheet_name,
        "side": sheet.side if sheet else 0,
        "names": [cut(one, 40) for one in names] or [""],
        "at": [_point(facts, sheet, image, at[j], groups[j]) for j, image in enumerate(shown)],
    }
    return EmbeddingMap(name, "Map of the embedding", _sub(facts, shown, names, odd),
                        Markup(drawing), sheet_name, points, _map_protocol(facts, sheet, shown),
                        _by_class(facts))  # fmt: skip


def _shown(facts: EmbeddingFacts, sheet: Sheet | None) -> list[int]:
    """All images, or a sample that keeps those with a thumbnail."""
    n = len(facts.map)
    if n <= _DRAWN:
        return list(range(n))
    kept = set(sorted(sheet.place)[:_DRAWN]) if sheet else set()
    rest = np.linspace(0, n - 1, _DRAWN - len(kept)).astype(int)
    return sorted(kept | set(rest.tolist()))


def _classes(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    names = sorted(set(labels))
    number = {name: at for at, name in enumerate(names)}
    return names, [number[label] for label in labels]


def _odd(facts: EmbeddingFacts, shown: Sequence[int]) -> list[int]:
    """Places in `shown` of images most of whose neighbors are of another class."""
    if not facts.neighbors.size:
        return []
    _, of = np.unique(np.asarray(facts.labels), return_inverse=True)
    same = (of[facts.neighbors] == of[:, None]).mean(axis=1)
    return [j for j, image in enumerate(shown) if same[image] < 0.5]


def _point(
    facts: EmbeddingFacts, sheet: Sheet | None, image: int, at: Sequence[float], group: int
) -> list[object]:
    column, row = sheet.place.get(image, (-1, -1)) if sheet else (-1, -1)
    said = facts.predicted[image] if facts.predicted else ""
    wrong = said if facts.labels and said != facts.labels[image] else ""
    return [float(at[0]), float(at[1]), int(group), column, row,
            cut(facts_name(facts, image), 40), cut(wrong, 40)]  # fmt: skip


def _sub(
    facts: EmbeddingFacts, shown: Sequence[int], names: Sequence[str], odd: Sequence[int]
) -> str:
    if odd:
        total = f"{len(odd):,} of {len(shown):,}"
        return f"Rings: {total} images whose neighbors are mostly of another class."
    if len(names) > 1:
        return "Colors and shapes are classes; a name stands at the middle of its class."
    return "One dot an image."


def _map_protocol(facts: EmbeddingFacts, sheet: Sheet | None, shown: Sequence[int]) -> str:
    how = table_of(facts.info.get("map"))
    kind = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}.get(str(how.get("kind")), "")
    words = [kind or "two dimensions"]
    words += [
        f"{name} {how[name]:g}" for name in ("perplexity", "seed") if is_finite(how.get(name))
    ]
    drawn = "" if len(shown) == len(facts.map) else f"{len(shown):,} of them drawn; "
    pictures = f"{len(sheet.place):,} with a picture; " if sheet else "no pictures; "
    return (f"{', '.join(words)}; {_protocol(facts)}; {drawn}{pictures}distances between far "
            "groups mean nothing")  # fmt: skip


def _by_class(facts: EmbeddingFacts) -> Table:
    """Share of neighbors of the own class, and the class that is met most often instead."""
    if not facts.labels or not facts.neighbors.size:
        return Table(("class", "images"), [("no labels", f"{len(facts.map):,}")])
    names, of_list = _classes(facts.labels)
    of = np.asarray(of_list)
    rows = []
    for group in range(min(len(names), _TABLE)):
        near = of[facts.neighbors[of == group]].ravel()
        counts = np.bincount(near, minlength=len(names))
        own = counts[group] / max(1, counts.sum())
        counts[group] = 0
        other = cut(names[int(counts.argmax())], 30) if counts.any() else "none"
        rows.append((cut(names[group], 40), f"{(of == group).sum():,}", percent(float(own)), other))
    return Table(("class", "images", "neighbors of the same class", "most often instead"), rows)
