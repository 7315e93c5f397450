"""From what a user writes to images labelled for a task: the form is seen from what is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from presight.data.decode import Limits
from presight.data.labels import depth, masks
from presight.data.labels.annotated import Annotated, Names, label_files
from presight.data.labels.coco import coco_boxes, coco_keypoints
from presight.data.labels.coco_masks import coco_masks
from presight.data.labels.keypoints import keypoints
from presight.data.labels.multilabel import multilabel
from presight.data.labels.problems import Problem
from presight.data.labels.rotations import rotations
from presight.data.labels.voc import voc
from presight.data.open import open_labelled, open_source
from presight.data.pool import Progress, default_workers
from presight.data.scenes import Scenes
from presight.data.scenes.tasks import scenes_for
from presight.data.source import Labelled, shown
from presight.data.stored import Stored
from presight.errors import DataError, UsageError

_SCENES = "scenes:COUNT"
_COCO = "a COCO .json"
FORMS = {
    "classification": ("class folders", "a .csv path,label", "shards", _SCENES, "torchvision:NAME"),
    "multilabel": ("a .csv path,label with labels a;b", _SCENES),
    "detection": (_COCO, "a folder of VOC .xml", "VOC's ImageSets/*/NAME.txt", _SCENES),
    "segmentation": (_COCO, "a folder of .png masks", "VOC's ImageSets/*/NAME.txt", _SCENES),
    "depth": ("a folder of 16-bit .png or .npy", _SCENES),
    "keypoints": (_COCO, "a .csv path,x0,y0,x1,y1", _SCENES),
    "pose": ("a .csv path,w,x,y,z", _SCENES),
}
"""For each task the forms in which its labels are read."""

_FILES: dict[tuple[str, str], Callable[[Path, Stored], Annotated[Any]]] = {
    (".json", "detection"): coco_boxes,
    (".json", "segmentation"): coco_masks,
    (".json", "keypoints"): coco_keypoints,
    (".csv", "multilabel"): multilabel,
    (".csv", "keypoints"): keypoints,
    (".csv", "pose"): rotations,
}
_LABEL_FOLDERS = {
    "detection": ("Annotations", "annotations", "labels"),
    "segmentation": ("masks", "SegmentationClass", "labels", "annotations"),
    "depth": ("depth", "depths"),
}
_IMAGE_FOLDERS = ("images", "JPEGImages", "image", "rgb")
_ENDINGS = {"detection": (".xml",), "segmentation": masks.ENDINGS, "depth": depth.ENDINGS}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where labels are, and where images are unless the user says it.

    Args:
        labels: a file or folder.
        images: a folder.
        only: stems of the images that are meant; None means all.
    """

    labels: Path
    images: Path
    only: tuple[str, ...] | None = None


def open_task(
    spec: str | Path | Labelled[Any],
    images: str | Path | None = None,
    task: str = "classification",
    *,
    palette: str | Path | None = None,
    ignore: Sequence[int] = (),
    depth_scale: float | None = None,
    limits: Limits | None = None,
    follow_links: bool = False,
    download: bool = False,
    max_bad_fraction: float = 0.01,
    workers: int = 0,
    progress: Progress | None = None,
) -> Labelled[Any]:
    """Images labelled for a task.

    Args:
        spec: where the labels are: a file, a folder, `scenes:COUNT`, or a source of your own.
        images: where the images are, as for `open_source`; None looks beside the labels.
        task: one of `FORMS`.
        palette: for masks, a .csv of classes with their values or colors.
        ignore: for masks without a palette, values that count neither way.
        depth_scale: for depths in whole numbers, meters of one step, such as 0.001.
        limits: what an image may be.
        follow_links: follow links that leave the images' folder.
        download: fetch a torchvision set that is not on disk.
        max_bad_fraction: stop where more than this share of images is unreadable, in [0, 1].
        workers: processes and threads that open files; 0 takes one less than the cores.
        progress: called with files done and in all.

    Returns:
        A source; from files it is an `Annotated`, whose `problems` say what was not used.

    Raises:
        DataError: nothing there, nothing usable, or labels of another kind.
        UsageError: a task that is not known, or a source labelled for another one.
        Unavailable: masks as RLE strings without pycocotools.
    """
    if task not in FORMS:
        raise UsageError(f"no task {shown(task)!r}; known are {', '.join(FORMS)}.")
    own = isinstance(spec, Labelled) or str(spec).startswith("scenes:")
    _refuse_idle("" if own else task, images, palette, ignore, depth_scale)
    if isinstance(spec, Labelled):
        if spec.task != task:
            raise UsageError(f"the images are labelled for {spec.task}; {task} was asked for.")
        return spec
    common: dict[str, Any] = {
        "limits": limits, "follow_links": follow_links, "max_bad_fraction": max_bad_fraction,
        "download": download, "workers": workers, "progress": progress,
    }  # fmt: skip
    if str(spec).startswith("scenes:") and not os.path.exists(spec):
        return scenes_for(Scenes.parse(str(spec).removeprefix("scenes:")), task)
    if task == "classification":
        return open_labelled(spec, **common)
    place = _place(Path(spec), task)
    stored = open_source(images if images is not None else place.images, **common)
    if not isinstance(stored, Stored):
        raise UsageError(
            f"{shown(str(images))} are no image files; labels in files belong to image files."
        )
    absent: list[Problem] = []
    if place.only is not None:
        stored = _part(stored, Path(spec).name, place.only, absent)
    reader = _Reader(task, stored, palette, ignore, depth_scale, workers, progress)
    labelled = reader.read(place)
    labelled.problems = (*absent, *labelled.problems)
    return labelled


@dataclass(frozen=True)
class _Reader:
    """What the readers of the forms need beside the labels' place."""

    task: str
    stored: Stored
    palette: str | Path | None
    ignore: Sequence[int]
    depth_scale: float | None
    workers: int
    progress: Progress | None

    def read(self, place: _Place) -> Annotated[Any]:
        path, stored, task = place.labels, self.stored, self.task
        workers = self.workers or default_workers()
        table = _FILES.get((path.suffix.lower(), task))
        if table is not None:
            return table(path, stored)
        if task == "detection":
            files = label_files(path, _ENDINGS[task])
            if place.only is not None:
                files = [file for file in files if file.stem in place.only]
            return voc(files, path, stored)
        if task == "segmentation":
            return masks.masks(
                path,
                stored,
                palette=None if self.palette is None else Path(self.palette),
                ignore=self.ignore,
                workers=workers,
                progress=self.progress,
            )
        return depth.depths(
            path, stored, scale=self.depth_scale, workers=workers, progress=self.progress
        )


def _place(path: Path, task: str) -> _Place:
    """Where labels of the task are at a path that the user gave."""
    ending = path.suffix.lower()
    if path.is_dir():
        return _in_folder(path, task)
    if not path.exists():
        raise DataError(f"no {shown(str(path))} here. {_known(task)}")
    if (ending, task) in _FILES:
        base = path.parent.parent if path.parent.name == "annotations" else path.parent
        own = path.with_suffix("")  # train.csv beside train/
        return _Place(path, own if own.is_dir() else base)
    if ending == ".txt" and path.parent.parent.name == "ImageSets" and task in _LABEL_FOLDERS:
        root = path.parents[2]
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        stems = tuple(line.split()[0] for line in lines if line.strip())
        found = _in_folder(root, task)
        return _Place(found.labels, found.images, stems)
    raise DataError(f"{shown(str(path))} is no form of labels for {task}. {_known(task)}")


def _in_folder(root: Path, task: str) -> _Place:
    """Labels in a folder: in a part of it that is called so, in itself, or a single .json."""
    endings = _ENDINGS.get(task, ())
    parts = [root / name for name in _LABEL_FOLDERS.get(task, ()) if (root / name).is_dir()]
    for labels in (*parts, root):
        if endings and label_files(labels, endings):
            base = root if labels != root else root.parent
            beside = (base / name for name in _IMAGE_FOLDERS if (base / name).is_dir())
            return _Place(labels, next(beside, root))
    tables = label_files(root, (".json",)) if (".json", task) in _FILES else []
    if len(tables) == 1:
        return _Place(tables[0], root)
    if tables:
        told = ", ".join(shown(path.name) for path in tables[:4])
        raise DataError(f"{shown(str(root))}/ holds several .json ({told}); name one of them.")
    raise DataError(f"{shown(str(root))}/ holds no labels for {task}. {_known(task)}")


def _known(task: str) -> str:
    return f"Labels for {task} are {', '.join(FORMS[task])}."


def _refuse_idle(
    task: str,
    images: object,
    palette: object,
    ignore: Sequence[int],
    depth_scale: float | None,
) -> None:
    """Stop where an option was given that would have no effect; no task reads no files."""
    idle = {
        "images": images is not None and task in ("", "classification"),
        "palette": palette is not None and task != "segmentation",
        "ignore": bool(ignore) and task != "segmentation",
        "depth_scale": depth_scale is not None and task != "depth",
    }
    for name, given in idle.items():
        if given:
            raise UsageError(f"{name} has no effect on labels of this kind; leave it out.")


def _part(stored: Stored, list_name: str, stems: tuple[str, ...], absent: list[Problem]) -> Stored:
    """The images that a list means."""
    names, kept = Names(stored), set[int]()
    for number, stem in enumerate(stems, start=1):
        row = names.row(f"{stem}.jpg")
        if row is None:
            absent.append(names.missing(stem, f"{list_name}, entry {number}"))
        else:
            kept.add(row)
    if not kept:
        raise DataError(f"none of the images that {shown(list_name)} names are in {stored.what}.")
    rows = sorted(kept)
    return Stored(
        stored.what,
        [stored.pieces[row] for row in rows],
        [stored.headers[row] for row in rows],
        stored.skipped,
        stored.limits,
    )
