"""What did it learn: stages of the network, nearest neighbors, a map, and label-free numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presight.core.wording import cut, number
from presight.evaluation.embedding.files import EmbeddingFacts, Sheet
from presight.reporting.blocks import Block, Section, Sheets, Table
from presight.reporting.pictures import address
from presight.reporting.reading import RunFacts, is_finite, table_of
from presight.reporting.sections import gallery, stages

_FULL, _LESS = 0, 1
_ASK = "With labelled images, `presight evaluate` draws neighbors and a map here."


def section(run: RunFacts, prefix: str, detail: int = _FULL) -> tuple[Section, Sheets | None]:
    """The section, and the thumbnails that it cuts from.

    Args:
        run: its facts.
        prefix: of names inside the page.
        detail: 0 all thumbnails, 1 those of the gallery, 2 none.
    """
    blocks: list[Block] = []
    ladder = stages.ladder(run.scores, f"{prefix}-stages")
    if ladder:
        blocks.append(ladder)
    facts, sheets = run.embedding, None
    if facts is not None:
        sheet, sheets = _sheets(facts, prefix, detail)
        shown = gallery.gallery(facts, sheet, f"{prefix}-sheet") if sheet else None
        if shown:
            blocks.append(shown)
        if table_of(facts.info.get("map")).get("kind") != "none":
            blocks.append(gallery.map_of(facts, sheet, f"{prefix}-map", f"{prefix}-sheet"))
    table = diagnostics(run)
    if table:
        blocks.append(table)
    told = [ladder.title + "."] if ladder else []
    if facts is not None:
        told.append(gallery.finding(facts))
    return Section("learned", "What did it learn?", " ".join(filter(None, told)) or _ASK, blocks,
                   _NOTES if facts is not None else ()), sheets  # fmt: skip


_NOTES = (
    ("Queries", "are fixed by their names, not chosen. The figure under a neighbor is its cosine "
     "similarity; where the class differs, its name stands there under a bar."),
)  # fmt: skip


def _sheets(facts: EmbeddingFacts, prefix: str, detail: int) -> tuple[Sheet | None, Sheets | None]:
    sheet = facts.sheet
    if sheet is None or detail > _LESS:
        return None, None
    if detail == _LESS:
        rows = [*facts.gallery("fixed"), *facts.gallery("worst")]
        sheet = sheet.only([image for row in rows for image in row])
    size = (sheet.columns * sheet.side, sheet.rows * sheet.side)
    return sheet, Sheets(f"{prefix}-sheet", address("jpeg", sheet.raw), *size)


_MEASURES = {
    "effective_rank": "effective rank, centered",
    "rankme": "RankMe",
    "feature_std": "spread of a feature",
    "feature_std_centered": "spread, centered",
    "norm_low": "length of a feature, 5th percentile",
    "norm_median": "length of a feature, median",
    "norm_high": "length of a feature, 95th percentile",
    "dead_units": "dead units",
    "uniformity": "uniformity",
    "uniform_sphere": "uniformity of the even sphere",
    "alignment": "alignment of two views",
    "lidar": "LiDAR",
    "lidar_signal": "LiDAR's signal over noise",
    "lidar_images": "images LiDAR is of",
    "lidar_views": "views of each, for LiDAR",
    "alpha": "alpha, fall of the spectrum",
    "alpha_fit": "alpha's fit, R squared",
    "alpha_first": "alpha's window, from",
    "alpha_last": "alpha's window, to",
    "dim": "numbers of a feature",
    "rank_images": "images the ranks are of",
    "cluster_ami": "clusters and classes, AMI",
    "cluster_nmi": "clusters and classes, NMI",
    "cluster_ari": "clusters and classes, ARI",
    "cluster_purity": "purity of clusters",
    "cluster_clusters": "clusters",
    "cluster_images": "images in clusters",
}


def diagnostics(run: RunFacts) -> Table | None:
    """Numbers without labels, a column for each row of the evaluation that has them."""
    columns = _diagnosed(run)
    found = dict.fromkeys(name for held in columns.values() for name in held)
    order = {name: at for at, name in enumerate(_MEASURES)}
    names = sorted(found, key=lambda name: order.get(name, len(order)))
    rows = [
        (_MEASURES.get(name, cut(name.replace("_", " "))),
         *(_number(held.get(name)) for held in columns.values()))
        for name in names
    ]  # fmt: skip
    caption = ("Numbers without labels. They raise alarms and prove no use: read each beside the "
               "others.")  # fmt: skip
    return Table(("number", *map(cut, columns)), rows, caption=caption) if rows else None


def _diagnosed(run: RunFacts) -> Mapping[str, Mapping[str, Any]]:
    """By row; from the protocol, or as earlier evaluations had them, from the scores."""
    held = table_of(run.protocol.get("diagnostics"))
    if held:
        return {
            row: _flat(table_of(found)) for row, found in held.items() if _flat(table_of(found))
        }
    old = {
        score.row: {name: score.details[name] for name in _MEASURES if name in score.details}
        for score in run.scores
        if score.protocol == "linear"
    }
    return {row: found for row, found in old.items() if found}


def _flat(held: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in held.items() if is_finite(value)}


def _number(value: object) -> str:
    return number(float(value)) if is_finite(value) else "not measured"
