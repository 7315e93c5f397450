"""evaluate_asked(): which evaluation answers a question, and which options it has no use for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from presight.core import ranges
from presight.core.wording import flag
from presight.errors import UsageError
from presight.evaluation.tasks.sets import task_named
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import as_asked
from presight.pretraining.labels import Forms
from presight.pretraining.measure import Measured, evaluate_run
from presight.pretraining.tasks import Answered, Question, evaluate_task
from presight.store.folder import RunFolder

USUAL: Mapping[str, Any] = {
    "task": "classification", "mode": "frozen", "keep": False, "updates": 500, "images": "",
    "palette": "", "ignore": "", "depth_scale": 0.0, "label_seeds": 3, "stages": "quick",
}  # fmt: skip
"""Defaults of the options that some questions have no use for, as `presight.evaluate` has them."""

_FORMS = ("images", "palette", "ignore", "depth_scale")
_LEARNING = ("updates", *_FORMS)
_PROBING = ("label_seeds", "stages")
_RANGED = ("label_seeds", "seed", "updates", "min_side", "max_bad_fraction")
_MODES = ("frozen", "finetune")


def evaluate_asked(run: str | Path, labels: str, **asked: Any) -> Measured | Answered:
    """What `presight.evaluate` does, whose options and errors these are.

    Frozen classification is measured by probes, which are exact and cheap; all else learns.

    Raises:
        UsageError: an option out of range, or without effect.
    """
    task_named(asked["task"])
    if asked["mode"] not in _MODES:
        raise UsageError(f"mode is {asked['mode']!r}; expected one of {', '.join(_MODES)}.")
    ranges.check_options(**{name: asked[name] for name in _RANGED})
    forms = Forms.read(**{name: asked[name] for name in _FORMS})
    if not labels:
        _refuse_idle(asked, ("task", "mode", "keep", *_LEARNING), "without --labels")
    task, mode = asked.pop("task"), asked.pop("mode")
    if task == "classification" and mode == "frozen":
        _refuse_idle(asked, _LEARNING, "on frozen classification, which is measured by probes")
        return evaluate_run(run, labels, **_without(asked, _LEARNING))
    _refuse_idle(asked, _PROBING, "where a network or its head learns by gradient")
    folder = RunFolder(run)
    folder.open()
    names = ("test", "label_counts", "updates", "seed", "device", "keep")
    question = Question(task, mode, labels, forms=forms, **{name: asked[name] for name in names})
    rules = ("download", "min_side", "max_bad_fraction", "follow_links", "quiet")
    settings = as_asked(
        Configuration.read(folder, asked["plugin"]).settings,
        **{name: asked[name] for name in rules},
    )
    return evaluate_task(folder, question, settings)


def _without(asked: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in names}


def _refuse_idle(asked: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    """Stop where an option was given that would have no effect."""
    for name in names:
        if asked[name] != USUAL[name]:
            raise UsageError(f"{flag(name)} has no effect {where}; leave it out.")
