"""One process and two give the same records and weights."""

from __future__ import annotations

import os
import pickle
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.multiprocessing.spawn import ProcessException, start_processes
from torch.nn.modules.batchnorm import _NormBase

from presight.core.method import Method
from presight.store.tensors import load_tensors, save_tensors
from presight.testing.trial import Trial, comparable
from presight.training.monitor import Advice
from presight.training.observers import Values
from presight.training.runtime import Runtime

UPDATES = 3
TOLERANCE = 1e-9
"""Float64 over three updates: sums in another order, amplified by training."""

TIMED = frozenset({"images_per_second", "data_wait", "seconds", "seconds_left"})
"""Numbers of a record that the clock makes."""

Result = dict[str, Tensor]


class Numbers:
    """An observer that keeps every record's numbers but those of the clock."""

    def __init__(self) -> None:
        self.kept: dict[str, list[float]] = {}

    def on_record(self, values: Values) -> None:
        """Keep the numbers."""
        for name, value in values.items():
            if name not in TIMED:
                self.kept.setdefault(name, []).append(value)

    def on_advice(self, advice: Advice) -> None:
        """Advice is not compared."""

    def on_end(self) -> None:
        """Nothing is open."""


def outcome(trial: Trial, runtime: Runtime) -> Result:
    """Records, and weights and buffers after a few updates in float64, made comparable."""
    method, numbers = trial.build(), Numbers()
    comparable(method)
    trial.train(method, runtime=runtime, observers=[numbers], updates=UPDATES)
    found = {f"record:{k}": torch.tensor(v, dtype=torch.float64) for k, v in numbers.kept.items()}
    state = {f"state:{k}": v.detach().clone() for k, v in method.state_dict().items()}
    return found | state


def _work(rank: int, trials: Sequence[Trial], folder: str, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    runtime = Runtime("cpu", "fp64")
    for number, trial in enumerate(trials):
        save_tensors(Path(folder) / f"{number}-{rank}.safetensors", outcome(trial, runtime))
    runtime.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def pair(trials: Sequence[Trial], timeout: float = 120.0) -> list[tuple[Result, Result]]:
    """Every trial's outcome on both of two processes; one pair is spawned for all trials.

    Args:
        trials: their methods must be importable.
        timeout: seconds for all of them.

    Raises:
        AssertionError: a process failed, or they hang, or a method cannot be sent to them.
    """
    for trial in trials:
        _check_importable(trial)
    with tempfile.TemporaryDirectory() as folder:
        arguments = (list(trials), folder, _free_port())
        context = start_processes(_work, arguments, 2, join=False)  # type: ignore[no-untyped-call]
        end = time.monotonic() + timeout
        try:
            while not context.join(max(0.0, end - time.monotonic())):
                if time.monotonic() >= end:
                    raise AssertionError(f"two processes are not done after {timeout:.0f} s.")
        except ProcessException as error:
            raise AssertionError(f"one of two processes failed: {error}") from error
        finally:
            for process in context.processes:
                process.kill()
        return [
            (_load(folder, number, 0), _load(folder, number, 1)) for number in range(len(trials))
        ]


def _check_importable(trial: Trial) -> None:
    try:
        pickle.dumps(trial)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise AssertionError(
            f"{trial.name}: another process cannot import it ({error}); define the method, and "
            "encoders of its own, at the top of a module."
        ) from error


def _load(folder: str, number: int, rank: int) -> Result:
    return load_tensors(Path(folder) / f"{number}-{rank}.safetensors")


def alone(trial: Trial) -> Result:
    """A trial's outcome on one process."""
    runtime = Runtime("cpu", "fp64")
    try:
        return outcome(trial, runtime)
    finally:
        runtime.close()


def statistics_of(method: Method) -> set[str]:
    """Names of the buffers of normalization layers, as `outcome` names them."""
    return {
        f"state:{name}.{buffer}"
        for name, module in method.named_modules()
        if isinstance(module, _NormBase)
        for buffer, _ in module.named_buffers(recurse=False)
    }


def compare(trial: Trial, one: Result, two: tuple[Result, Result]) -> None:
    """One process against two, and the two against each other.

    Raises:
        AssertionError: numbers of records, weights or buffers differ by more than rounding.
    """
    statistics = statistics_of(trial.build())
    _agree(trial, one, two[0], "one process", "two", set())
    _agree(trial, two[0], two[1], "process 0", "process 1", statistics)
    for name, value in two[0].items():
        if name not in statistics and not torch.equal(value, two[1][name]):
            raise AssertionError(f"{trial.name}: {name} is not the same on both processes.{CAUSES}")


def _agree(
    trial: Trial,
    one: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    here: str,
    there: str,
    without: set[str],
) -> None:
    for name, value in one.items():
        if name in without:
            continue
        difference = float((value.double() - other[name].double()).abs().max())
        scale = max(1.0, float(value.double().abs().max()))
        if not difference <= TOLERANCE * scale:
            raise AssertionError(
                f"{trial.name}: {name} differs by {difference:.1e} between {here} and {there}; at "
                f"most {TOLERANCE * scale:.0e} was expected.{CAUSES}"
            )


def check_two_processes(trials: Sequence[Trial]) -> None:
    """Losses and weights of one process and two agree over three updates."""
    for trial, two in zip(trials, pair(trials), strict=True):
        compare(trial, alone(trial), two)


CAUSES = (
    " Usual causes: a loss that is a sum over rows and not a mean; rows that need those of all "
    "processes (presight.core.world.gather, gather_detached for a buffer); random numbers that are "
    "not from step.draw."
)
"""What a user may look for."""
