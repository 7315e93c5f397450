"""predict_images(): what a kept model says of images, as a table, planes and pictures."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from presight.core import automatic, ranges
from presight.data.canvas import Streamed
from presight.data.decode import Limits, Unreadable
from presight.data.open import open_source
from presight.data.pack import source_sizes
from presight.data.pool import default_workers
from presight.data.source import Source, shown
from presight.data.stored import Stored
from presight.errors import DataError, RunError
from presight.evaluation.kept import Model, load_model
from presight.evaluation.tasks import tabled
from presight.evaluation.tasks.drawn import drawn
from presight.evaluation.tasks.task import Answer
from presight.pretraining import markup
from presight.pretraining.data import counted
from presight.store import atomic
from presight.training.runtime import pick_device

TABLE = "predictions.csv"
PICTURES = "pictures"
_PALETTE = "palette.csv"
_LARGEST = 1024  # pixels of a drawn picture's longer side
_NAMED = 5
_PLAIN = ("classification", "pose5", "multilabel")  # their answers are words


@dataclass(frozen=True)
class Predicted:
    """What a model said of images.

    Args:
        folder: of the files.
        task: of the model.
        count: images that were answered.
        lost: names of those that could not be read.
        tally: how often each class was answered; empty where answers are no classes.
        warnings: about the images.
        pictures: that were drawn.
    """

    folder: Path
    task: str
    count: int
    lost: Sequence[str]
    tally: Mapping[str, int]
    warnings: Sequence[str]
    pictures: int

    @property
    def table(self) -> Path:
        """The table's file."""
        return self.folder / TABLE

    @property
    def summary(self) -> dict[str, Any]:
        """Counts for machines."""
        return {"folder": str(self.folder), "table": str(self.table), "task": self.task,
                "count": self.count, "lost": list(self.lost), "tally": dict(self.tally),
                "pictures": self.pictures}  # fmt: skip

    def lines(self) -> list[str]:
        """What a person is told."""
        lines = [f"note: {text}" for text in self.warnings]
        if self.lost:
            names = ", ".join(map(shown, self.lost[:_NAMED]))
            more = ", ..." if len(self.lost) > _NAMED else ""
            what = "image is" if len(self.lost) == 1 else "images are"
            lines.append(f"note: {len(self.lost):,} damaged {what} left out: {names}{more}")
        common = Counter(self.tally).most_common(_NAMED)
        told = ", ".join(f"{shown(name)} {count:,}" for name, count in common)
        more = ", ..." if len(self.tally) > _NAMED else ""
        lines.append(f"{self.count:,} images answered" + (f": {told}{more}" if told else ""))
        planes = tabled.PLANES.get(self.task)
        beside = [f"{planes}/"] if planes else []
        beside += [f"{self.pictures:,} pictures in {PICTURES}/"] if self.pictures else []
        return [*lines, ", ".join([f"{self.table}", *beside])]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))


def predict_images(
    model: str | Path,
    data: str,
    *,
    out: str,
    pictures: int,
    batch_size: int,
    device: str,
    min_side: int,
    follow_links: bool,
    download: bool,
    plugin: str,
    quiet: bool,
) -> Predicted:
    """What `presight.predict` does, whose options and errors these are."""
    ranges.check_options(min_side=min_side)
    ranges.require(pictures >= 0, "--pictures", pictures, "0 or more")
    ranges.require(batch_size >= 1, "--batch-size", batch_size, "1 or more")
    loaded = load_model(model, plugin).to(pick_device(device))
    folder = Path(out)
    _refuse_others(folder)
    source = open_source(
        data,
        limits=Limits(min_side=min_side),
        follow_links=follow_links,
        download=download,
        max_bad_fraction=1.0,
        progress=counted("looking at images", quiet),
    )
    work = _Work(loaded, source, folder, 0 if loaded.task in _PLAIN else pictures)
    progress = counted("answering", quiet, estimate=True)
    work.clear()
    for start in range(0, len(source), batch_size):
        rows = list(range(start, min(start + batch_size, len(source))))
        work.take(rows)
        if progress is not None:
            progress(rows[-1] + 1, len(source))
    return work.finish()


def _refuse_others(folder: Path) -> None:
    """Stop before anything is written among files that are no predictions."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; a new folder was expected. Choose another by --out.")
    others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    own = (TABLE, PICTURES, *tabled.PLANES.values())  # the table is the last that is written
    strange = [name for name in others if name not in own and not atomic.is_temporary(name)]
    if strange and TABLE not in others:
        raise RunError(
            f"{folder} holds other files, {shown(strange[0])} first; a new or empty folder was "
            "expected. Choose another by --out."
        )


class _Work:
    """Predictions under way."""

    def __init__(self, model: Model, source: Source, folder: Path, pictures: int) -> None:
        self.model, self.source, self.folder, self.pictures = model, source, folder, pictures
        side = automatic.cache_side(model.size).number
        self.images = Streamed(source, side=side, workers=default_workers())
        self.sizes = source_sizes(source)
        self.files = _Files()
        self.text = io.StringIO(newline="")
        self.table = csv.writer(self.text, lineterminator="\n")
        self.table.writerow(tabled.columns(model.task, model.names))
        self.count, self.drawn = 0, 0
        skipped = source.skipped if isinstance(source, Stored) else ()
        self.lost = [one.path for one in skipped if one.kind == "unreadable"]
        self.tally: Counter[str] = Counter()

    def clear(self) -> None:
        """Make the folder, without what an earlier command left in it."""
        atomic.make_folder(self.folder)
        for name in (TABLE, PICTURES, *tabled.PLANES.values()):
            if (self.folder / name).exists():
                atomic.remove_tree(self.folder / name)

    def take(self, rows: Sequence[int]) -> None:
        """Answer some images."""
        found = zip(rows, self.images.decode(list(rows)), strict=True)
        read = [(row, image) for row, image in found if image is not None]
        here = {row for row, _ in read}
        self.lost += [self.source.identity(row) for row in rows if row not in here]
        sizes = [(int(h), int(w)) for h, w in self.sizes[[row for row, _ in read]]]
        answers = self.model.predict([image for _, image in read], sizes)
        for (row, _), answer in zip(read, answers, strict=True):
            self._write(row, answer)

    def finish(self) -> Predicted:
        """Write the table."""
        if not self.count:
            raise DataError("no image could be read; nothing was answered.")
        data = self.text.getvalue().encode("utf-8", "surrogateescape")
        atomic.write_bytes(self.folder / TABLE, data)
        if self.model.task == "segmentation":
            place = self.folder / tabled.PLANES["segmentation"] / _PALETTE
            atomic.write_text(place, tabled.palette_file(self.model.names))
        warnings = self.source.summary() if isinstance(self.source, Stored) else []
        return Predicted(self.folder, self.model.task, self.count, self.lost, self.tally,
                         warnings, self.drawn)  # fmt: skip

    def _write(self, row: int, answer: Answer) -> None:
        task, names, path = self.model.task, self.model.names, self.source.identity(row)
        file = self.files.name(path)
        planes = tabled.PLANES.get(task)
        if planes:
            self._put(self.folder / planes / file, tabled.plane_file(task, answer))
        told = tabled.rows(task, path, answer, names, f"{planes}/{file}" if planes else "")
        self.table.writerows(told)
        self.tally.update(_classes(task, answer, names))
        if self.drawn < self.pictures and self._draw(row, answer, file):
            self.drawn += 1
        self.count += 1

    def _draw(self, row: int, answer: Answer, file: str) -> bool:
        """Whether the picture could be read again, at its full size, and drawn on."""
        try:
            picture = self.source.decode(row)
        except (Unreadable, OSError):
            return False
        made = Image.fromarray(drawn(self.model.task, picture, answer, self.model.names))
        made.thumbnail((_LARGEST, _LARGEST))
        buffer = io.BytesIO()
        made.save(buffer, format="PNG")
        self._put(self.folder / PICTURES / file, buffer.getvalue())
        return True

    def _put(self, path: Path, data: bytes) -> None:
        atomic.make_folder(path.parent)
        atomic.write_bytes(path, data)


def _classes(task: str, answer: Answer, names: Sequence[str]) -> Iterator[str]:
    """The classes that an answer names."""
    if task in ("classification", "pose5"):
        yield names[int(answer.argmax())]
    elif task == "multilabel":
        yield from (name for name, p in zip(names, answer, strict=True) if p >= 0.5)
    elif task == "detection":
        yield from (names[label] for label in answer.labels[answer.scores >= tabled.LEAST_SCORE])


@dataclasses.dataclass
class _Files:
    """Names of PNG files after those of images, none twice."""

    taken: set[str] = dataclasses.field(default_factory=set)

    def name(self, identity: str) -> str:
        """A path below a folder, whatever the image is called."""
        plain = [shown(part) for part in PurePosixPath(identity.replace("\\", "/")).parts]
        parts = [part for part in plain if part not in ("/", "..", ".")] or ["image"]
        stem = str(PurePosixPath(*parts).with_suffix(""))
        found, number = f"{stem}.png", 1
        while found in self.taken:
            number += 1
            found = f"{stem}-{number}.png"
        self.taken.add(found)
        return found
