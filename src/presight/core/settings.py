"""Options of pretraining that belong neither to the plan nor to a method. No torch."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Data, backbone, device, run folder and output.

    Args:
        method: name of the method; see `presight list methods`.
        backbone: torchvision's name, resnet9:WIDTH, vit:WIDTH, timm/NAME or
            package.module:function; auto takes resnet18 with an accelerator and resnet9:16 without.
        out: the run folder; the same command again goes on, a larger --epochs extends.
        image_size: side of a view in pixels; auto takes it from the images.
        stem: first layer of a resnet or of alexnet: small (3x3, no stride) or standard; auto takes
            small below 64 pixels.
        preset: where the method's defaults come from: imagenet, 96, 32, 32-port (the CIFAR recipe
            that is published, where there is one) or auto (by image size).
        init: start from the backbone of a run, of a .safetensors file, or torchvision:NAME where
            its weights are on disk.
        device: auto, cpu, cuda, mps or xpu; a number may follow, cuda:1.
        minutes: time budget; epochs are solved from the measured speed. 0 means no budget.
        cache_side: short side of cached images in pixels; auto is 1.75 times image_size.
        cache_dir: where decoded images are kept; auto is the user's cache folder.
        workers: decoding processes; auto is one less than the cores, at most 8.
        min_side: images with a shorter side are skipped, pixels.
        max_pixels: images with more pixels are skipped before they are decoded.
        max_bad_fraction: stop where more of the images than this cannot be read.
        allow_truncated: take images whose end is missing.
        float_range: take images of floats or 32-bit integers, each stretched from its least to
            its greatest value.
        follow_links: follow links that leave the folder.
        download: fetch a torchvision: data set that is not on disk.
        checkpoint_minutes: time between checkpoints; one is written at the end in any case.
        keep: number of checkpoints that are kept.
        track: also log to tensorboard, wandb or mlflow.
        plugin: a Python file with methods of your own.
        overwrite: move an existing run folder aside and start anew.
        accept_data_change: go on although the images changed since the run began.
        on_collapse: go on with advice, or stop.
        monitor_labels: labelled images in any form: while features are learned, show how well they
            tell the classes; the method never sees the labels, and nothing is chosen by them.
        monitor_every: epochs between two looks of the monitor; auto looks at the end of epochs as
            long as that takes less than 3 % of the time, and at the end.
        dry_run: resolve everything, print it and stop.
        print_config: print the resolved configuration and stop.
        json: print one line of JSON at the end.
        quiet: print results and warnings only.
    """

    method: str = "simclr"
    backbone: str = "auto"
    out: str = ""
    image_size: int | Literal["auto"] = "auto"
    stem: Literal["auto", "small", "standard"] = "auto"
    preset: Literal["auto", "imagenet", "96", "32", "32-port"] = "auto"
    init: str = ""
    device: str = "auto"
    minutes: float = 0.0
    cache_side: int | Literal["auto"] = "auto"
    cache_dir: str = "auto"
    workers: int | Literal["auto"] = "auto"
    min_side: int = 8
    max_pixels: int = 50_000_000
    max_bad_fraction: float = 0.01
    allow_truncated: bool = False
    float_range: bool = False
    follow_links: bool = False
    download: bool = False
    checkpoint_minutes: float = 15.0
    keep: int = 3
    track: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    plugin: str = ""
    overwrite: bool = False
    accept_data_change: bool = False
    on_collapse: Literal["advise", "stop"] = "advise"
    monitor_labels: str = ""
    monitor_every: float | Literal["auto"] = "auto"
    dry_run: bool = False
    print_config: bool = False
    json: bool = False
    quiet: bool = False

    def given(self) -> dict[str, Any]:
        """What differs from the defaults, by option."""
        fields = dataclasses.fields(self)
        return {f.name: getattr(self, f.name) for f in fields if getattr(self, f.name) != f.default}
