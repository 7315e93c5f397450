"""A study over Ray: every worker is a process with a desk of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from presight.errors import PresightError, Unavailable
from presight.studies.cells import Cell, Row
from presight.studies.desk import Desk
from presight.studies.plan import Plan
from presight.studies.rows import read_row
from presight.studies.work import Group, Limit, carry_out

POLL = 1.0
"""Seconds between two looks at what has landed."""
TRIES = 2
"""Times that a group is tried."""
_OBJECTS = 100 * 1024 * 1024  # bytes that ray keeps in memory for tasks; rows are files
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",  # workers are what the machine is asked for
}


def require_ray() -> Any:
    """Ray, which tells nobody that it is used.

    Raises:
        Unavailable: it is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise Unavailable(
            '--executor ray needs the extra "ray": pip install "presight[ray]"'
        ) from None


def slots(ray: Any, device: str) -> tuple[str, int]:
    """What a worker takes, a CPU or a GPU, and how many workers there are.

    Args:
        ray: begun.
        device: of the plan.
    """
    found = ray.cluster_resources()
    kind = "GPU" if device in ("auto", "cuda") and found.get("GPU", 0) else "CPU"
    return kind, max(1, int(found.get(kind, 1)))


@contextlib.contextmanager
def workers(ray: Any) -> Iterator[None]:
    """Ray's workers: those of the cluster that RAY_ADDRESS names, or one a processor of here."""
    if ray.is_initialized():  # the caller's own
        yield
        return
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False, logging_level="ERROR")
        place = ""
    else:
        place = tempfile.mkdtemp(prefix="ray-")  # a short path: sockets stand in it
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=_OBJECTS,
            _node_ip_address="127.0.0.1",
            _temp_dir=place,
        )
    try:
        yield
    finally:
        ray.shutdown()
        if place:
            shutil.rmtree(place, ignore_errors=True)


@dataclasses.dataclass(frozen=True)
class Task:
    """What a worker is given.

    Args:
        plan: of the study.
        out: its folder, an absolute path that all machines see.
        home: the folder that relative paths of the plan start at.
        group: to be done.
        until: seconds since 1970.
        pretraining: seconds.
        costs: seconds, of the group's cells.
    """

    plan: Plan
    out: str
    home: str
    group: Group
    until: float
    pretraining: float
    costs: tuple[float, ...]


def do(task: Task) -> tuple[bool, str]:
    """Do a group in a worker.

    Returns:
        Whether there was time for all, and what went wrong.
    """
    os.chdir(task.home)
    costs = dict(zip(task.group.cells, task.costs, strict=True))
    limit = Limit(task.until, task.pretraining, costs.__getitem__)
    try:
        desk = _desk(task.plan, task.out)
        whole = carry_out(desk, task.group, limit, tell=lambda _: None, landed=lambda _: None)
    except PresightError as error:
        return True, str(error)
    except Exception as error:
        return True, f"{type(error).__name__}: {error}"
    return whole, ""


@functools.lru_cache(maxsize=1)
def _desk(plan: Plan, out: str) -> Desk:
    """The desk of this process, with the threads that Ray gave to it."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return Desk(plan, Path(out), quiet=True)


def over_ray(
    ray: Any,
    desk: Desk,
    groups: Sequence[Group],
    limit: Callable[[Group], Limit],
    *,
    tell: Callable[[str], None],
    landed: Callable[[Row], None],
) -> tuple[bool, list[str]]:
    """Do the groups, one a worker at a time.

    Args:
        ray: begun.
        desk: the study's.
        groups: that are missing, the first ones first.
        limit: of a group that is about to begin.
        tell: told what begins and what failed.
        landed: shown every row.

    Returns:
        Whether there was time for all, and what failed, in words.
    """
    return _Driver(ray, desk, limit, tell, landed).drive(groups)


class _Driver:
    def __init__(
        self,
        ray: Any,
        desk: Desk,
        limit: Callable[[Group], Limit],
        tell: Callable[[str], None],
        landed: Callable[[Row], None],
    ) -> None:
        self.ray, self.desk, self.limit, self.tell, self.landed = ray, desk, limit, tell, landed
        kind, _ = slots(ray, desk.plan.device)
        wanted = {"num_cpus": 1, "num_gpus": int(kind == "GPU"), "max_retries": 0}
        self.remote = ray.remote(**wanted)(do)
        self.running: dict[Any, tuple[Group, int]] = {}
        self.seen: set[Cell] = set()

    def drive(self, groups: Sequence[Group]) -> tuple[bool, list[str]]:
        waiting = deque((group, 1) for group in groups)
        whole, failures = True, []
        while (waiting and whole) or self.running:
            while waiting and whole and len(self.running) < self._slots():
                whole = self._begin(*waiting.popleft())
            ended, _ = self.ray.wait(list(self.running), timeout=POLL) if self.running else ([], [])
            for group, _ in self.running.values():
                self._look(group)
            for one in ended:
                group, attempt = self.running.pop(one)
                in_time, wrong = self._outcome(one)
                self._look(group)
                whole = whole and in_time
                if wrong and attempt < TRIES:
                    self.tell(f"note: {group} failed and is tried once more: {wrong}")
                    waiting.append((group, attempt + 1))
                elif wrong:
                    failures.append(f"{group}: {wrong}")
        return whole, failures

    def _slots(self) -> int:
        return slots(self.ray, self.desk.plan.device)[1]

    def _begin(self, group: Group, attempt: int) -> bool:
        """Hand a group to a worker; False where its first step does not fit."""
        left = dataclasses.replace(
            group, cells=tuple(cell for cell in group.cells if cell not in self.seen)
        )
        if not left.cells:
            return True
        limit = self.limit(left)
        missing = not self.desk.arms.is_there(left.arm, left.seed)
        if not limit.allows(limit.pretraining * missing + limit.cost(left.cells[0])):
            return False
        if missing:
            self.tell(f"pretraining without labels: {left}")
        task = Task(
            self.desk.plan, str(self.desk.out.resolve()), os.getcwd(), left, limit.until,
            limit.pretraining, tuple(map(limit.cost, left.cells)),
        )  # fmt: skip
        self.running[self.remote.remote(task)] = (left, attempt)
        return True

    def _look(self, group: Group) -> None:
        """Show the rows that have landed."""
        for cell in group.cells:
            if cell not in self.seen and (place := self.desk.place(cell)).is_file():
                self.seen.add(cell)
                self.landed(read_row(place))

    def _outcome(self, ref: Any) -> tuple[bool, str]:
        """What a worker says, or that it is gone."""
        try:
            in_time, wrong = self.ray.get(ref)
        except self.ray.exceptions.RayError as error:
            return True, f"its worker ended ({type(error).__name__})"
        return bool(in_time), str(wrong)
