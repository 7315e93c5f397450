"""What a method shows of itself while it trains: reconstructions, samples, as pictures."""

from __future__ import annotations

import logging
import time

import torch

from presight.core.batch import Step
from presight.core.draw import Draw
from presight.core.method import Method
from presight.data.loader import Loader
from presight.pretraining.aside import aside
from presight.pretraining.pictures import COLUMNS, save_shown
from presight.store.folder import RunFolder
from presight.training.monitor import Advice
from presight.training.observers import Values
from presight.training.runtime import Runtime

_LOG = logging.getLogger(__name__)

SECONDS = 180.0
"""Between two times that pictures are written while a run goes on."""


def shows(method: Method) -> bool:
    """Whether a method has anything to show."""
    return type(method).show is not Method.show


class Shown:
    """Saves what a method shows: at an epoch's end every few minutes, and at the run's end.

    Always of the same images, the first of the data, and with the same draws; of a copy in eval
    mode, so that training goes on as if nobody had looked.

    Args:
        method: in training.
        loader: of its data.
        folder: of the run.
        runtime: device and precision.
    """

    def __init__(self, method: Method, loader: Loader, folder: RunFolder, runtime: Runtime) -> None:
        self._method, self._loader = method, loader
        self._folder, self._runtime = folder, runtime
        self._epoch, self._last = 0, -SECONDS
        self._broken = False

    def on_record(self, values: Values) -> None:
        """Save where it is due."""
        ended = int(values["epoch"]) != self._epoch
        self._epoch = int(values["epoch"])
        last = values["step"] == values["steps"]
        due = ended and time.monotonic() - self._last >= SECONDS
        if self._broken or not (last or due):
            return
        try:
            self.save(int(values["step"]), int(values["steps"]), values["epoch"])
        except Exception as error:  # a picture is not worth a run; show may be anybody's code
            self._broken = True
            _LOG.warning("%s.show failed: %r", type(self._method).__name__, error)
        self._last = time.monotonic()

    def save(self, number: int, total: int, epochs: float) -> None:
        """Save what the method shows after so many updates."""
        runtime, loader = self._runtime, self._loader
        index = torch.arange(min(COLUMNS, len(loader.images)))
        batch = loader.images.batch(index).to(runtime.device)
        draw = Draw(loader.seed, 0, batch.index)
        with aside(self._method, runtime.device) as method:
            views = runtime.cast(method.views(batch, draw))
            with runtime.autocast():
                made = method.show(views, Step(number, total, int(epochs), batch.index, draw))
        save_shown(self._folder, made, epochs)

    def on_advice(self, advice: Advice) -> None:
        """Advice has no picture."""

    def on_end(self) -> None:
        """Nothing is open."""
