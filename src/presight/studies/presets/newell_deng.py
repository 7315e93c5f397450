"""Newell and Deng's study on embedded scenes: factors, numbers of images and labels, four tasks.

Source: How Useful is Self-Supervised Pretraining for Visual Tasks?, CVPR 2020. Their factors are
texture, color, viewpoint and light; depth has the factor distance here too, without which the
median depth answers almost every pixel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from presight.studies.plan import Plan, World

_FACTORS = "TCVL"
_OBJECTS = 2  # of a scene for dense tasks: more are too small to tell apart at 32 pixels

SINGLE, DENSE = ("classification", "pose5"), ("segmentation", "depth")


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large the study is.

    Args:
        size: side of a scene and of a view, pixels.
        unlabelled: scenes to pretrain on.
        fewer: scenes to pretrain on where their number is the question.
        labels: labelled scenes.
        tested: scenes that are measured on, of shapes that are never learned from.
        counts: numbers of labels.
        bits: which factors are on, a data set each.
        backbones: names.
        epochs: of each pretraining.
        updates: least updates of learning.
    """

    size: int
    unlabelled: int
    fewer: int
    labels: int
    tested: int
    counts: str
    bits: tuple[str, ...]
    backbones: tuple[str, ...]
    epochs: float
    updates: int


CPU = Scale(
    size=32,
    unlabelled=4000,
    fewer=1000,
    labels=1000,
    tested=1000,
    counts="50,200,1000",
    bits=("0010", "1111"),
    backbones=("resnet9:8", "resnet9:16", "alexnet:16", "vgg11_bn:16", "vit:64"),
    epochs=20,
    updates=200,
)
"""What two cores do in days, or in hours with fewer backbones and methods."""

PAPER = Scale(
    size=64,
    unlabelled=100_000,
    fewer=10_000,
    labels=100_000,
    tested=5000,
    counts="100,250,1000,4000,20000,100000",
    bits=(
        "0000", "1000", "0100", "0010", "0001", "1100", "0110", "0101", "0111", "1110", "1011",
        "1111",
    ),
    backbones=("resnet9:64", "resnet50", "alexnet", "vgg11_bn", "vit:192"),
    epochs=200,
    updates=2000,
)  # fmt: skip
"""The paper's data sets and about its numbers, for accelerators."""


def newell_deng(scale: Scale, **options: Any) -> Mapping[str, Plan]:
    """The study's parts, whose rows belong together.

    Args:
        scale: how large it is.
        options: of `Plan`, instead of the scale's.

    Returns:
        Plans by name: `single` objects with factors switched, for classification and pose, where
        the hardest data set is also pretrained on with fewer images; `dense` scenes of several
        objects for segmentation and depth.
    """
    worlds = tuple(_world(scale, bits) for bits in scale.bits)
    hardest = worlds[-1]
    fewer = World(
        f"{hardest.name} {scale.fewer} images", _scenes(scale, scale.bits[-1], scale.fewer), ""
    )
    pairs = tuple((world.name, world.name) for world in worlds)
    common: dict[str, Any] = {
        "backbones": scale.backbones,
        "label_counts": scale.counts,
        "image_size": scale.size,
        "epochs": 0.0 if options.get("minutes") else scale.epochs,
        "updates": scale.updates,
        **options,
    }
    middle = scale.bits[0]
    return {
        "single": Plan(
            worlds=(*worlds, fewer),
            pairs=(*pairs, (fewer.name, hardest.name)),
            tasks=SINGLE,
            **common,
        ),
        "dense": Plan(worlds=(_world(scale, middle, "D", _OBJECTS),), tasks=DENSE, **common),
    }


def _world(scale: Scale, bits: str, more: str = "", objects: int = 1) -> World:
    several = f" {objects} objects" if objects > 1 else ""
    return World(
        f"TCVL={bits}{f'+{more}' if more else ''}{several}",
        _scenes(scale, bits, scale.unlabelled, more, objects),
        _scenes(scale, bits, scale.labels, more, objects, seed=1),
        _scenes(scale, bits, scale.tested, more, objects, seed=1, split="test"),
    )


def _scenes(
    scale: Scale,
    bits: str,
    count: int,
    more: str = "",
    objects: int = 1,
    seed: int = 0,
    split: str = "train",
) -> str:
    on = "".join(factor for factor, bit in zip(_FACTORS, bits, strict=True) if bit == "1") + more
    return (
        f"scenes:{count}?size={scale.size}&factors={on or 'none'}&objects={objects}&seed={seed}"
        f"&split={split}"
    )
