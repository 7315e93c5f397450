"""One function a verb. Its signature and docstring are its options and its help.

A verb that is the same in Python is `presight.api`'s function itself. Whatever a verb needs is
imported inside it: help and errors in names must not wait for torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from presight import api
from presight.cli.console import Result
from presight.core.options import Split
from presight.errors import IntegrityError, UsageError
from presight.pretraining.verbs import evaluate, predict
from presight.studies.verb import study

if TYPE_CHECKING:
    from presight.pretraining.outcome import Run


def doctor(run: str = "", /) -> Result:
    """Check a run folder's files; without one, the installation.

    Args:
        run: a run folder.
    """
    if not run:
        from presight.cli.installation import survey

        found = tuple(survey())
        return Result(found, {"installation": found})
    findings = api.doctor(run)
    broken = any(finding.broken for finding in findings)
    lines = [str(finding) for finding in findings]
    verdict = "not whole: see BROKEN above" if broken else "every file is whole"
    code = IntegrityError.exit_code if broken else 0
    return Result((*lines, f"{run}: {verdict}."), {"run": run, "findings": lines}, code)


def list_(
    what: Literal["methods", "backbones", "recipes"] = "methods",
    pattern: str = "",
    /,
    *,
    plugin: str = "",
) -> Result:
    """List methods, backbones or recipes of views.

    Args:
        what: methods, backbones or recipes.
        pattern: only lines that hold this text.
        plugin: a Python file with methods of your own.
    """
    from presight.cli import lists

    rows = {"methods": lists.methods, "backbones": lists.backbones, "recipes": lists.recipes}
    head, *body = rows[what](plugin)
    kept = [row for row in body if pattern.casefold() in " ".join(row).casefold()]
    record: dict[str, Any] = {what: [dict(zip(head, row, strict=True)) for row in kept]}
    return Result(tuple(lists.aligned([head, *kept])), record)


def pretrain(data: str, *, split: Split) -> Run:
    """Pretrain a backbone on images, without labels.

    Args:
        data: folder, CSV of paths, tar shards, torchvision:NAME or scenes:N; no labels needed.
        split: options of settings, plan and method.
    """
    from presight import pretraining

    settings, plan, options = split
    return pretraining.pretrain(data, settings=settings, plan=plan, options=options)


def report(*runs: str, out: str = "report.html") -> Result:
    """Write a page about one run or several.

    Args:
        runs: run folders.
        out: the page, one HTML file that needs no others.
    """
    if not runs:
        raise UsageError("report needs a run folder: presight report runs/a")
    path = api.report(*runs, out=out)
    return Result((f"report {path}",), {"report": str(path)})


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__.rstrip("_"): verb
    for verb in (
        api.demo,
        api.check,
        doctor,
        list_,
        pretrain,
        evaluate,
        predict,
        study,
        api.embed,
        api.export,
        report,
    )
}
"""Each hands back a `Result`, or what `Result.of` takes."""
