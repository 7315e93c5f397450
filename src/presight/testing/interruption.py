"""Interrupted and resumed equals uninterrupted, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from presight.core.batch import Step
from presight.core.method import Method
from presight.store.faults import Dead, fault
from presight.testing.trial import Trial
from presight.training.checkpoint import Checkpoints
from presight.training.monitor import Advice
from presight.training.observers import Values


class Killed(BaseException):
    """Stands for a kill: nothing that handles errors may handle it."""


class Evaluation:
    """An observer that measures the backbone at the first record, and is killed there."""

    def __init__(self, method: Method, images: Tensor) -> None:
        self._method, self._images = method, images

    def on_record(self, values: Values) -> None:
        """Look at features as an evaluation does, in eval mode, and never come back from it."""
        self._method.eval()
        with torch.no_grad():
            self._method.backbone(self._images)
        raise Killed

    def on_advice(self, advice: Advice) -> None:
        """Advice kills nobody."""

    def on_end(self) -> None:
        """Nothing is open."""


Stop = Callable[[Trial, Method, Path], None]


def _at_forward(number: int) -> Stop:
    def run(trial: Trial, method: Method, folder: Path) -> None:
        seen = 0

        def hook(module: torch.nn.Module, inputs: object) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                raise Killed

        handle = method.register_forward_pre_hook(hook)
        try:
            trial.train(method, folder=folder)
        finally:
            handle.remove()

    return run


def _between_players(trial: Trial, method: Method, folder: Path) -> None:
    """In the second update after the first player's step; a single player is cut before it."""
    first = sum(player.start <= 0 for player in method.players)
    if first > 1:
        _at_forward(first + 2)(trial, method, folder)
    before, calls = method.before_update, 0

    def cut(step: Step) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        before(step)

    object.__setattr__(method, "before_update", cut)
    trial.train(method, folder=folder)


def _in_a_save(trial: Trial, method: Method, folder: Path) -> None:
    with fault("write", 2, "die"):
        trial.train(method, folder=folder)


def _in_evaluation(trial: Trial, method: Method, folder: Path) -> None:
    images = trial.loader().images.batch(trial.step().index).images.float() / 255
    trial.train(method, folder=folder, observers=[Evaluation(method, images)])


STOPS: Mapping[str, Stop] = {
    "at the first step": _at_forward(1),
    "between players": _between_players,
    "inside a save": _in_a_save,
    "in evaluation": _in_evaluation,
}
"""Each is survived in turn by one run, which starts anew where the one before left its folder."""


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def final_state(folder: Path) -> dict[str, Tensor]:
    """Every tensor of the newest checkpoint: weights, buffers, optimizers."""
    snapshot = Checkpoints(folder / "checkpoints").latest()
    if snapshot is None:
        raise AssertionError("the run left no checkpoint.")
    return {
        f"{group}:{name}": tensor
        for group in snapshot.groups
        for name, tensor in snapshot.tensors(group).items()
    } | {"step": torch.tensor(snapshot.step)}


def _killed(trial: Trial, folder: Path, place: str) -> None:
    try:
        STOPS[place](trial, trial.build(), folder)
    except (Killed, Dead):
        return
    raise AssertionError(f"{trial.name}: the run was not interrupted {place}.")


def check_resume(trial: Trial) -> None:
    """A run that is killed at every place and resumed ends with the bits of one that was not.

    The places: at the first step, between players, inside a save, in evaluation, and inside an
    epoch after `begin_epoch`; with one thread and with two.
    """
    for threads in (1, 2):
        with _threads(threads), tempfile.TemporaryDirectory() as temporary:
            straight, broken = Path(temporary) / "straight", Path(temporary) / "broken"
            for folder in (straight, broken):
                folder.mkdir()
            trial.train(trial.build(), folder=straight)
            for place in STOPS:
                _killed(trial, broken, place)
            _inside_an_epoch(trial, broken)
            trial.train(trial.build(), folder=broken)
            _compare(trial, final_state(straight), final_state(broken), threads)


def _inside_an_epoch(trial: Trial, folder: Path) -> None:
    """One update into the second epoch; weights move on, so clustering again would differ."""
    done = Checkpoints(folder / "checkpoints").steps()
    target = trial.data.updates_per_epoch + 1
    trial.train(trial.build(), folder=folder, updates=target - (done[-1] if done else 0))
    try:
        _at_forward(1)(trial, trial.build(), folder)
    except Killed:
        return
    raise AssertionError(f"{trial.name}: the run was not interrupted inside an epoch.")


def _compare(
    trial: Trial, one: Mapping[str, Tensor], other: Mapping[str, Tensor], threads: int
) -> None:
    odd = sorted(one.keys() ^ other.keys())
    odd += [name for name in one.keys() & other.keys() if not torch.equal(one[name], other[name])]
    if odd:
        raise AssertionError(
            f"{trial.name}: interrupted and resumed with {threads} threads, the run ends with "
            f"another {', '.join(odd[:5])}{' ...' if len(odd) > 5 else ''}."
        )
