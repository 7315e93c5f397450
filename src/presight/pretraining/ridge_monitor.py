"""The ridge monitor: how well frozen features tell labels, looked at while they are learned.

It tells a person whether a run gets anywhere. Nothing is chosen by it, the last epoch least of all,
and its number is no result: few labels, one split, a plain classifier. `evaluate` measures.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presight.core import automatic, world
from presight.core.batch import Batch
from presight.core.method import Method
from presight.core.settings import Settings
from presight.data.canvas import Images
from presight.data.source import shown
from presight.errors import DataError, PresightError
from presight.evaluation.features import extract
from presight.evaluation.labelled import LabelledImages
from presight.evaluation.ridge import ridge
from presight.evaluation.split import stratified_order, stratified_split
from presight.pretraining.aside import aside
from presight.pretraining.configuration import Configuration
from presight.pretraining.data import open_labels
from presight.pretraining.telling import say
from presight.training.observers import Measure, Values
from presight.training.recorder import period
from presight.training.runtime import Runtime

_LOG = logging.getLogger(__name__)

MOST, HELD_OUT = 3000, 1 / 3
"""Images that are looked at, and the share of them that is predicted."""
SHARE = 0.03
"""Of the time that looks may take together, where `auto` decides."""


class _Rows:
    """Some of the images, as images of their own."""

    def __init__(self, images: Images, rows: Tensor) -> None:
        self._images, self._rows = images, rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[n, 2], height and width."""
        sizes: NDArray[np.int64] = self._images.sizes[self._rows.numpy()]
        return sizes

    def batch(self, index: Tensor) -> Batch:
        """Images by their place among the rows."""
        return self._images.batch(self._rows[index])


class Sample:
    """A fixed part of labelled images, by class: what is learned from, and what is predicted.

    It depends on the images' names, not on the order in which a disk lists them.

    `blind` is the accuracy of naming the commonest class.

    Args:
        labelled: all of them.
        name: for messages.

    Raises:
        DataError: no class has a second image.
    """

    def __init__(self, labelled: LabelledImages, name: str = "the labels") -> None:
        keys = labelled.keys(torch.arange(len(labelled.labels)))
        rows = stratified_order(labelled.labels, 0, "monitor", keys)[:MOST]
        self.labels = labelled.labels[rows]
        self.images: Images = _Rows(labelled.images, rows)
        parts = stratified_split(self.labels, HELD_OUT, 0, "monitor", keys[rows])
        self.train, self.held = parts
        if not len(self.held):
            raise DataError(
                f"--monitor-labels {shown(name)}: none of {len(rows)} images can be held out "
                "without emptying a class. Give two images or more of a class."
            )
        most = self.labels[self.train].bincount().argmax()
        self.blind = float((self.labels[self.held] == most).double().mean())


def open_monitor(settings: Settings, size: int) -> tuple[Sample | None, Sequence[str]]:
    """The labelled images that the settings name, on process 0, and what was told about them.

    Args:
        settings: of the run.
        size: side of a view, pixels.
    """
    if not settings.monitor_labels or world.rank():
        return None, ()
    odd: list[str] = []
    labelled = open_labels(
        settings.monitor_labels, settings, automatic.cache_side(size).number, odd
    )
    sample = Sample(labelled, settings.monitor_labels)
    odd = [f"note: {line}" for line in odd]
    line = (
        f"monitor   {len(sample.train):,} labelled images to learn from, {len(sample.held):,} to "
        f"predict, of {shown(settings.monitor_labels)}; {len(labelled.classes)} classes, a blind "
        f"guess is right for {sample.blind:.1%}"
    )
    for told in odd if settings.quiet else (line, *odd):
        say(told)
    return sample, (line, *odd)


def measures(
    config: Configuration, method: Method, sample: Sample | None, runtime: Runtime
) -> list[Measure]:
    """The monitor, on every process, where the configuration asks for one."""
    if not config.settings.monitor_labels:
        return []
    monitor = RidgeMonitor(
        method,
        sample,
        size=config.spec.image_size,
        every=config.settings.monitor_every,
        updates_per_epoch=config.spec.updates_per_epoch,
        runtime=runtime,
    )
    return [monitor]


class RidgeMonitor:
    """Adds `ridge_accuracy` and `ridge_labels` to the records of the updates that it looks at.

    Features of a copy of the backbone in eval mode, whole central views, ridge classification with
    its strength chosen by rows left out of the training part. Process 0 looks, the others wait.

    Args:
        method: in training.
        sample: on process 0.
        size: side of a view, pixels.
        every: epochs between looks; auto keeps within `SHARE` of the time, but for the first and
            the last look.
        updates_per_epoch: of the run.
        runtime: device and precision.
    """

    def __init__(
        self,
        method: Method,
        sample: Sample | None,
        *,
        size: int,
        every: float | Literal["auto"],
        updates_per_epoch: int,
        runtime: Runtime,
    ) -> None:
        self._method, self._sample, self._size = method, sample, size
        self._auto, self._runtime = every == "auto", runtime
        self._updates = updates_per_epoch * (1.0 if every == "auto" else every)
        self._spent = self._longest = 0.0
        self._broken = False

    def __call__(self, values: Values) -> Values:
        """What is to be added to a record; nothing where no look is due."""
        step, steps = int(values["step"]), int(values["steps"])
        last = step == steps
        # From the steps alone, so that processes and resumed runs agree.
        before = (step - 1) // period(steps) * period(steps)
        if not last and self._passed(step) == self._passed(before):
            return {}
        found: Values = {}
        if self._sample is not None and not self._broken and (last or self._affordable(values)):
            found = self._guarded(self._sample)
        agreed: Values = world.broadcast_object(found)
        return agreed

    def _passed(self, step: int) -> int:
        return math.floor(step / self._updates + 1e-9)

    def _affordable(self, values: Values) -> bool:
        return not self._auto or self._spent + self._longest <= SHARE * values["seconds"]

    def _guarded(self, sample: Sample) -> Values:
        """A look; one that fails ends the monitor and not the run."""
        began = time.monotonic()
        try:
            accuracy = self.look(sample)
        except (PresightError, OSError, RuntimeError) as error:
            self._broken = True
            _LOG.warning("the monitor is off from here: %s", str(error).splitlines()[0])
            return {}
        seconds = time.monotonic() - began
        self._spent, self._longest = self._spent + seconds, max(self._longest, seconds)
        _LOG.info("ridge accuracy %.1f %%, a look of %.2f s", 100 * accuracy, seconds)
        return {"ridge_accuracy": accuracy, "ridge_labels": float(len(sample.train))}

    def look(self, sample: Sample) -> float:
        """Accuracy on the held-out part, in [0, 1]."""
        runtime = self._runtime
        bfloat16 = runtime.precision == "bf16"
        with aside(self._method.backbone, runtime.device) as backbone:
            features = extract(
                backbone.float(),
                sample.images,
                size=self._size,
                device=runtime.device,
                bfloat16=bfloat16,
                channels_last=bfloat16,
            )
        train, labels = features[sample.train], sample.labels
        predicted = ridge(train, labels[sample.train]).predict(features[sample.held])
        return float((predicted == labels[sample.held]).double().mean())
