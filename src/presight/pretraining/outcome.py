"""What a run ends with: the backbone and its papers, a Run, or words for memory that ran out."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from presight.core import world
from presight.core.backbone import Backbone
from presight.core.method import Method
from presight.data.source import shown
from presight.errors import IntegrityError, Interrupted, OutOfMemory, PresightError
from presight.pretraining import markup
from presight.pretraining.configuration import Configuration
from presight.pretraining.pictures import listed
from presight.pretraining.run_card import write_card
from presight.restore import load_backbone, save_backbone
from presight.store import records
from presight.store.doctor import seal_run
from presight.store.folder import RunFolder
from presight.training.checkpoint import Checkpoints
from presight.training.loop import TrainResult, total_updates
from presight.training.observers import duration

_PICTURES = 4
"""Of a run that a notebook shows."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What a command left behind.

    Args:
        folder: the run folder.
        summary: numbers and words of this session.
        text: lines for a person.
        plugin: the user's file that the method was found in.
    """

    folder: Path
    summary: Mapping[str, Any]
    text: Sequence[str] = ()
    plugin: str = ""

    def backbone(self) -> Backbone:
        """The pretrained backbone: a plain module in eval mode."""
        return load_backbone(self.folder, self.plugin)

    def lines(self) -> Sequence[str]:
        """What a person is told at the end."""
        return self.text

    def _repr_html_(self) -> str:
        """What a notebook shows: how it stands, numbers, pictures, what to do next."""
        folder = RunFolder(self.folder)
        status = folder.status if folder.exists else "not begun"
        numbers = {**self.summary, **_last_look(folder)}
        numbers_shown = [(name.replace("_", " "), _number(value)) for name, value in numbers.items()
                 if isinstance(value, int | float) and not isinstance(value, bool)]  # fmt: skip
        made = [
            markup.picture(
                folder.path / "pictures" / Path(str(entry.get("file"))).name,
                str(entry.get("caption", "")),
            )
            for entry in listed(folder)[:_PICTURES]
        ]
        return markup.frame(
            markup.line(f"{self.folder}: {status}", "font-weight:600"),
            markup.line(_facts(folder)),
            markup.rows(numbers_shown),
            *made,
            markup.preformatted([*(one for one in self.text if not _of_shell(one))]),
            markup.preformatted([_next(self.folder, status)]),
        )


def finished(config: Configuration, method: Method, result: TrainResult, folder: RunFolder) -> Run:
    """Write the backbone, the manifest and the state; say what comes next."""
    rate = result.images / max(result.seconds, 1e-9)
    summary = {
        "folder": str(folder.path),
        "updates": result.updates,
        "epochs": config.plan.epochs,
        "loss": result.loss,
        "seconds": round(result.seconds, 2),
        "images_per_second": round(rate, 1),
    }
    if world.rank() == 0:
        save_backbone(method.backbone.float(), config.origin, folder.backbone)
        config.write(folder)
        write_card(folder, config.settings.plugin)
        seal_run(folder)
        folder.update("done", seconds=round(result.seconds, 2))
    world.barrier()
    text = (
        *(f"note: {note}" for note in result.notes),
        f"done      {result.updates:,} updates in {duration(result.seconds)}, "
        f"{rate:,.0f} images/s, loss {result.loss:.3f}",
        f"backbone  {folder.backbone}",
        f"next      presight evaluate {shlex.quote(str(folder.path))} --labels LABELLED_FOLDER",
    )
    for line in text:
        _LOG.info("%s", line)
    text = text if world.rank() == 0 else ()
    return Run(folder.path, summary, text, config.settings.plugin)


def interrupted(folder: RunFolder, error: Interrupted, plugin: str = "") -> Run:
    """A run that stopped at a checkpoint, for who goes on in the same process."""
    config, done = Configuration.read(folder), max(Checkpoints(folder.checkpoints).steps())
    total = total_updates(config.plan, config.spec.updates_per_epoch)
    summary = {"folder": str(folder.path), "status": "interrupted", "updates": done}
    text = (
        f"stopped   {error}",
        f"kept      {done:,} of {total:,} updates in {folder.checkpoints}",
        "now       .backbone() gives what is learned so far",
    )
    return Run(folder.path, summary, text, plugin)


def _facts(folder: RunFolder) -> str:
    """What was trained on what, in words; empty where the folder does not say."""
    try:
        config = Configuration.read(folder)
    except PresightError:
        return ""
    settings, spec = config.settings, config.spec
    return (
        f"{settings.method}, {settings.backbone}, {spec.n_samples:,} images of "
        f"{shown(config.data)}, views of {spec.image_size} pixels"
    )


def _of_shell(line: str) -> bool:
    return line.startswith("next      presight ")


def _next(folder: Path, status: str) -> str:
    """The call that comes next, in Python."""
    if status == "done":
        return f'next      presight.evaluate({str(folder)!r}, "LABELLED_FOLDER")'
    return "next      the same presight.pretrain(...) again goes on with it"


def _last_look(folder: RunFolder) -> dict[str, float]:
    """The newest number of the monitor, where there is one."""
    try:
        found = [one["ridge_accuracy"] for one in records.read(folder.metrics)
                 if isinstance(one.get("ridge_accuracy"), float)]  # fmt: skip
    except (OSError, IntegrityError):
        return {}
    return {"ridge_accuracy": found[-1]} if found else {}  # type: ignore[dict-item]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def out_of_memory(config: Configuration | None, error: Exception) -> OutOfMemory:
    """What is raised where memory ran out: the sizes, and what helps."""
    size = config and f" at batch {config.plan.batch_size} x {config.spec.image_size} px"
    return OutOfMemory(
        f"out of memory{size or ''}: {str(error).splitlines()[0]} Try a smaller --batch-size, "
        "a smaller --image-size, or --accumulate 2 (which changes the negatives of contrastive "
        "methods)."
    )
