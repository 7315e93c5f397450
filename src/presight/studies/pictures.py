"""Answers of a study's best networks drawn on test images: failures, and some at random."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from presight.core.draw import Draw
from presight.data.source import Pixels
from presight.errors import PresightError
from presight.evaluation.features import frozen
from presight.evaluation.tasks.drawn import drawn
from presight.evaluation.tasks.sets import task_named
from presight.evaluation.tasks.task import Answer, Task
from presight.store import atomic
from presight.store.plain import read_table
from presight.studies.bench import Bench
from presight.studies.cells import ANCHORS, Row
from presight.studies.curves import by_task, curves_of
from presight.studies.desk import Desk
from presight.studies.rows import unpacked

FOLDER = "pictures"
SHOWN = 4
"""Images of each kind, of each answer."""

_INDEX, _LAYOUT = "pictures.json", 1
_LARGEST = 360  # pixels, of a picture's longer side
_QUALITY = 85


def write(desk: Desk, rows: Sequence[Row], tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Draw, for each task, what its best network says of some test images, and what is right.

    The network is that of the first repetition with the most labels; it learns once more, at the
    rate that its cell chose. Failures are the images with the lowest parts in the score, equal ones
    in an order drawn once; beside them are images drawn at random. What was drawn before for the
    same cell is kept; pictures of other cells are removed.

    Args:
        desk: of the study, not closed yet.
        rows: of its whole repetitions.
        tell: told why a task has no pictures.

    Returns:
        What the study's file says of them under `pictures`, plain JSON: of each task the cell, and
        of each image its kind, its part in the score and its files.
    """
    folder = desk.out / FOLDER
    before = {one["cell"]: one for one in _index(folder)}
    found = []
    for (world, task), some in by_task(rows).items():
        metric = task_named(task).metrics[0].name
        row = _best(some, metric)
        if row is None:
            continue
        name = desk.place(row.cell).stem
        held = before.get(name)
        try:
            found.append(held if held is not None else _drawn(desk, row, metric, name, folder))
        except (PresightError, OSError) as error:
            tell(f"note: no pictures of {' on '.join(filter(None, (task, world)))}: {error}")
    if found:
        atomic.write_json(folder / _INDEX, {"layout": _LAYOUT, "pictures": found})
        _clean(folder, found)
    return found


def _index(folder: Path) -> list[dict[str, Any]]:
    """What was drawn before and is all there."""
    try:
        told = read_table(folder / _INDEX)
        if told["layout"] != _LAYOUT:
            return []
        return [one for one in told["pictures"]
                if all((folder / name).is_file() for name in _files(one))]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _files(record: Mapping[str, Any]) -> list[str]:
    return [name for image in record["images"] for _, name in image["files"]]


def _clean(folder: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Remove pictures that are nobody's any more."""
    kept = {name for one in found for name in _files(one)}
    for path in folder.glob("*.jpg"):
        if path.name not in kept:
            path.unlink()


def _best(rows: Sequence[Row], metric: str) -> Row | None:
    """The row of the best network with the most labels, in the first repetition."""
    made = curves_of(rows, metric)
    means = made.parts.mean((0, 2), dtype=np.float64)
    last = {curve: means[(k + 1) * len(made.labels) - 1] for k, curve in enumerate(made.curves)
            if curve[0].method not in ANCHORS}  # fmt: skip
    best = max(last, key=lambda curve: last[curve], default=None)
    found = [
        row
        for row in rows
        if (row.cell.arm, row.cell.mode) == best
        and (row.cell.n_labels, row.cell.stage) == (made.labels[-1], 0)
    ]
    return min(found, key=lambda row: row.cell.seed, default=None)


def _drawn(desk: Desk, row: Row, metric: str, name: str, folder: Path) -> dict[str, Any]:
    cell = row.cell
    bench = desk.bench(cell.task, cell.measured_on)
    parts = unpacked(row.influences[metric], row.n_test)
    chosen = choose(parts)
    places = [place for _, place in chosen]
    test_rows = bench.division.test_rows[torch.tensor(places)]
    shown = _shown(bench, desk, row, test_rows)
    atomic.make_folder(folder)
    digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
    images = []
    for at, ((kind, place), pictures) in enumerate(zip(chosen, shown, strict=True)):
        files = []
        for word, picture in pictures:
            file = f"{cell.task}-{digest}-{at}-{word.replace(' ', '-')}.jpg"
            atomic.write_bytes(folder / file, _jpeg(picture))
            files.append([word, file])
        images.append({"kind": kind, "score": float(parts[place]), "files": files})
    return {
        "cell": name,
        "task": cell.task,
        "measured_on": cell.measured_on,
        "arm": dataclasses.asdict(cell.arm),
        "mode": cell.mode,
        "n_labels": cell.n_labels,
        "seed": cell.seed,
        "metric": metric,
        "n_test": row.n_test,
        "images": images,
    }


def choose(parts: NDArray[np.float32]) -> list[tuple[str, int]]:
    """Which images are drawn: the lowest parts in the score, then as many at random.

    Args:
        parts: [n], of a score, by test image.

    Returns:
        Kind and place of each; an image may be of both kinds.
    """
    generator = np.random.default_rng(0)
    order = generator.permutation(len(parts))
    lowest = order[np.argsort(parts[order], kind="stable")][:SHOWN]
    chance = generator.permutation(len(parts))[:SHOWN]
    return [*(("lowest", int(p)) for p in lowest), *(("random", int(p)) for p in chance)]


def _shown(
    bench: Bench, desk: Desk, row: Row, test_rows: torch.Tensor
) -> list[list[tuple[str, Pixels]]]:
    """Pictures of each image: itself where answers cover it, the right answer, the network's."""
    model = bench.again(row.cell, desk.arms.network(row.cell.arm, row.cell.seed), row.details)
    task, device = bench.tested, bench.runtime.device
    batch = bench.division.test.images.batch(test_rows)
    kept = [_picture(batch.images[k], batch.frame[k]) for k in range(len(batch))]
    pictures = [_sized(task, int(r), one) for r, one in zip(test_rows, kept, strict=True)]
    sizes = [(one.shape[0], one.shape[1]) for one in pictures]
    with frozen(model, device):
        moved = batch.to(device)
        view = task.look(bench.size)(moved, Draw(0, 0, moved.index))["view"].to(device)
        found = task.answers(model, view, sizes)
    return [
        _pair(task, picture, task.truth(int(r)), one)
        for r, picture, one in zip(test_rows, pictures, found, strict=True)
    ]


def _pair(task: Task, picture: Pixels, truth: Answer, found: Answer) -> list[tuple[str, Pixels]]:
    names = task.names if task.names else ()
    both = [
        (word, drawn(task.name, picture, one, names))
        for word, one in (("right answer", truth), ("answer", found))
    ]
    covers = isinstance(found, np.ndarray) and found.shape == picture.shape[:2]
    return [("image", picture), *both] if covers else both


def _picture(canvas: torch.Tensor, frame: torch.Tensor) -> Pixels:
    """An image without the canvas around it, uint8 [h, w, 3]."""
    x0, y0, x1, y1 = (int(end) for end in frame.round())
    found: Pixels = canvas[:, y0:y1, x0:x1].permute(1, 2, 0).contiguous().numpy()
    return found


def _sized(task: Task, row: int, picture: Pixels) -> Pixels:
    """The image as large as the one that labels count the pixels of."""
    if not len(task.originals):
        return picture
    height, width = (int(side) for side in task.originals[row])
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))


def _jpeg(picture: Pixels) -> bytes:
    image, held = Image.fromarray(picture), io.BytesIO()
    scale = 224 // max(1, min(image.size))  # as large as those with answers
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    image.thumbnail((_LARGEST, _LARGEST))
    image.save(held, "JPEG", quality=_QUALITY)
    return held.getvalue()
