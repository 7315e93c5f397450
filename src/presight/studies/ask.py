"""From a user's words to a plan. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presight.errors import UsageError
from presight.pretraining.labels import Forms
from presight.studies.plan import Plan, World, pairs_of, worlds

AUTO: tuple[Any, ...] = ("auto", (), 0, Forms())
"""Values of an option that was not given."""


def plan_of(
    preset: str,
    data: str,
    labels: str,
    test: str,
    *,
    transfer: bool,
    device: str,
    asked: Mapping[str, Any],
) -> tuple[Plan, frozenset[str]]:
    """The plan that a user asks, and the names of its fields that were given.

    Args:
        preset: its name, or none; a preset has worlds of its own.
        data: to pretrain on.
        labels: labelled images.
        test: labelled images to measure on.
        transfer: every world with every other.
        device: to compute on.
        asked: fields of `Plan`; those with a value of `AUTO` are left as the plan has them.

    Raises:
        UsageError: no data or no labels, or options that do not fit.
    """
    given = {name: value for name, value in asked.items() if value not in AUTO}
    if preset != "none":
        for flag, value in (("--labels", labels), ("--test", test), ("--transfer", transfer)):
            if value:
                raise UsageError(f"{flag} has no effect in the preset {preset}; leave it out.")
        return Plan(worlds=(World("", data, ""),), device=device, **given), frozenset(given)
    for flag, value in (("images to pretrain on", data), ("--labels", labels)):
        if not value:
            raise UsageError(
                f"study needs {flag}: presight study photos/ --labels labelled/; or a --preset."
            )
    found = worlds(data, labels, test)
    pairs = pairs_of(found) if transfer else None
    return Plan(worlds=found, pairs=pairs, device=device, **given), frozenset(given)


def words(text: str) -> tuple[str, ...]:
    """Words with commas between, each once; none of auto and both, which leave it to the plan."""
    found = tuple(dict.fromkeys(word for word in map(str.strip, text.split(",")) if word))
    return () if text in ("auto", "both") else found


def positive(text: str) -> tuple[float, ...]:
    """Numbers above zero with commas between; none of the word auto.

    Raises:
        UsageError: one that is none.
    """
    try:
        found = tuple(sorted({float(word) for word in words(text)}))
    except ValueError:
        found = (0.0,)
    if not all(0 < rate <= 1 for rate in found):
        raise UsageError(f"--rates is {text!r}; expected numbers in (0, 1], such as 0.001,0.003.")
    return found
