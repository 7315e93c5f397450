"""Numbers, lists and omissions of claims in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from presight.core.wording import MINUS, points
from presight.evaluation.intervals import Interval
from presight.studies.cells import NONE
from presight.studies.claims.measured import Contrast

_WHAT = "95 % interval"


def in_points(effect: Interval, *, brief: bool = False) -> str:
    """Hundredths with their interval: `+3.1 points (95 % interval +1.0 to +5.2)`.

    Args:
        effect: shares.
        brief: in a list whose head says what the numbers are.
    """
    value, low, high = map(points, effect)
    return f"{value} ({low} to {high})" if brief else f"{value} points ({_WHAT} {low} to {high})"


def in_doublings(effect: Interval, what: str = "labels") -> str:
    """Logarithms to base 2 with their interval."""
    value, low, high = (f"{number:+.2f}".replace("-", MINUS) for number in effect)
    return f"{value} doublings of {what} ({_WHAT} {low} to {high})"


def listed(names: Iterable[str]) -> str:
    """Names with commas and an and."""
    held = list(dict.fromkeys(names))
    return " and ".join(filter(None, (", ".join(held[:-1]), held[-1]))) if held else "nothing"


def shown(method: str) -> str:
    """A method's name; of a run the folder's."""
    return Path(method).name


def scope(contrasts: Iterable[Contrast], seeds: Sequence[int]) -> str:
    """What a mean is over: `simclr and vae on 3 tasks with resnet18, 2 worlds, 3 repetitions`."""
    places = sorted({place for contrast in contrasts for place in contrast.weights})
    methods = [shown(place.method) for place in places if place.method != NONE]
    tasks = [place.setting.task for place in places]
    backbones = [place.setting.backbone for place in places]
    told = f"{_some(methods, 'pretrainings') or 'scratch'} on {_some(tasks, 'tasks')} with "
    parts = [told + _some(backbones, "backbones")]
    worlds = {place.setting.world for place in places}
    if len(worlds) > 1:
        parts.append(f"{len(worlds)} worlds")
    parts.append(repetitions(len(seeds)))
    return ", ".join(parts)


def _some(names: Sequence[str], word: str) -> str:
    """Three names at most, or their number."""
    count = len(set(names))
    return f"{count} {word}" if count > 3 else listed(names) if names else ""


def repetitions(count: int) -> str:
    """Counted."""
    return f"{count} repetition" + "s" * (count != 1)


def omitted(count: int, of: int, what: str) -> str:
    """What lacks cells; "" where nothing does."""
    return f"Left out for want of cells: {count} of {of} {what}." if count else ""
