"""One function a verb. Its signature and docstring are its options and its help.

Whatever a verb needs is imported inside it: help and errors in names must not wait for torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from presight.cli.console import Result
from presight.core.options import Split
from presight.core.settings import Settings
from presight.errors import IntegrityError, UsageError


def demo(*, out: str = "demo", minutes: float = 3.0) -> Result:
    """Pretrain two methods on rendered scenes, measure them, write a report.

    Args:
        out: folder of the runs and the report.
        minutes: time budget for both trainings together, above 0.
    """
    from presight import api

    made = api.demo(out=out, minutes=minutes)
    lines = (*made.lines(), f"report    {made.report}")
    return Result(lines, {**made.summary, "report": str(made.report)})


def check(
    data: str,
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
) -> Result:
    """Say what is in a folder of images, what pretrain would skip and why, and what it would take.

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
        quiet: print results and warnings only.
    """
    from presight import api

    return _result(
        api.check(
            data,
            min_side=min_side,
            max_pixels=max_pixels,
            allow_truncated=allow_truncated,
            float_range=float_range,
            follow_links=follow_links,
            download=download,
            workers=workers,
            device=device,
            quiet=quiet,
        )
    )


def doctor(run: str = "") -> Result:
    """Check a run folder's files; without one, the installation.

    Args:
        run: a run folder.
    """
    if not run:
        from presight.cli.installation import survey

        found = tuple(survey())
        return Result(found, {"installation": found})
    from presight import api

    findings = api.doctor(run)
    broken = any(finding.broken for finding in findings)
    lines = [str(finding) for finding in findings]
    verdict = "not whole: see BROKEN above" if broken else "every file is whole"
    code = IntegrityError.exit_code if broken else 0
    return Result((*lines, f"{run}: {verdict}."), {"run": run, "findings": lines}, code)


def list_(
    what: Literal["methods", "backbones", "recipes"] = "methods",
    pattern: str = "",
    *,
    plugin: str = "",
) -> Result:
    """List methods, backbones or recipes of views.

    Args:
        what: methods, backbones or recipes.
        pattern: only lines that hold this text.
        plugin: a Python file with methods of your own.
    """
    from presight.cli import lists

    rows = {"methods": lists.methods, "backbones": lists.backbones, "recipes": lists.recipes}
    head, *body = rows[what](plugin)
    kept = [row for row in body if pattern.casefold() in " ".join(row).casefold()]
    record: dict[str, Any] = {what: [dict(zip(head, row, strict=True)) for row in kept]}
    return Result(tuple(lists.aligned([head, *kept])), record)


def pretrain(data: str, *, split: Split) -> Result:
    """Pretrain a backbone on images, without labels.

    Args:
        data: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N; no labels needed.
        split: options of settings, plan and method.
    """
    from presight import pretraining

    settings, plan, options = split
    return _result(pretraining.pretrain(data, settings=settings, plan=plan, options=options))


def evaluate(
    run: str,
    *,
    labels: str = "",
    test: str = "",
    label_counts: str = "auto",
    label_seeds: int = 3,
    stages: Literal["quick", "full", "none"] = "quick",
    seed: int = 0,
    device: str = "auto",
    download: bool = False,
    min_side: int | Literal["auto"] = "auto",
    max_bad_fraction: float | Literal["auto"] = "auto",
    follow_links: bool = False,
    quiet: bool = False,
) -> Result:
    """Measure a run's frozen features on labels, beside untrained and raw pixels.

    Args:
        run: a run folder.
        labels: labelled images: class folders or a CSV. Without them there are diagnostics only.
        test: labelled images that are read once, at the end; without it a part of the labels is
            held out.
        label_counts: numbers of labels to learn from: auto is a ladder up to all; or 50,200,all.
        label_seeds: choices of labels at each count below all, 1 or more.
        stages: linear probes of the network's stages: quick pools maps to some 1,000 numbers and
            learns from 2,000 labels, full takes published sizes and all labels.
        seed: of the held-out parts, and the first of the label seeds.
        device: auto, cpu, cuda, mps or xpu.
        download: fetch a torchvision: data set that is not on disk.
        min_side: images with a shorter side are skipped, pixels; auto is as in the run.
        max_bad_fraction: stop where more of the images than this cannot be read; auto is as in
            the run.
        follow_links: follow links that leave the folder; also where the run did.
        quiet: print results and warnings only.
    """
    from presight import pretraining

    return _result(
        pretraining.evaluate_run(
            run,
            labels,
            test=test or None,
            label_counts=label_counts,
            label_seeds=label_seeds,
            stages=stages,
            seed=seed,
            device=device,
            download=download,
            min_side=min_side,
            max_bad_fraction=max_bad_fraction,
            follow_links=follow_links,
            quiet=quiet,
        )
    )


def embed(
    run: str,
    data: str,
    *,
    out: str = "",
    format: Literal["npz", "projector", "parquet", "all"] = "npz",
    neighbors: int = 10,
    map: Literal["tsne", "pca", "none"] = "tsne",
    select: int = 0,
    seed: int = 0,
    device: str = "auto",
    download: bool = False,
    follow_links: bool = False,
    quiet: bool = False,
) -> Result:
    """Write a run's features of images, their nearest neighbors and a map.

    Args:
        run: a run folder.
        data: images, as for pretrain; classes are used where they have any.
        out: folder of the files; by default in the folder embed of the run.
        format: npz, and beside it the files of TensorBoard's projector, a parquet table for
            embedding-atlas and data frames, or all.
        neighbors: of each image, 1 or more.
        map: t-SNE, the first two principal components, or none.
        select: this many images to label first are listed in select.csv; 0 lists none.
        seed: of the map and of the selection.
        device: auto, cpu, cuda, mps or xpu.
        download: fetch a torchvision: data set that is not on disk.
        follow_links: follow links that leave the folder; also where the run did.
        quiet: print results and warnings only.
    """
    from presight import api

    return _result(
        api.embed(
            run,
            data,
            out=out,
            format=format,
            neighbors=neighbors,
            map=map,
            select=select,
            seed=seed,
            device=device,
            download=download,
            follow_links=follow_links,
            quiet=quiet,
        )
    )


def export(
    run: str,
    *,
    to: Literal["safetensors", "torchvision", "timm", "onnx"] = "safetensors",
    out: str = "",
) -> Result:
    """Write a run's backbone as a file that other libraries load.

    Args:
        run: a run folder or a backbone file.
        to: torchvision and timm take their own keys; onnx runs without torch; safetensors fits all.
        out: the file; by default in the folder export of the run.
    """
    from presight import api

    done = api.export(run, to=to, out=out)
    record = {
        "path": str(done.path),
        "keys": done.keys,
        "missing": list(done.missing),
        "unexpected": list(done.unexpected),
        "max_difference": done.max_difference,
    }
    own = " but for the classifier, which a run has not" if done.missing else ""
    lines = (
        f"{done.path}: {done.keys} keys, missing 0{own}, unexpected {len(done.unexpected)}, "
        f"largest difference after loading {done.max_difference:.2g}",
        done.usage,
    )
    return Result(lines, record)


def report(*runs: str, out: str = "report.html") -> Result:
    """Write a page about one run or several.

    Args:
        runs: run folders.
        out: the page, one HTML file that needs no others.
    """
    if not runs:
        raise UsageError("report needs a run folder: presight report runs/a")
    from presight import api

    path = api.report(*runs, out=out)
    return Result((f"report {path}",), {"report": str(path)})


VERBS: dict[str, Callable[..., Result]] = {
    verb.__name__.rstrip("_"): verb
    for verb in (demo, check, doctor, list_, pretrain, evaluate, embed, export, report)
}


def _result(outcome: Any) -> Result:
    """A library's outcome: its `lines()` for people, its `summary` for machines."""
    if isinstance(outcome, Result):
        return outcome
    return Result(tuple(outcome.lines()), outcome.summary)
