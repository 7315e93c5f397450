"""run_preset(): a study that is known by a name, with what the user wants otherwise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal, get_args

from presight.core import registry
from presight.errors import UsageError
from presight.studies.cells import NONE
from presight.studies.conclude import Studied
from presight.studies.plan import Plan
from presight.studies.presets.newell_deng import CPU, PAPER, newell_deng
from presight.studies.published import BACKBONE, SIDE
from presight.studies.several import run_several
from presight.studies.standing import Table1
from presight.studies.table1 import run_table1
from presight.training.runtime import pick_device

Preset = Literal["none", "newell-deng", "table1"]


def run_preset(
    name: str, data: str, plan: Plan, given: frozenset[str], out: Path, **options: Any
) -> Studied | Table1:
    """Run a preset.

    Args:
        name: newell-deng or table1.
        data: a folder with train and val, for table1 alone.
        plan: what the user asked.
        given: names of the plan's fields that the user gave; the preset decides the others.
        out: the study's folder.
        options: of `run_study`.

    Raises:
        UsageError: no such preset, or an option that has no effect in it.
    """
    if name == "newell-deng":
        if data:
            raise UsageError("the preset newell-deng is of embedded scenes; leave DATA out.")
        return _newell_deng(plan, given, out, options)
    if name == "table1":
        return _table1(data, plan, given, out, options)
    raise UsageError(f"no preset {name!r}; known are {', '.join(get_args(Preset))}.")


def _newell_deng(plan: Plan, given: frozenset[str], out: Path, options: dict[str, Any]) -> Studied:
    _refuse("newell-deng", given, {"tasks", "pairs", "forms"})
    own = {name: getattr(plan, name) for name in given}
    own.setdefault("methods", (*_every_method(), NONE))
    scale = CPU if pick_device(plan.device).type == "cpu" else PAPER
    sized = dataclasses.replace(scale, size=own.pop("image_size", scale.size))
    return run_several(newell_deng(sized, device=plan.device, **own), out, **options)


def _every_method() -> tuple[str, ...]:
    """Methods that pretrain any backbone."""
    return tuple(name for name in registry.names() if registry.load(name).card.backbone == "any")


def _table1(
    data: str, plan: Plan, given: frozenset[str], out: Path, options: dict[str, Any]
) -> Table1:
    if not data:
        raise UsageError("the preset table1 needs a folder with train and val: class folders each.")
    _refuse("table1", given, {"tasks", "pairs", "forms", "modes", "label_counts", "updates",
                              "stages", "rates"})  # fmt: skip
    if options.pop("executor", "local") != "local":
        raise UsageError("the preset table1 runs in this process; leave --executor out.")
    if options.pop("budget", 0.0):
        raise UsageError(
            "the preset table1 has no --budget: --minutes is that of each of its runs."
        )
    return run_table1(
        data,
        out,
        backbone=plan.backbones[0] if "backbones" in given else BACKBONE,
        image_size=plan.image_size if "image_size" in given else SIDE,
        epochs=plan.epochs,
        minutes=plan.minutes,
        seeds=plan.seeds if "seeds" in given else 1,
        methods=plan.methods if "methods" in given else (),
        device=plan.device,
        **options,
    )


def _refuse(name: str, given: frozenset[str], idle: set[str]) -> None:
    for field in sorted(given & idle):
        raise UsageError(
            f"--{_FLAGS.get(field, field).replace('_', '-')} has no effect in the preset {name}; "
            "leave it out."
        )


_FLAGS = {
    "tasks": "task",
    "pairs": "transfer",
    "forms": "images, --palette, --ignore, --depth-scale",
}
