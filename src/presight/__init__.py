"""presight: see before labels.

Pretrain visual backbones on images without labels, and measure what that is worth. Names are
loaded when they are first used: importing presight imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from presight import lazy

if TYPE_CHECKING:
    from presight.api import check as check
    from presight.api import demo as demo
    from presight.api import doctor as doctor
    from presight.api import embed as embed
    from presight.api import export as export
    from presight.api import pretrain as pretrain
    from presight.api import report as report
    from presight.core.batch import Batch as Batch
    from presight.core.batch import DataSpec as DataSpec
    from presight.core.batch import Out as Out
    from presight.core.batch import Step as Step
    from presight.core.draw import Draw as Draw
    from presight.core.method import Card as Card
    from presight.core.method import Method as Method
    from presight.core.recipe import Recipe as Recipe
    from presight.evaluation.kept import load_model as load_model
    from presight.pretraining.verbs import evaluate as evaluate
    from presight.pretraining.verbs import predict as predict
    from presight.restore import load_backbone as load_backbone
    from presight.studies.verb import study as study

__version__ = "0.1.0"

_HOMES = {
    "demo": "api",
    "check": "api",
    "doctor": "api",
    "pretrain": "api",
    "embed": "api",
    "evaluate": "pretraining.verbs",
    "predict": "pretraining.verbs",
    "export": "api",
    "report": "api",
    "study": "studies.verb",
    "load_backbone": "restore",
    "load_model": "evaluation.kept",
    "Method": "core.method",
    "Card": "core.method",
    "Recipe": "core.recipe",
    "Batch": "core.batch",
    "DataSpec": "core.batch",
    "Out": "core.batch",
    "Step": "core.batch",
    "Draw": "core.draw",
}


_PACKAGES = ("core", "errors", "evaluation", "losses", "methods", "testing", "views")

__getattr__ = lazy.names(__name__, _HOMES, _PACKAGES)


def __dir__() -> list[str]:
    return [*_HOMES, *_PACKAGES, "__version__"]
