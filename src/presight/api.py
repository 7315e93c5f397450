"""The verbs in Python: the same options as on the command line, by keyword."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from presight.core.settings import Settings

if TYPE_CHECKING:
    from presight.data.check import Report
    from presight.exporting.formats import Result
    from presight.pretraining.demo import Demo
    from presight.pretraining.embed import Embedded
    from presight.pretraining.measure import Measured
    from presight.pretraining.outcome import Run
    from presight.store.integrity import Finding


def demo(*, out: str | Path = "demo", minutes: float = 3.0) -> Demo:
    """Pretrain two methods on rendered scenes, measure them, write `report.html` beside them.

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
    """What is in a folder of images, what pretrain would skip and why, and what it would take.

    Args:
        data: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N.
        min_side: images with a shorter side are skipped, pixels.
        max_pixels: images with more pixels are skipped before they are decoded.
        allow_truncated: take images whose end is missing.
        float_range: take images of floats or 32-bit integers, each stretched from its least to
            its greatest value.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision: data set that is not on disk.
        workers: processes that open images; auto is one less than the cores, at most 8.
        device: what to train on, for the suggestions: auto, cpu, cuda, mps or xpu.
        quiet: show no progress.

    Returns:
        Counts and suggestions; `.lines()` has them in words.

    Raises:
        DataError: nothing usable at all.
    """
    from presight.data.check import check as look
    from presight.data.decode import Limits
    from presight.pretraining.data import counted
    from presight.training.runtime import pick_device

    limits = Limits(
        min_side=min_side,
        max_pixels=max_pixels,
        allow_truncated=allow_truncated,
        float_range=float_range,
    )
    return look(
        data,
        limits=limits,
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
        backbone: torchvision's name, resnet9:WIDTH, timm/NAME or package.module:function.
        out: the run folder; the same call again goes on.
        options: of `presight.core.settings.Settings`, `presight.core.plan.TrainPlan` and the
            method, as on the command line with underscores.

    Raises:
        PresightError: of the kind that fits; see presight.errors.
    """
    from presight.core.options import split
    from presight.pretraining.run import pretrain as run

    flat = {"method": method, "backbone": backbone, "out": str(out), **options}
    parts = split(**flat)
    return run(str(data), settings=parts.settings, plan=parts.plan, options=parts.options)


def evaluate(
    run: str | Path, labels: str | Path = "", *, test: str | Path | None = None, **options: Any
) -> Measured:
    """Measure a run's frozen features beside the untrained backbone and raw pixels.

    Args:
        run: run folder.
        labels: labelled images; without them there are diagnostics only, of the run's own images.
        test: labelled images that are read once; without it a part of the labels is held out.
        options: of `presight.pretraining.evaluate_run`, as on the command line with underscores.
    """
    from presight.pretraining.measure import evaluate_run
    from presight.pretraining.notebook import cell

    with cell(f"measuring {run}", quiet=bool(options.get("quiet"))):
        return evaluate_run(run, str(labels), test=str(test) if test else None, **options)


def embed(run: str | Path, data: str | Path, **options: Any) -> Embedded:
    """Write a run's features of images, their nearest neighbors, a map and thumbnails.

    Args:
        run: run folder.
        data: images, as for pretrain; labels are used where they have any.
        options: of `presight.pretraining.embed.embed_run`, as on the command line with underscores.

    Returns:
        Vectors, names, neighbors and map, and where the files are.
    """
    from presight.pretraining.embed import embed_run

    return embed_run(run, str(data), **options)


def export(run: str | Path, *, to: str = "safetensors", out: str | Path = "") -> Result:
    """Write a run's backbone as a file that another library loads.

    Args:
        run: run folder or backbone file.
        to: torchvision, timm, onnx or safetensors.
        out: the file; by default in the folder `export` of the run, or beside the file.

    Returns:
        The file and how it compared once it was loaded back; of a run, README.md beside it is the
        model card.
    """
    from presight.exporting.export import export as write
    from presight.exporting.export import usual_path
    from presight.pretraining.model_card import write_model_card
    from presight.restore import load_backbone
    from presight.store.folder import RunFolder

    done = write(load_backbone(run), to, Path(out) if out else usual_path(run, to))
    folder = RunFolder(run)
    if folder.exists:
        write_model_card(folder, done.path, done.usage)
    return done


def report(*runs: str | Path, out: str | Path = "report.html") -> Path:
    """Write one self-contained page about one run or several.

    Args:
        runs: run folders.
        out: the page.
    """
    from presight.reporting.page import write_report

    return write_report([Path(run) for run in runs], Path(out))
