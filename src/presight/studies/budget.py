"""A time budget: reading it, and what of a study is left out for it. No torch."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence

from presight.errors import UsageError
from presight.studies.cells import ANCHORS, NONE, Cell

DENSE = ("segmentation", "depth", "detection", "keypoints")
"""Tasks whose heads are on maps; the dearest ones, which a budget leaves out first."""
SEEDS = 3
"""Repetitions below which a budget never goes."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(text: str) -> float:
    """Seconds of `8h`, `30m`, `90s` or `1h30m`; none of an empty word.

    Raises:
        UsageError: it is no time.
    """
    if not text:
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    found = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(map("".join, parts)) != text.strip() or not found:
        raise UsageError(
            f"--budget is {text[:40]!r}; expected a time such as 8h, 30m, 90s or 1h30m."
        )
    return found


Step = tuple[str, Callable[[Cell], bool]]
"""What is left out at once: in words, and whether a cell belongs to it."""


def fitted(
    cells: Sequence[Cell], cost: Callable[[Sequence[Cell]], float], budget: float
) -> tuple[list[Cell], list[str]]:
    """The cells that fit a budget, and what is left out, in words.

    Left out are, one after the other until the rest fits: dense tasks, the last one first, as long
    as a task is left; numbers of labels, the middle one first, but the fewest and the most;
    methods, the last one first, but none and the first one; and repetitions beyond three.

    Args:
        cells: of the study, in its order.
        cost: seconds of some of them; 0 of those that are there already.
        budget: seconds.
    """
    kept, dropped = list(cells), list[str]()
    for words, without in _steps(cells):
        now = cost(kept)
        if now <= budget:
            break
        rest = [cell for cell in kept if not without(cell)]
        if cost(rest) < now:  # what is there already costs nothing
            kept, dropped = rest, [*dropped, words]
    return kept, dropped


def _steps(cells: Sequence[Cell]) -> Iterator[Step]:
    """What is left out, one after the other."""
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    for task in reversed([task for task in tasks if task in DENSE]):
        if len(tasks) > 1:
            tasks.remove(task)
            yield f"the task {task}", _of("task", task)
    yield from _counts(cells)
    methods = [m for m in dict.fromkeys(cell.arm.method for cell in cells)
               if m not in (NONE, *ANCHORS)]  # fmt: skip
    for method in reversed(methods[1:]):
        yield f"the method {method}", _of("arm.method", method)
    for seed in range(max(cell.seed for cell in cells), SEEDS - 1, -1):
        yield f"repetition {seed + 1}", _of("seed", seed)


def _counts(cells: Sequence[Cell]) -> Iterator[Step]:
    """Numbers of labels, of all tasks at once: their ladders may end at different numbers."""
    ladders: dict[tuple[str, str], set[int]] = {}
    for cell in cells:
        if cell.arm.method != NONE:  # which alone has a cell with all labels in any case
            ladders.setdefault((cell.task, cell.measured_on), set()).add(cell.n_labels)
    ends = {n for ladder in ladders.values() for n in (min(ladder), max(ladder))}
    inner = sorted({n for ladder in ladders.values() for n in ladder} - ends)
    while inner:
        n = inner.pop(len(inner) // 2)
        yield f"{n:,} labels", _of("n_labels", n)


def _of(name: str, value: object) -> Callable[[Cell], bool]:
    get = operator.attrgetter(name)
    return lambda cell: bool(get(cell) == value)
