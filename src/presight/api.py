"""The verbs in Python, by keyword what they are on the command line by flag. No torch here.

Where both are the same, the command line reads its options and its help from the function below.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from presight.core.settings import Settings

if TYPE_CHECKING:
    from presight.data.check import Report
    from presight.exporting.formats import Exported
    from presight.pretraining.demo import Demo
    from presight.pretraining.embed import Embedded
    from presight.pretraining.outcome import Run
    from presight.store.integrity import Finding


def demo(*, out: str | Path = "demo", minutes: float = 3.0) -> Demo:
    """Pretrain two methods on rendered scenes, measure them, write report.html beside them.

    Args:
        out: folder of the runs and the report.
        minutes: time budget for both trainings together, above 0.
    """
    from presight import pretraining
    from presight.pretraining.notebook import cell

    with cell(f"the demo in {out}"):
        made = pretraining.run_demo(str(out), minutes)
        report(*made.runs, out=made.report)
    return made


def check(
    data: str | Path,
    *,
    min_side: int = Settings.min_side,
    max_pixels: int = Settings.max_pixels,
    allow_truncated: bool = False,
    float_range: bool = False,
    follow_links: bool = False,
    download: bool = False,
    workers: int | Literal["auto"] = "auto",
    device: str = "auto",
    quiet: bool = False,
) -> Report:
    """Say what is in a folder of images, what pretrain would skip and why, and what it would take.

    Args:
        data: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N.
        min_side: images with a shorter side are skipped, pixels.
        max_pixels: images with more pixels are skipped before they are decoded.
        allow_truncated: take images whose end is missing.
        float_range: take images of floats or 32-bit integers, each from its least to its greatest.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision: data set that is not on disk.
        workers: processes that open images; auto is one less than the cores, at most 8.
        device: what to train on, for the suggestions: auto, cpu, cuda, mps or xpu.
        quiet: print results and warnings only.

    Returns:
        Counts and suggestions; `.lines()` has them in words.

    Raises:
        DataError: nothing usable at all.
        UsageError: an option out of range.
    """
    from presight.core import ranges
    from presight.data.check import check as look
    from presight.data.decode import Limits
    from presight.pretraining.data import counted
    from presight.training.runtime import pick_device

    ranges.check_options(min_side=min_side, max_pixels=max_pixels, workers=workers)
    return look(
        data,
        limits=Limits(
            min_side=min_side,
            max_pixels=max_pixels,
            allow_truncated=allow_truncated,
            float_range=float_range,
        ),
        follow_links=follow_links,
        download=download,
        workers=0 if workers == "auto" else workers,
        progress=counted("looking at images", quiet),
        accelerator=pick_device(device).type != "cpu",
    )


def doctor(run: str | Path) -> list[Finding]:
    """What is wrong with a run folder's files, and what is odd but harmless; it only reads.

    Raises:
        RunError: the folder holds no run, or one of a newer layout.
    """
    from presight.store.doctor import inspect_run

    return inspect_run(run)


def pretrain(
    data: str | Path,
    *,
    method: str = "simclr",
    backbone: str = "auto",
    out: str | Path = "",
    **options: Any,
) -> Run:
    """Pretrain a backbone without labels.

    Args:
        data: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N.
        method: its name; see `presight.methods.names()`.
        backbone: torchvision's name, resnet9:WIDTH, vit:WIDTH, timm/NAME or
            package.module:function.
        out: the run folder; the same call again goes on.
        options: of `presight.core.settings.Settings`, `presight.core.plan.TrainPlan` and the
            method, as on the command line with underscores.

    Raises:
        PresightError: of the kind that fits; see presight.errors.
    """
    from presight.core.options import split
    from presight.pretraining.run import pretrain as run

    parts = split(method=method, backbone=backbone, out=str(out), **options)
    return run(str(data), settings=parts.settings, plan=parts.plan, options=parts.options)


def embed(
    run: str | Path,
    data: str | Path,
    *,
    out: str | Path = "",
    format: Literal["npz", "projector", "parquet", "all"] = "npz",
    neighbors: int = 10,
    map: Literal["tsne", "pca", "none"] = "tsne",
    select: int = 0,
    seed: int = 0,
    device: str = "auto",
    download: bool = False,
    follow_links: bool = False,
    plugin: str | Path = "",
    quiet: bool = False,
) -> Embedded:
    """Write a run's features of images, their nearest neighbors, a map and thumbnails.

    Args:
        run: a run folder.
        data: images, as for pretrain; classes are used where they have any.
        out: folder of the files; by default in the folder embed of the run.
        format: npz; beside it the files of TensorBoard's projector, a parquet table, or all.
        neighbors: of each image, 1 or more.
        map: t-SNE, the first two principal components, or none.
        select: this many images to label first are listed in select.csv; 0 lists none.
        seed: of the map and of the selection.
        device: auto, cpu, cuda, mps or xpu.
        download: fetch a torchvision: data set that is not on disk.
        follow_links: follow links that leave the folder; also where the run did.
        plugin: a Python file with the run's method, where the network is the method's own.
        quiet: print results and warnings only.

    Returns:
        Vectors, names, neighbors and map, and where the files are.

    Raises:
        DataError: fewer than two images, or none that can be read.
        UsageError: an option out of range.
        Unavailable: parquet without pyarrow.
    """
    from presight.pretraining.embed import embed_run

    return embed_run(
        run,
        str(data),
        out=str(out),
        format=format,
        neighbors=neighbors,
        map=map,
        select=select,
        seed=seed,
        device=device,
        download=download,
        follow_links=follow_links,
        plugin=str(plugin),
        quiet=quiet,
    )


def export(
    run: str | Path,
    *,
    to: Literal["safetensors", "torchvision", "timm", "onnx"] = "safetensors",
    out: str | Path = "",
    plugin: str | Path = "",
) -> Exported:
    """Write a run's backbone, or a kept model with its head, as a file that other libraries load.

    Args:
        run: a run folder or a backbone file; or an evaluation's folder or its model.safetensors.
        to: torchvision and timm take their own keys; onnx runs without torch; safetensors fits all.
        out: the file; by default in a folder export, in the run or beside the backbone file.
        plugin: a Python file with the run's method, where the network is the method's own.

    Returns:
        The file and how it compared once it was loaded back; of a run, README.md beside it is the
        model card, or NAME.md where another README.md lies there.
    """
    from presight.exporting.export import export_run

    return export_run(run, to, str(out), str(plugin))


def report(*runs: str | Path, out: str | Path = "report.html") -> Path:
    """Write one self-contained page about one run or several.

    Args:
        runs: run folders.
        out: the page.
    """
    from presight.reporting.page import write_report

    return write_report([Path(run) for run in runs], Path(out))
