"""pretrain(): a folder of images in, a backbone out."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import logging
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from presight.core import world
from presight.core.backbone import Backbone
from presight.core.method import Method
from presight.core.settings import Settings
from presight.data.canvas import Images, Packed
from presight.data.loader import Loader
from presight.data.source import Skipped, Source, shown
from presight.data.stored import Stored
from presight.errors import Diverged, Interrupted, OutOfMemory, Stopped
from presight.pretraining import speed
from presight.pretraining.card import write_card
from presight.pretraining.configuration import Configuration, check_method
from presight.pretraining.configure import configure, of_length
from presight.pretraining.data import open_data, open_images
from presight.pretraining.look import look
from presight.pretraining.resume import continued, precision, same_data
from presight.pretraining.watchers import announce, listening, picture, watchers
from presight.restore import build_method, load_backbone, save_backbone
from presight.store import atomic
from presight.store.doctor import seal_run
from presight.store.folder import RunFolder, environment
from presight.training.checkpoint import Checkpoints
from presight.training.loop import TrainResult, train
from presight.training.observers import duration
from presight.training.runtime import Runtime, device_name, pick_device
from presight.training.saver import Saver

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What a command left behind.

    Args:
        folder: the run folder.
        summary: numbers and words of this session.
        text: lines for a person.
    """

    folder: Path
    summary: Mapping[str, Any]
    text: Sequence[str] = ()

    def backbone(self) -> Backbone:
        """The pretrained backbone: a plain module in eval mode."""
        return load_backbone(self.folder)

    def lines(self) -> Sequence[str]:
        """What a person is told at the end."""
        return self.text


def pretrain(
    data: str,
    *,
    settings: Settings,
    plan: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Pretrain a backbone without labels; the same call goes on after an interruption.

    Args:
        data: folder, CSV, tar, torchvision:NAME or scenes:N.
        settings: data, backbone, device, run folder.
        plan: what differs from the method's preset.
        options: of the method, what differs from its preset.

    Raises:
        PresightError: of the kind that fits, with words for the user.
    """
    began = time.monotonic()
    plan, options = dict(plan or {}), dict(options or {})
    folder = RunFolder(Path(settings.out or f"runs/{settings.method}"))
    runtime = Runtime(
        settings.device,
        precision(folder, settings, plan),
        track=settings.track,
        folder=folder.path,
    )
    config: Configuration | None = None
    try:
        known = bool(world.broadcast_object(folder.begun and not settings.overwrite))
        if known:
            config = continued(data, folder, settings, plan, options)
            source = open_data(data, config.settings)
            config = same_data(config, source, settings, folder)
        else:
            source = open_data(data, settings)
            config = configure(
                data, source, settings, plan, options, runtime.device.type, runtime.precision
            )
        told = announce(config, source, runtime, settings.quiet)
        if settings.print_config or settings.dry_run:
            return Run(folder.path, *look(config))
        with world.together(), _writing(folder, settings):
            images = open_images(source, config.settings)
            if not known:
                config = _solved(config, images, runtime, began)
            with listening(folder, told):
                method = _method(config, folder)
                if not known:
                    _begin(config, source, images, folder)
                return _trained(config, method, images, runtime, folder)
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(config, error) from error
    finally:
        runtime.close()


@contextlib.contextmanager
def _writing(folder: RunFolder, settings: Settings) -> Iterator[None]:
    """The right to write the folder, on process 0."""
    if world.rank():
        yield
        return
    if settings.overwrite and folder.exists:
        folder.move_aside()
    folder.refuse_others()
    with folder.lock() as lock:
        for note in lock.notes:
            print(f"note: {note}", file=sys.stderr)
        if folder.exists:  # also a run that was stopped before it was configured
            folder.update("running")
        else:
            folder.create()
        yield


def _solved(config: Configuration, images: Images, runtime: Runtime, began: float) -> Configuration:
    """The configuration with the epochs that fit its time budget, where it has one."""
    minutes = config.settings.minutes
    if not minutes or "epochs" in config.requested:
        return config
    loader = _loader(config, images, runtime)
    found = speed.measure(
        lambda: build_method(config.origin, config.settings.init), loader, config.plan, runtime
    )
    left = max(1.0, minutes * 60 - (time.monotonic() - began))
    epochs = world.broadcast_object(found.epochs(left, loader.updates_per_epoch))
    if world.rank() == 0 and not config.settings.quiet:
        updates = round(epochs * loader.updates_per_epoch)
        print(
            f"speed     {config.plan.batch_size / found.update:,.0f} images/s; {updates:,} "
            f"updates, {epochs:.2f} epochs, fit {minutes:g} minutes",
            file=sys.stderr,
        )
    return of_length(config, epochs, f"auto: fit {minutes:g} minutes on this machine")


def _begin(config: Configuration, source: Source, images: Images, folder: RunFolder) -> None:
    """Write what stands before the first update; the configuration last, which completes it."""
    if world.rank() == 0:
        facts: dict[str, str | int | float | bool] = {
            "device": device_name(pick_device(config.settings.device)),
            "threads": torch.get_num_threads(),
            "processes": world.size(),
        }
        atomic.write_json(folder.environment, environment(facts))
        skipped = [(row.path, row.reason) for row in _skipped(source)]
        lost = images.replaced if isinstance(images, Packed) else ()
        skipped += [(source.identity(i), "damaged: the next image stands in") for i in lost]
        if skipped:
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(("path", "reason"))
            writer.writerows((shown(path), reason) for path, reason in skipped)
            atomic.write_text(folder.skipped, text.getvalue())
            print(f"{len(skipped):,} left out, listed in {folder.skipped}", file=sys.stderr)
        config.write(folder)
    world.barrier()


def _skipped(source: Source) -> Sequence[Skipped]:
    return source.skipped if isinstance(source, Stored) else ()


def _loader(config: Configuration, images: Images, runtime: Runtime) -> Loader:
    return Loader(
        images, batch_size=config.plan.batch_size, seed=config.plan.seed, device=runtime.device
    )


def _method(config: Configuration, folder: RunFolder) -> Method:
    """The method with its first weights: drawn, or `--init`'s where no checkpoint replaces them."""
    trained = Checkpoints(folder.checkpoints).steps()
    return build_method(config.origin, "" if trained else config.settings.init)


def _trained(
    config: Configuration, method: Method, images: Images, runtime: Runtime, folder: RunFolder
) -> Run:
    """Train, keep the state of run.json true, write the backbone."""
    loader = _loader(config, images, runtime)
    saver = Saver(
        folder.path,
        keep=config.settings.keep,
        minutes=config.settings.checkpoint_minutes,
        metrics=folder.metrics,
        extra={"origin": dataclasses.asdict(config.origin)},
    )
    if world.rank() == 0 and not (folder.path / "pictures").is_dir():
        picture(method, loader, folder)
    observers = watchers(config, runtime, folder)
    try:
        result = train(
            method,
            loader,
            recipe=method.views,
            plan=config.plan,
            runtime=runtime,
            saver=saver,
            observers=observers,
            failures=check_method(config).failures,
        )
    except BaseException as error:
        for observer in observers:
            observer.on_end()
        if world.rank() == 0:
            word = (
                "interrupted"
                if isinstance(error, Interrupted | Stopped | KeyboardInterrupt)
                else "failed"
            )
            folder.update("diverged" if isinstance(error, Diverged) else word)  # type: ignore[arg-type]
        raise
    finally:
        runtime.stop_trackers()
    return _finished(config, method, result, runtime, folder)


def _finished(
    config: Configuration, method: Method, result: TrainResult, runtime: Runtime, folder: RunFolder
) -> Run:
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
        write_card(folder)
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
    return Run(folder.path, summary, text if world.rank() == 0 else ())


def _out_of_memory(config: Configuration | None, error: Exception) -> OutOfMemory:
    size = config and f" at batch {config.plan.batch_size} x {config.spec.image_size} px"
    return OutOfMemory(
        f"out of memory{size or ''}: {str(error).splitlines()[0]} Try a smaller --batch-size, "
        "a smaller --image-size, or --accumulate 2 (which changes the negatives of contrastive "
        "methods)."
    )
