"""train(): the whole step in one screen. It knows no method by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from presight.core import world
from presight.core.batch import Batch, Out, Step, Views
from presight.core.draw import Draw, key_of
from presight.core.learner import Learner
from presight.core.plan import TrainPlan
from presight.core.recipe import Recipe
from presight.data.loader import Loader
from presight.errors import Interrupted, UsageError
from presight.training import optimize
from presight.training.monitor import Monitor
from presight.training.observers import Measure, Observer
from presight.training.recorder import Recorder
from presight.training.runtime import Runtime
from presight.training.saver import Saver
from presight.training.session import Seat, Session
from presight.training.signals import Signals
from presight.training.survey import DataSurvey, Wait

Part = tuple[Views, Step]


@dataclass(frozen=True)
class TrainResult:
    """What is known after a run.

    Args:
        updates: done in all.
        seconds: of this session.
        images: seen in this session, over all processes.
        loss: mean over the last records' updates.
        update_seconds: of the session's first updates, waiting for images included.
        notes: said while resuming.
    """

    updates: int
    seconds: float
    images: int
    loss: float
    update_seconds: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def total_updates(plan: TrainPlan, updates_per_epoch: int) -> int:
    """Updates of the whole run."""
    return max(1, round(plan.epochs * updates_per_epoch))


def train(
    learner: Learner,
    loader: Loader,
    *,
    recipe: Recipe,
    plan: TrainPlan,
    runtime: Runtime,
    saver: Saver | None = None,
    observers: Sequence[Observer] = (),
    measures: Sequence[Measure] = (),
    failures: str = "",
    updates: int | None = None,
) -> TrainResult:
    """Train a learner from where its run folder stands to the end of its plan.

    Args:
        learner: whose forward is the loss.
        loader: of the data, with this process's share of every batch.
        recipe: makes views of a batch.
        plan: length, optimizer, precision.
        runtime: device and processes.
        saver: resumes and keeps checkpoints; None keeps nothing.
        observers: are shown a record every few updates.
        measures: add numbers to the records, of what they see of the learner.
        failures: what a collapse usually means for this learner.
        updates: stop after so many of this session, without an end (for measuring the speed).

    Raises:
        Interrupted: a signal came; a checkpoint is written. Diverged: a loss was not finite twice.
    """
    session = Session.open(learner, plan, runtime)
    notes = saver.resume(session) if saver else []
    session.keep_batch = saver.keep_batch if saver else None
    total = total_updates(plan, loader.updates_per_epoch)
    sizes = (loader.batch_size, loader.updates_per_epoch)
    recorder = Recorder(session, total, Monitor(failures), observers, *sizes, measures)
    session.guard.snapshot()
    now, first = session.progress, session.progress.number
    stop = total if updates is None else min(total, first + updates)
    try:
        with Signals() as signals:
            while now.number < stop:
                if now.batch == 0:
                    begin_epoch(session, loader, recorder.wait)
                batches = loader.epoch(now.epoch, start=now.batch, indices=session.indices)
                try:
                    for batch in recorder.waiting(batches):
                        advance(session, recipe, batch, total, loader.updates_per_epoch, recorder)
                        keep(session, saver, signals)
                        if now.number == stop or now.batch == 0:
                            break
                finally:
                    _close(batches)
        if saver:
            saver.save(session)
    finally:
        recorder.end()
    seconds, images = recorder.seconds, (now.number - first) * loader.batch_size
    times = tuple(recorder.update_seconds)
    return TrainResult(now.number, seconds, images, recorder.loss, times, tuple(notes))


def advance(
    session: Session,
    recipe: Recipe,
    batch: Batch,
    total: int,
    updates_per_epoch: int,
    recorder: Recorder,
) -> None:
    """An update and its bookkeeping."""
    session.batch = batch
    if not update(session, recipe, batch, total, updates_per_epoch, recorder):
        session.strike()
    now = session.progress
    now.number, now.batch = now.number + 1, now.batch + 1
    if now.batch == updates_per_epoch:
        now.epoch, now.batch = now.epoch + 1, 0
    recorder.after_update()


def begin_epoch(session: Session, loader: Loader, wait: Wait | None = None) -> None:
    """Let the learner look at all data; what it finds is in its buffers."""
    learner, seed, epoch = session.learner, session.plan.seed, session.progress.epoch
    survey = DataSurvey(learner, loader, session.runtime, seed=seed, epoch=epoch, wait=wait)
    plan = learner.begin_epoch(survey)
    session.indices = plan.indices if plan else None
    if session.indices is not None and len(session.indices) != survey.n_samples:
        raise UsageError(
            f"begin_epoch of {type(learner).__name__} planned {len(session.indices)} indices; an "
            f"epoch has {survey.n_samples}, the number of images."
        )
    if plan and plan.forget:
        session.forget(plan.forget)


def update(
    session: Session,
    recipe: Recipe,
    batch: Batch,
    total: int,
    updates_per_epoch: int,
    recorder: Recorder,
) -> bool:
    """One optimizer update of every player whose turn it is; False where one was not finite."""
    learner, plan, now = session.learner, session.plan, session.progress
    parts: list[Part] = []
    for micro in batch.to(session.runtime.device).split(plan.accumulate):
        draw = Draw(plan.seed, now.epoch, micro.index, micro.occurrence)
        step = Step(now.number, total, now.epoch, micro.index, draw)
        views = session.runtime.cast(recipe(micro, draw))
        with session.runtime.autocast():
            parts.append((learner.share(views, step), step))
    recorder.views_made()
    turns = session.turns(now.number / total)
    for seat, turn in turns:
        lr = optimize.schedule(
            seat.optimizer, seat.player, plan, now.number, total, updates_per_epoch, now.lr_factor
        )
        session.hand_over(seat)
        seat.optimizer.zero_grad()
        if not backward(session, seat, turn, parts, recorder):
            return False
        if not learner.simultaneous and not finish(session, seat, parts[-1][1], recorder, lr):
            return False
    if learner.simultaneous:
        for seat, _ in turns:
            if not finish(session, seat, parts[-1][1], recorder, lr):
                return False
        if session.runtime.scaler:
            session.runtime.scaler.update()
    session.release()
    return True


def backward(
    session: Session, seat: Seat, turn: int, parts: list[Part], recorder: Recorder
) -> bool:
    """Forward and backward of a player over all micro-batches; False if a loss is not finite."""
    learner, runtime = session.learner, session.runtime
    for number, (views, step) in enumerate(parts):
        step = replace(
            step,
            player=seat.player.name,
            draw=step.draw.fork(f"turn {turn}") if turn else step.draw,
        )
        place = (step.number, seat.player.name, turn, number, world.rank())
        runtime.seed(key_of(session.plan.seed, *place))
        with runtime.micro_batch(seat.turn, last=number == len(parts) - 1):
            with runtime.autocast():
                out: Out = seat.turn(views, step)
            if session.guard.see(out.loss, alone=True):
                return False
            runtime.backward(out.loss / len(parts))
        views.update(out.keep)
        with torch.no_grad():
            learner.after_batch(out, step)
        recorder.see(out, seat.player.name)
    return True


def finish(session: Session, seat: Seat, step: Step, recorder: Recorder, lr: float) -> bool:
    """Unscale, before_update, clip, step, after_update; False where a gradient was not finite."""
    plan, scaler = session.plan, session.runtime.scaler
    step = replace(step, player=seat.player.name)
    stepped = True
    if scaler:
        scaler.unscale_(seat.optimizer)
        # As the scaler decides: a gradient that before_update drops counts too.
        stepped = bool(torch.isfinite(_total(_norms(_gradients(seat)))))
    session.learner.before_update(step)
    norm = clip(_gradients(seat), plan)
    recorder.see_norm(norm, lr)
    if scaler:
        scaler.step(seat.optimizer)
        if not session.learner.simultaneous:  # else all gradients are of the present scale
            scaler.update()
    else:
        if session.guard.see(norm):
            return False
        seat.optimizer.step()
    if stepped:
        with torch.no_grad():
            session.learner.after_update(step)
    return True


def _gradients(seat: Seat) -> list[Tensor]:
    return [p.grad for p in seat.parameters.values() if p.grad is not None]


def _norms(gradients: list[Tensor]) -> tuple[Tensor, ...]:
    return torch._foreach_norm(gradients) if gradients else ()


def _total(norms: tuple[Tensor, ...]) -> Tensor:
    if not norms:
        return torch.zeros(())
    total: Tensor = torch.linalg.vector_norm(torch.stack([n.to(norms[0].dtype) for n in norms]))
    return total


def clip(gradients: list[Tensor], plan: TrainPlan) -> Tensor:
    """Clip in place as planned; returns the norm before."""
    norms = _norms(gradients)
    norm = _total(norms)
    if plan.clip > 0:
        each = norms if plan.clip_per == "parameter" else [norm] * len(gradients)
        scales = [torch.clamp(plan.clip / (n + 1e-6), max=1.0) for n in each]
        for gradient, scale in zip(gradients, scales, strict=True):
            gradient.mul_(scale.to(gradient.dtype))
    return norm


def keep(session: Session, saver: Saver | None, signals: Signals) -> None:
    """Write a checkpoint where it is time or a signal came; all processes agree."""
    due = saver is not None and saver.due()
    stop, due = world.agreed(bool(signals.pending), due)
    if saver and (stop or due):
        saver.save(session)
    if stop:
        raise Interrupted(
            f"stopped by {signals.pending or 'a signal to another process'} after update "
            f"{session.progress.number:,}; the same command goes on from here."
        )


def _close(batches: Iterator[Batch]) -> None:
    if close := getattr(batches, "close", None):
        close()
