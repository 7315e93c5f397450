"""Which evaluation a question goes to, and which options it has no use for."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import presight
from presight.errors import UsageError
from presight.pretraining import ask
from presight.pretraining.labels import Forms
from presight.pretraining.tasks import Question
from tinyruns import finished

module: Any = ask
"""Its imports are replaced here."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"updates": 9}, "--updates has no effect on frozen classification"),
        ({"images": "x"}, "--images has no effect on frozen classification"),
        ({"depth_scale": 0.1}, "--depth-scale has no effect on frozen classification"),
        ({"mode": "finetune", "stages": "none"}, "--stages has no effect where a network"),
        ({"task": "depth", "label_seeds": 5}, "--label-seeds has no effect where a network"),
        ({"task": "depht"}, "no task depht|no task .depht"),
        ({"mode": "fine"}, "mode is 'fine'; expected one of frozen, finetune"),
        ({"task": "segmentation", "ignore": "1,x"}, "--ignore is '1,x'"),
        ({"mode": "finetune", "updates": 0}, "--updates is 0"),
        ({"labels": "", "keep": True}, "--keep has no effect without --labels"),
        ({"labels": "", "task": "depth"}, "--task has no effect without --labels"),
    ],
)
def test_what_has_no_effect_is_refused(options: dict[str, Any], message: str) -> None:
    given = {"labels": "scenes:20?size=16", **options}
    with pytest.raises(UsageError, match=message):
        presight.evaluate(finished(), device="cpu", quiet=True, **given)


def test_frozen_classification_goes_to_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(module, "evaluate_run", lambda *args, **given: seen.append((args, given)))
    presight.evaluate("runs/a", "photos", keep=True, stages="none", seed=3, quiet=True)
    ((args, given),) = seen
    assert args == ("runs/a", "photos")
    assert (given["keep"], given["stages"], given["seed"], given["quiet"]) == (
        True,
        "none",
        3,
        True,
    )
    assert not {"task", "mode", "updates", "palette"} & set(given)


def test_all_else_goes_where_it_is_learned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(module, "evaluate_task", lambda *args: seen.append(args))
    presight.evaluate(
        finished(), "masks", test="more", task="segmentation", mode="finetune", keep=True,
        label_counts="9", updates=7, images="photos", palette="p.csv", seed=4, device="cpu",
        min_side=3, follow_links=True, quiet=True,
    )  # fmt: skip
    ((folder, question, settings),) = seen
    assert folder.path == finished()
    forms = Forms(images="photos", palette="p.csv")
    assert question == Question(
        "segmentation", "finetune", "masks", "more", "9", 7, 4, "cpu", forms, True
    )
    assert (settings.min_side, settings.follow_links, settings.quiet) == (3, True, True)


def test_defaults_are_those_of_the_verb() -> None:
    known = inspect.signature(presight.evaluate).parameters
    assert {name: known[name].default for name in ask.USUAL} == ask.USUAL
