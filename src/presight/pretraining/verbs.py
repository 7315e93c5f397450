"""evaluate() and predict(): what a run is worth on labels, and the model that comes of it.

The command line reads its options and its help from the functions below. No torch here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from presight.pretraining.measure import Measured
    from presight.pretraining.predict import Predicted
    from presight.pretraining.tasks import Answered


def evaluate(
    run: str | Path,
    labels: str | Path = "",
    *,
    test: str | Path = "",
    task: str = "classification",
    mode: Literal["frozen", "finetune"] = "frozen",
    keep: bool = False,
    label_counts: str = "auto",
    label_seeds: int = 3,
    stages: Literal["quick", "full", "none"] = "quick",
    updates: int = 500,
    images: str | Path = "",
    palette: str | Path = "",
    ignore: str = "",
    depth_scale: float = 0.0,
    seed: int = 0,
    device: str = "auto",
    download: bool = False,
    min_side: int | Literal["auto"] = "auto",
    max_bad_fraction: float | Literal["auto"] = "auto",
    follow_links: bool = False,
    plugin: str | Path = "",
    quiet: bool = False,
) -> Measured | Answered:
    """Measure a run on labels, frozen or fine-tuned, beside the same network without training.

    Args:
        run: a run folder.
        labels: labelled images, in a form that the task reads; without them diagnostics only, of
            the run's own images.
        test: labelled images, read once at the end; by default a part of the labels is held out.
        task: what the labels are for: classification, multilabel, detection, segmentation, depth,
            keypoints, pose or pose5.
        mode: frozen measures the network as it is: classification by neighbors and a linear probe,
            other tasks by a head that learns; finetune lets the whole network learn.
        keep: write the model of the most labels, which predict and export take.
        label_counts: numbers of labels to learn from, as in 50,200,all; auto is a ladder up to all
            for frozen classification, else all.
        label_seeds: choices of labels at each count below all, 1 or more; frozen classification.
        stages: linear probes of the network's stages, frozen classification: quick pools maps to
            some 1,000 numbers and learns from 2,000 labels, full takes published sizes and all
            labels.
        updates: least updates where something learns by gradient, the same for every network; many
            labels get more.
        images: where the images are that labels in files name; by default beside the labels.
        palette: of masks, a CSV of classes with their values or colors.
        ignore: of masks without a palette, values that count neither way, such as 0,255.
        depth_scale: of depths in whole numbers, meters of one step, such as 0.001.
        seed: of the held-out parts, the first of the label seeds, and of heads.
        device: auto, cpu, cuda, mps or xpu.
        download: fetch a torchvision: data set that is not on disk.
        min_side: images with a shorter side are skipped, pixels; auto is as in the run.
        max_bad_fraction: stop where more than this cannot be read, in [0, 1]; auto as in the run.
        follow_links: follow links that leave the folder; also where the run did.
        plugin: a Python file with the run's method, where the network is the method's own.
        quiet: print results and warnings only.

    Returns:
        The figures; they also stand in the run folder.

    Raises:
        DataError: labels that cannot be read, or classes of test that train does not have.
        UsageError: an option out of range, or without effect.
    """
    from presight.pretraining.ask import evaluate_asked
    from presight.pretraining.notebook import cell

    with cell(f"measuring {run}", quiet=quiet):
        return evaluate_asked(
            run, str(labels), test=str(test or ""), task=task, mode=mode, keep=keep,
            label_counts=label_counts, label_seeds=label_seeds, stages=stages, updates=updates,
            images=str(images), palette=str(palette), ignore=ignore, depth_scale=depth_scale,
            seed=seed, device=device, download=download, min_side=min_side,
            max_bad_fraction=max_bad_fraction, follow_links=follow_links, plugin=str(plugin),
            quiet=quiet,
        )  # fmt: skip


def predict(
    model: str | Path,
    data: str | Path,
    *,
    out: str | Path = "predictions",
    pictures: int = 200,
    batch_size: int = 64,
    device: str = "auto",
    min_side: int = 8,
    follow_links: bool = False,
    download: bool = False,
    plugin: str | Path = "",
    quiet: bool = False,
) -> Predicted:
    """Answer images with a model that evaluate --keep left: a table, and pictures.

    Args:
        model: an evaluation's folder, its model.safetensors, or a run with one such evaluation.
        data: images, as for pretrain.
        out: a new or empty folder: predictions.csv, planes of masks or depths, pictures.
        pictures: of the first so many images the answer is drawn; classes need no picture: 0.
        batch_size: images at a time.
        device: auto, cpu, cuda, mps or xpu.
        min_side: images with a shorter side are skipped, pixels.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision: data set that is not on disk.
        plugin: a Python file with the backbone's method, where the network is the method's own.
        quiet: print results and warnings only.

    Returns:
        Counts, and where the files are.

    Raises:
        DataError: nothing that can be read.
        UsageError: no model there, or an option out of range.
        RunError: the folder holds other files, or cannot be written.
    """
    from presight.pretraining.notebook import cell
    from presight.pretraining.predict import predict_images

    with cell(f"answering {data}", quiet=quiet):
        return predict_images(
            model,
            str(data),
            out=str(out),
            pictures=pictures,
            batch_size=batch_size,
            device=device,
            min_side=min_side,
            follow_links=follow_links,
            download=download,
            plugin=str(plugin),
            quiet=quiet,
        )
