"""Files of studies whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def entry(
    method: str,
    mode: str,
    scores: Sequence[float],
    *,
    gaps: Sequence[Sequence[float]] = (),
    utility: Sequence[Any] = (),
    images: str = "",
    backbone: str = "resnet9:8",
) -> dict[str, Any]:
    """An arm in a mode: scores with intervals of 2 points, two repetitions."""
    return {
        "arm": {"method": method, "backbone": backbone, "images": images},
        "mode": mode,
        "scores": [[s, s - 0.02, s + 0.02] for s in scores],
        "by_seed": [[s - 0.01 for s in scores], [s + 0.01 for s in scores]],
        "utility": [dict(one) for one in utility],
        "scenario": {"kind": "fewer labels", "gaps": [list(g) for g in gaps]} if gaps else None,
    }


SAVED = (
    {"n_labels": 50, "value": 3.0, "low": 2.0, "high": None, "status": "ok"},
    {"n_labels": 200, "value": 0.0, "low": None, "high": None, "status": "right_censored"},
)
FEW = ((0.3, 0.25, 0.35), (0.1, -0.02, 0.2))
HARM = ((0.01, -0.02, 0.04), (-0.1, -0.2, -0.05))


def answer(task: str = "classification", measured_on: str = "", **changes: Any) -> dict[str, Any]:
    """An arm far above scratch with few labels, another that harms with many."""
    good = {"method": "good", "backbone": "resnet9:8", "images": ""}
    none = {"method": "none", "backbone": "resnet9:8", "images": ""}
    return {
        "task": task,
        "measured_on": measured_on,
        "metric": "accuracy",
        "labels": [50, 200],
        "seeds": 2,
        "maximal": {"resnet9:8": 0.81},
        "sentence": "With 200 labels take good on resnet9:8 frozen: accuracy 70.0 % (95 % interval "
        "68.0 % to 72.0 %); not to be told apart from other. 50 labels do the work of 200.",
        "entries": [
            entry("good", "frozen", [0.6, 0.7], gaps=FEW, utility=SAVED),
            entry("none", "finetune", [0.3, 0.6]),
            entry("good", "finetune", [0.31, 0.5], gaps=HARM),
            entry("none", "frozen", [0.2, 0.25]),
            entry("pixels", "frozen", [0.15, 0.2], backbone=""),
            entry("blind", "frozen", [0.1, 0.1], backbone=""),
        ],
        "stages": [
            {"arm": arm, "n_labels": 200, "stages": [1, 2, 0],
             "scores": [[0.4, 0.3, 0.5], [top, 0.7, 0.8], [0.7, 0.65, 0.75]]}
            for arm, top in ((good, 0.77), (none, 0.5))
        ],
        "modes": [
            {"arm": good, "labels": [50, 200],
             "gaps": [[-0.29, -0.35, -0.2], [-0.2, -0.3, 0.05]]},
        ],
        **changes,
    }  # fmt: skip


def scratch_alone(**changes: Any) -> dict[str, Any]:
    """A file of a study that pretrained nothing: its page is quickly drawn."""
    only = answer(entries=[entry("none", "finetune", [0.3, 0.6])], stages=[], modes=[])
    return told(answers=[only], **changes)


def told(**changes: Any) -> dict[str, Any]:
    """A study's file with one answer."""
    good = {"method": "good", "backbone": "resnet9:8", "images": ""}
    return {
        "layout": 2,
        "plan": {"worlds": [{"name": "", "data": "/home/somebody/photos"}], "seeds": 2},
        "answers": [answer()],
        "cost": {"pretraining": [{"arm": good, "seconds": [290.0, 310.0]}], "measuring": 125.0},
        **changes,
    }


def written(folder: Path, value: Any) -> Path:
    """A study's folder with such a file."""
    folder.mkdir(exist_ok=True)
    (folder / "study.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder
