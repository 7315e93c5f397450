"""Saver: when a session is written to the run folder, and how it comes back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from presight.core import world
from presight.core.batch import Batch
from presight.store import atomic, records
from presight.store.tensors import save_tensors
from presight.training.checkpoint import Checkpoints
from presight.training.session import Session


class Saver:
    """Checkpoints of a session; process 0 writes, all read.

    Args:
        folder: the run folder.
        keep: how many checkpoints stay.
        minutes: between two checkpoints.
        metrics: the metrics file, cut back on resume to where the checkpoint was taken.
        extra: plain values kept with the state, so that a checkpoint stands for itself.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int,
        minutes: float,
        metrics: Path,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        self._extra = dict(extra or {})
        self._checkpoints = Checkpoints(folder / "checkpoints", keep)
        self._folder = folder
        self._metrics, self._seconds = metrics, minutes * 60
        self._last = time.monotonic()
        self._saved = -1

    def due(self) -> bool:
        """Whether it is time for a checkpoint, by this process's clock."""
        return time.monotonic() - self._last >= self._seconds

    def save(self, session: Session) -> None:
        """Write the session, unless its present update is written already.

        What was seen to be not finite since the last record is taken back before.
        """
        if session.guard.tripped():
            session.strike()
        number = session.progress.number
        if number != self._saved:
            groups, state = session.capture()
            if world.rank() == 0:
                state |= self._extra
                state["metrics_bytes"] = records.size(self._metrics)
                self._checkpoints.save(number, groups, state)
            world.barrier()
        self._last, self._saved = time.monotonic(), number

    def resume(self, session: Session) -> list[str]:
        """Restore the newest sound checkpoint, if there is one; returns what was passed over."""
        snapshot = self._checkpoints.latest()
        kept: object = 0  # records of updates that no checkpoint holds are made again
        if snapshot is not None:
            session.restore(snapshot)
            self._saved = session.progress.number
            kept = snapshot.state["metrics_bytes"]
        if world.rank() == 0 and isinstance(kept, int):
            records.truncate(self._metrics, kept)
        world.barrier()
        return list(snapshot.notes) if snapshot else []

    def keep_batch(self, number: int, batch: Batch) -> str:
        """Write a batch that could not be learned from; returns where, below the run folder."""
        own = f"-process{world.rank()}" if world.rank() else ""  # each holds its share
        name = f"debug/step-{number:08d}{own}.safetensors"
        atomic.make_folder(self._folder / "debug")
        save_tensors(self._folder / name, {"images": batch.images, "index": batch.index})
        return name
