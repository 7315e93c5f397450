"""What is wrong with labels: each place by itself, and all of them counted in a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from presight.data.source import shown


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the labels that is not used as it stands.

    Args:
        place: file and row, line or number, such as "boxes.json, annotation 17".
        what: what is wrong, the same words for each of its kind, such as "box outside the image".
        done: what became of it, such as "dropped".
        count: how many of them there are at the place.
    """

    place: str
    what: str
    done: str
    count: int = 1

    def __str__(self) -> str:
        often = f"{self.count:,} x " if self.count > 1 else ""
        return shown(f"{self.place}: {often}{self.what}: {self.done}")


def summary(problems: Sequence[Problem]) -> list[str]:
    """A line for each kind of problem: how many, and where the first is; the commonest first."""
    counts: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], str] = {}
    for problem in problems:
        kind = (problem.what, problem.done)
        counts[kind] = counts.get(kind, 0) + problem.count
        first.setdefault(kind, problem.place)
    order = sorted(counts, key=lambda kind: -counts[kind])
    return [
        shown(f"{what}, {done}: {counts[what, done]:,} (first: {first[what, done]})")
        for what, done in order
    ]
