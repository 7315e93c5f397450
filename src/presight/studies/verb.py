"""study(): what each pretraining is worth on a user's labels. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from presight.studies.conclude import Studied
    from presight.studies.standing import Table1


def study(
    data: str | Path = "",
    /,
    *,
    preset: Literal["none", "newell-deng", "table1"] = "none",
    labels: str | Path = "", test: str | Path = "", task: str = "auto",
    methods: str = "auto", backbones: str = "auto",
    modes: Literal["both", "frozen", "finetune"] = "both",
    label_counts: str = "auto", seeds: int | Literal["auto"] = "auto",
    minutes: float = 0.0, epochs: float = 0.0, image_size: int | Literal["auto"] = "auto",
    updates: int | Literal["auto"] = "auto", rates: str = "auto",
    stages: bool = False, transfer: bool = False,
    images: str | Path = "", palette: str | Path = "", ignore: str = "", depth_scale: float = 0.0,
    out: str | Path = "studies/a", device: str = "auto",
    executor: Literal["local", "ray"] = "local", budget: str = "", quiet: bool = False,
) -> Studied | Table1:  # fmt: skip
    """Say which pretraining saves how many labels, frozen or fine-tuned, with an interval.

    Args:
        data: images to pretrain on: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N;
            several with commas between, each with labels of its own.
        preset: newell-deng is a study of embedded scenes with texture, color, viewpoint and light
            on and off, for four tasks, without DATA; table1 sets methods beside the figures of the
            survey's table, where DATA has the folders train and val. Other options go before it.
        labels: labelled images, in a form that the task reads; see docs/labels.md.
        test: labelled images that are measured on; by default a fifth of the labels is held out.
        task: what the labels are for, several with commas between: classification, multilabel,
            detection, segmentation, depth, keypoints, pose or pose5; auto is classification.
        methods: names with commas between, paths of finished runs among them; none is the network
            without pretraining and always belongs to it; auto is simclr,rotation,none.
        backbones: names with commas between; auto is as for pretrain.
        modes: frozen backbones with a head, fine-tuning, or both.
        label_counts: numbers of labels to learn from: auto is a ladder up to all; or 50,200,all.
        seeds: repetitions, each with a pretraining, a choice of labels and draws of its own; auto
            is 3.
        minutes: time budget of each pretraining; 0 takes epochs.
        epochs: of each pretraining; 0 takes the minutes, or what pretrain takes by itself.
        image_size: side of a view, pixels; auto is 32.
        updates: least updates of learning, the same for every network; many labels get more; auto
            is 500.
        rates: learning rates to choose among on a held-out part of the labels, with commas between;
            auto is 0.0003,0.001,0.003,0.01.
        stages: measure each stage of the backbones too, frozen, with the most labels.
        transfer: measure what is pretrained on any of the data on the labels of each.
        images: where the images are that labels in files name; by default beside the labels.
        palette: of masks, a CSV of classes with their values or colors.
        ignore: of masks without a palette, values that count neither way, such as 0,255.
        depth_scale: of depths in whole numbers, meters of one step, such as 0.001.
        out: the study's folder; the same command goes on in it.
        device: auto, cpu, cuda, mps or xpu.
        executor: local does one thing after the other; ray does one a processor or GPU, on this
            machine or on the cluster that RAY_ADDRESS names.
        budget: of time, such as 8h or 30m: dense tasks are left out until the rest fits, then
            numbers of labels, then methods; three repetitions always stay. Empty is no
            budget; the same command without one goes on.
        quiet: print results and warnings only.

    Returns:
        All cells, and the answers; the table is in results.csv of the folder.

    Raises:
        DataError: labels that cannot be used.
        UsageError: a study that asks nothing, or an option out of range.
    """
    from presight.core import ranges
    from presight.pretraining.labels import Forms
    from presight.studies.ask import plan_of, positive, words
    from presight.studies.budget import seconds_of

    ranges.check_options(seeds=seeds, minutes=minutes, image_size=image_size, updates=updates)
    ranges.require(epochs >= 0, "--epochs", epochs, "0 or more")
    forms = Forms.read(
        images=str(images), palette=str(palette), ignore=ignore, depth_scale=depth_scale
    )
    asked = {
        "tasks": words(task), "methods": words(methods), "backbones": words(backbones),
        "modes": words(modes), "label_counts": label_counts, "seeds": seeds, "minutes": minutes,
        "epochs": epochs, "image_size": image_size, "updates": updates, "rates": positive(rates),
        "stages": stages, "forms": forms,
    }  # fmt: skip
    plan, given = plan_of(
        preset, str(data), str(labels), str(test), transfer=transfer, device=device, asked=asked
    )
    how: dict[str, Any] = {
        "executor": executor, "budget": seconds_of(budget), "quiet": quiet,
    }  # fmt: skip
    if preset == "none":
        from presight.studies.study import run_study

        return run_study(plan, Path(out), **how)
    from presight.studies.presets.start import run_preset

    return run_preset(preset, str(data), plan, given, Path(out), **how)
