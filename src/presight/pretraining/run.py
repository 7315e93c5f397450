"""pretrain(): a folder of images in, a backbone out."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from presight.core import world
from presight.core.method import Method
from presight.core.settings import Settings
from presight.core.terminal import in_notebook
from presight.data.canvas import Images, Packed
from presight.data.loader import Loader
from presight.data.source import Skipped, Source, shown
from presight.data.stored import Stored
from presight.errors import Diverged, Interrupted, Stopped
from presight.pretraining import speed
from presight.pretraining.configuration import Configuration, card_of_method
from presight.pretraining.configure import configure, of_length
from presight.pretraining.data import open_data, open_images
from presight.pretraining.look import look
from presight.pretraining.notebook import cell, of_several, one_process
from presight.pretraining.outcome import Run, finished, interrupted, out_of_memory
from presight.pretraining.resume import continued, precision, same_data
from presight.pretraining.ridge_monitor import SHARE, Sample, measures, open_monitor
from presight.pretraining.shown import Shown, shows
from presight.pretraining.telling import say
from presight.pretraining.watchers import Patience, announce, listening, picture, watchers
from presight.restore import build_method
from presight.store import atomic
from presight.store.folder import RunFolder, Status, environment
from presight.training.checkpoint import Checkpoints
from presight.training.loop import train
from presight.training.runtime import Runtime, device_name, pick_device
from presight.training.saver import Saver

_LOG = logging.getLogger(__name__)


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
        PresightError: of the kind that fits, with words for the user. Interrupted is returned
            in a notebook as a run that is not finished, once there is a checkpoint.
    """
    plan, options = dict(plan or {}), dict(options or {})
    one_process(data, settings, {**plan, **options})
    folder = RunFolder(Path(settings.out or f"runs/{settings.method}"))
    quiet = settings.quiet or settings.dry_run or settings.print_config
    try:
        with cell(f"{settings.method} in {folder}", quiet=quiet):
            for note in () if quiet else of_several(data, settings, {**plan, **options}):
                say(note)
            return _run(data, folder, settings, plan, options)
    except Interrupted as error:
        if not in_notebook() or not Checkpoints(folder.checkpoints).steps():
            raise
        return interrupted(
            folder, error, settings.plugin
        )  # cells below can go on with what is learned


def _run(
    data: str,
    folder: RunFolder,
    settings: Settings,
    plan: dict[str, Any],
    options: dict[str, Any],
) -> Run:
    """A session of a run, from the command to its end."""
    began = time.monotonic()
    runtime = Runtime(
        settings.device,
        precision(folder, settings, plan),
        track=settings.track,
        folder=folder.path,
    )
    config: Configuration | None = None
    try:
        known = bool(world.broadcast_object(folder.begun and not settings.overwrite))
        config, source = _resolved(data, folder, settings, plan, options, runtime, known)
        told = announce(config, source, runtime, settings.quiet)
        if settings.print_config or settings.dry_run:
            return Run(folder.path, *look(config))
        with world.together():
            sample, about = open_monitor(config.settings, config.spec.image_size)
            with _writing(folder, settings):
                images = open_images(source, config.settings)
                if not known:
                    config = _solved(config, images, runtime, began)
                with listening(folder, (*told, *about)):
                    method = _method(config, folder)
                    if not known:
                        _begin(config, source, images, folder)
                    return _trained(config, method, images, runtime, folder, sample)
    except torch.OutOfMemoryError as error:
        raise out_of_memory(config, error) from error
    finally:
        runtime.close()


def _resolved(
    data: str,
    folder: RunFolder,
    settings: Settings,
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
    runtime: Runtime,
    known: bool,
) -> tuple[Configuration, Source]:
    """The configuration of a new run, or of the folder's under this command; and the images."""
    if known:
        config = continued(data, folder, settings, plan, options)
        source = open_data(data, config.settings)
        return same_data(config, source, settings, folder), source
    source, device = open_data(data, settings), runtime.device.type
    return configure(data, source, settings, plan, options, device, runtime.precision), source


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
            say(f"note: {note}")
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
    if world.rank() == 0 and not config.settings.quiet:
        say("speed     measuring how long an update takes, about 15 s")
    make = functools.partial(build_method, config.origin, config.settings.init)
    waits = [Patience(config.settings.quiet)]
    found = speed.measure(make, loader, config.plan, runtime, waits)
    share = 1.0 - SHARE if config.settings.monitor_labels else 1.0
    left = max(1.0, (minutes * 60 - (time.monotonic() - began)) * share)
    epochs = world.broadcast_object(found.epochs(left, loader.updates_per_epoch))
    if world.rank() == 0 and not config.settings.quiet:
        updates = round(epochs * loader.updates_per_epoch)
        say(
            f"speed     {config.plan.batch_size / found.update:,.0f} images/s; {updates:,} "
            f"updates, {epochs:.2f} epochs, fit {minutes:g} minutes"
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
            say(f"{len(skipped):,} left out, listed in {folder.skipped}")
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
    config: Configuration,
    method: Method,
    images: Images,
    runtime: Runtime,
    folder: RunFolder,
    sample: Sample | None,
) -> Run:
    """Train, keep the state of run.json true, write the backbone."""
    loader = _loader(config, images, runtime)
    saver = Saver(
        folder.path,
        keep=config.settings.keep,
        minutes=config.settings.checkpoint_minutes,
        metrics=folder.metrics,
        extra={"origin": config.origin.words()},
    )
    if world.rank() == 0 and not (folder.path / "pictures").is_dir():
        picture(method, loader, folder)
    observers = watchers(config, runtime, folder)
    if shows(method) and world.rank() == 0:
        observers.append(Shown(method, loader, folder, runtime))
    try:
        result = train(
            method,
            loader,
            recipe=method.views,
            plan=config.plan,
            runtime=runtime,
            saver=saver,
            observers=observers,
            measures=measures(config, method, sample, runtime),
            failures=card_of_method(config).failures,
        )
    except BaseException as error:
        for observer in observers:
            observer.on_end()
        if world.rank() == 0:
            folder.update(_status(error))
        raise
    finally:
        runtime.stop_trackers()
    return finished(config, method, result, folder)


def _status(error: BaseException) -> Status:
    """How a run stands that ended with an error."""
    if isinstance(error, Diverged):
        return "diverged"
    polite = isinstance(error, Interrupted | Stopped | KeyboardInterrupt)
    return "interrupted" if polite else "failed"
