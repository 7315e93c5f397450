"""What a study says beside its answers: which figures to trust, and whether to choose labels."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from presight.core import automatic
from presight.core.backbone import Backbone
from presight.core.settings import Settings
from presight.data.canvas import Images
from presight.errors import DataError
from presight.evaluation.tasks.classification import Classification
from presight.evaluation.tasks.sets import task_named
from presight.pretraining.data import images_for, open_data
from presight.studies import selection, trust
from presight.studies.arms import Arms
from presight.studies.bench import Bench
from presight.studies.cells import ANCHORS, NONE, Arm, Row
from presight.studies.diagnosed import diagnosed
from presight.training.runtime import pick_device

Open = Callable[[str, str], Bench]
"""From a task and a world to what measures it."""


def beside(
    arms: Arms,
    bench: Open,
    rows: Sequence[Row],
    *,
    tell: Callable[[str], None],
    choose: bool = True,
) -> dict[str, Any]:
    """Records for a study's file; what cannot be measured is left out, and said.

    A network's figures are measured once: they lie in `diagnostics` and `selection` of the folder.

    Args:
        arms: of the study.
        bench: opens what is measured on.
        rows: of all cells.
        tell: told what is done or left out.
        choose: measure what choosing labels gains, some dozens of linear probes a repetition.

    Returns:
        `diagnostics` and `selection`.
    """
    found: dict[str, Any] = {}
    told = _diagnostics(arms, bench, rows, tell)
    if told:
        found["diagnostics"] = told
    chosen = _selection(arms, bench, rows, tell) if choose else {}
    if chosen:
        found["selection"] = chosen
    return found


def _networks(arms: Arms, rows: Sequence[Row]) -> dict[Arm, list[int]]:
    """Seeds of pretrained networks that are there, by arm."""
    found: dict[Arm, list[int]] = {}
    for arm, seed in sorted({(row.cell.arm, row.cell.seed) for row in rows}):
        if arm.method not in (NONE, *ANCHORS) and arms.is_there(arm, seed):
            found.setdefault(arm, []).append(seed)
    return found


def _diagnostics(
    arms: Arms, bench: Open, rows: Sequence[Row], tell: Callable[[str], None]
) -> dict[str, Any]:
    networks = _networks(arms, rows)
    found: list[trust.Correlation] = []
    looked = 0
    for on in dict.fromkeys(row.cell.measured_on for row in rows):
        here = [row for row in rows if row.cell.measured_on == on]
        try:
            images, fingerprint = _unlabelled(arms, on)
        except DataError as error:
            tell(f"note: nothing is measured without labels: {error}")
            continue
        classes = _labelled(bench, here)
        labelled = None if classes is None else classes[0]
        figures = [
            _figures(arms, arm, seed, images, fingerprint, labelled)
            for arm in dict.fromkeys(row.cell.arm for row in here)
            for seed in networks.get(arm, ())
        ]
        if figures:
            looked = figures[0].images
            metrics = {row.cell.task: task_named(row.cell.task).metrics[0].name for row in here}
            found += trust.correlations(figures, here, metrics)
    return trust.record(found, looked) if found else {}


def _figures(
    arms: Arms, arm: Arm, seed: int, images: Images, fingerprint: str, labelled: Bench | None
) -> trust.Diagnosed:
    about = {
        "weights": arms.asked(arm, seed),
        "images": fingerprint,
        "labels": None if labelled is None else labelled.division.train.fingerprint,
    }
    return diagnosed(
        arm,
        seed,
        functools.partial(arms.network, arm, seed),
        images,
        arms.out / "diagnostics",
        about=about,
        size=arms.plan.image_size,
        device=pick_device(arms.plan.device),
        labelled=None if labelled is None else functools.partial(_learned, labelled),
    )


def _unlabelled(arms: Arms, on: str) -> tuple[Images, str]:
    """Images without labels of a world, and their fingerprint.

    Raises:
        DataError: there are none.
    """
    data = arms.plan.world(on).data
    if not data:
        raise DataError(f"{on} has labelled images only.")
    settings = dataclasses.replace(Settings(), quiet=True)
    source = open_data(data, settings)
    side = automatic.cache_side(arms.plan.image_size).number
    return images_for(source, data, settings, side, []), source.fingerprint


def _labelled(bench: Open, rows: Sequence[Row]) -> tuple[Bench, list[Row]] | None:
    """What classes are measured on first, where they are, and the rows of it."""
    for place in dict.fromkeys((row.cell.task, row.cell.measured_on) for row in rows):
        opened = bench(*place)
        if opened.probes:
            alike = [row for row in rows if (row.cell.task, row.cell.measured_on) == place]
            return opened, [row for row in alike if not row.cell.stage]
    return None


def _learned(bench: Bench, backbone: Backbone) -> tuple[Tensor, Tensor]:
    """Features and classes of the images to learn from."""
    assert isinstance(bench.task, Classification)
    rows = bench.division.train_rows
    return bench.features(backbone)[0][rows], bench.task.labels[rows]


def _selection(
    arms: Arms, bench: Open, rows: Sequence[Row], tell: Callable[[str], None]
) -> dict[str, Any]:
    """By the features of the arm that does best."""
    networks = _networks(arms, rows)
    found = _labelled(bench, [row for row in rows if row.cell.arm in networks])
    if found is None:
        return {}
    opened, measured = found
    best = _best(measured)
    pool = selection.Pool.of(opened.division)
    tell(f"choosing labels by the features of {best}, and drawing them")

    def features(seed: int) -> tuple[Tensor, Tensor]:
        bank, queries = opened.features(arms.network(best, seed))
        return bank[opened.division.train_rows], queries[opened.division.test_rows]

    chosen = [
        selection.selected(
            best, seed, functools.partial(features, seed), pool, arms.out / "selection",
            weights=arms.asked(best, seed), draws=selection.DRAWS,
        )
        for seed in networks[best]
    ]  # fmt: skip
    whole = [one for one in chosen if one is not None]
    return selection.record([selection.gain(whole)]) if whole else {}


def _best(rows: Sequence[Row]) -> Arm:
    """The arm with the best mean with the most labels, frozen if anything is.

    Args:
        rows: of one task on one world.
    """
    asked = [row for row in rows if row.cell.mode == "frozen"] or rows
    most = max(row.cell.n_labels for row in asked)
    metric = task_named(rows[0].cell.task).metrics[0].name
    scores: dict[Arm, list[float]] = {}
    for row in asked:
        if row.cell.n_labels == most:
            scores.setdefault(row.cell.arm, []).append(row.values[metric])
    return max(scores, key=lambda arm: float(np.mean(scores[arm])))
