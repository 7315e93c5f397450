"""What a study asks. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from presight.core import registry
from presight.errors import UsageError
from presight.store.folder import RunFolder
from presight.studies.cells import ANCHORS, IMAGENET, MODES, NONE, Mode

if TYPE_CHECKING:
    from presight.pretraining.labels import Forms


@dataclasses.dataclass(frozen=True)
class World:
    """Images without labels and labelled ones of the same kind.

    Args:
        name: short; "" in a study of one world.
        data: to pretrain on; "" where nothing is pretrained on it.
        labels: to learn from; "" where nothing is measured on it.
        test: labelled images that are measured on; without them a fifth of the labels.
        tasks: that it is labelled for; by default the study's.
    """

    name: str
    data: str
    labels: str
    test: str = ""
    tasks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study asks.

    Args:
        worlds: images and labels; most studies have one.
        pairs: names of worlds, pretrained on and measured on; None pairs each with itself.
        tasks: names.
        forms: how labels in files are read; None by default.
        methods: names, `none`, `imagenet`, or paths of finished runs.
        backbones: names.
        modes: frozen, finetune or both.
        label_counts: as `evaluate` reads them.
        seeds: repetitions.
        minutes: of each pretraining; 0 takes the preset's epochs.
        epochs: of each pretraining; 0 leaves them to the minutes or the preset.
        image_size: side of a view, pixels.
        updates: of learning with few labels.
        rates: learning rates to choose among, of AdamW; none takes those of `StepBudget`.
        stages: measure the maps of each backbone too, frozen, with the most labels.
        device: auto, cpu, cuda, mps or xpu.
    """

    worlds: tuple[World, ...]
    pairs: tuple[tuple[str, str], ...] | None = None
    tasks: tuple[str, ...] = ("classification",)
    forms: Forms | None = None
    methods: tuple[str, ...] = ("simclr", "rotation", NONE)
    backbones: tuple[str, ...] = ("auto",)
    modes: tuple[Mode, ...] = MODES
    label_counts: str = "auto"
    seeds: int = 3
    minutes: float = 0.0
    epochs: float = 0.0
    image_size: int = 32
    updates: int = 500
    rates: tuple[float, ...] = ()
    stages: bool = False
    device: str = "auto"

    def world(self, name: str) -> World:
        """The world of a name."""
        return next(world for world in self.worlds if world.name == name)

    def measured(self) -> list[tuple[World, tuple[str, ...]]]:
        """Worlds that are measured on, and for which tasks."""
        names = {on for _, on in self.paired()}
        return [
            (world, world.tasks or self.tasks)
            for world in self.worlds
            if world.name in names and world.labels
        ]

    def paired(self) -> tuple[tuple[str, str], ...]:
        """Names of worlds, pretrained on and measured on."""
        if self.pairs is not None:
            return self.pairs
        return tuple((world.name, world.name) for world in self.worlds)


def worlds(data: str, labels: str, test: str) -> tuple[World, ...]:
    """Worlds from what a user wrote: one of each, or as many of each with commas between.

    Raises:
        UsageError: not as many labels as data.
    """
    parts = [_parts(data), _parts(labels), _parts(test) if test else []]
    if len(parts[1]) != len(parts[0]) or len(parts[2]) not in (0, len(parts[0])):
        raise UsageError(
            f"{len(parts[0])} data, {len(parts[1])} --labels and {len(parts[2])} --test; each data "
            "has labels of its own, in the same order with commas between, and all have a test set "
            "or none."
        )
    if len(parts[0]) == 1:
        return (World("", data, labels, test),)
    tests = parts[2] or [""] * len(parts[0])
    names = _names(parts[0])
    return tuple(map(World, names, parts[0], parts[1], tests))


def pairs_of(found: Sequence[World]) -> tuple[tuple[str, str], ...]:
    """Every world with every other: pretrained on the first, measured on the second.

    Raises:
        UsageError: there is one world.
    """
    if len(found) == 1:
        raise UsageError(
            "--transfer needs several data with labels of their own: presight study a/,b/ "
            "--labels a-labelled/,b-labelled/ --transfer"
        )
    return tuple((one.name, other.name) for one in found for other in found)


def _parts(text: str) -> list[str]:
    """Paths with commas between; a path that is there may hold a comma itself."""
    if Path(text).exists():
        return [text]
    return [part.strip() for part in text.split(",") if part.strip()] or [text]


def _names(specs: Sequence[str]) -> list[str]:
    """The last word of each, with a number where two are the same."""
    words = [Path(spec).name or spec for spec in specs]
    return [
        word if words.count(word) == 1 else f"{word}-{number}"
        for number, word in enumerate(words, 1)
    ]


def check(plan: Plan) -> None:
    """Refuse a plan that asks nothing.

    Raises:
        UsageError: says which option.
    """
    if plan.seeds < 1:
        raise UsageError(f"--seeds is {plan.seeds}; it must be 1 or more.")
    if NONE not in plan.methods:
        raise UsageError(
            "--methods lacks none: without the network that is not pretrained there is nothing to "
            "compare with. Add none, as in --methods simclr,none."
        )
    anchors = [name for name in plan.methods if name in ANCHORS]
    if anchors:
        raise UsageError(
            f"--methods names {anchors[0]}, which is measured in every study; leave it out."
        )
    if not plan.modes or set(plan.modes) - set(MODES):
        raise UsageError(f"--modes is {','.join(plan.modes)}; expected frozen, finetune or both.")


def is_run(method: str) -> bool:
    """Whether a method is a run's folder; a method's name is one whatever folders there are.

    Raises:
        UsageError: it is neither.
    """
    if method in (NONE, IMAGENET, *registry.names()):
        return False
    if not RunFolder(method).exists:
        if Path(method).name != method:
            raise UsageError(f"--methods names {method}, where no run is.")
        registry.entry(method)  # says which names there are
    return True
