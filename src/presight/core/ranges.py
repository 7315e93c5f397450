"""Which values the options of settings, plan and verbs may have, beyond their type. No torch.

Methods and recipes check their own options; what depends on the data is checked where it is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from presight.core.wording import flag
from presight.errors import UsageError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, which belong to it unless `open_low`, `open_high` say not."""

    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value is inside."""
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def words(self) -> str:
        """As a message says it."""
        if self.high == math.inf:
            return f"above {self.low:g}" if self.open_low else f"{self.low:g} or more"
        low = f"above {self.low:g}" if self.open_low else f"from {self.low:g}"
        return f"{low} to {'below ' if self.open_high else ''}{self.high:.12g}"


SHARE = Range(0, 1)
NOT_NEGATIVE = Range(0)
KEEP_RATE = Range(0, 1, open_high=True)

RANGES: dict[str, Range] = {
    "image_size": Range(8, 4096),
    "cache_side": Range(8, 16384),
    "workers": Range(1, 1024),
    "min_side": Range(1),
    "max_pixels": Range(1),
    "max_bad_fraction": SHARE,
    "minutes": NOT_NEGATIVE,
    "checkpoint_minutes": NOT_NEGATIVE,
    "keep": Range(1),
    "monitor_every": Range(0, open_low=True),
    "lr": NOT_NEGATIVE,
    "final_lr": SHARE,
    "milestones": SHARE,
    "warmup_epochs": NOT_NEGATIVE,
    "momentum": KEEP_RATE,
    "betas": KEEP_RATE,
    "weight_decay": NOT_NEGATIVE,
    "final_weight_decay": NOT_NEGATIVE,
    "clip": NOT_NEGATIVE,
    "seed": Range(0, 2**32 - 1),
    "label_seeds": Range(1),
    "seeds": Range(1),
    "updates": Range(1),
    "neighbors": Range(1),
    "select": NOT_NEGATIVE,
}
"""Option -> its range; of a tuple each number must be inside."""


def require(holds: bool, option: str, value: float, expected: str) -> None:
    """Refuse a method's option that is out of range, in the words of all.

    Raises:
        UsageError: naming the option, its value and what was expected.
    """
    if not holds:
        raise UsageError(f"{option} {value:g}: expected {expected}.")


def check(name: str, value: object, path: str) -> None:
    """Accept an option's value, or say what was expected; words such as auto pass.

    Raises:
        UsageError: out of range.
    """
    bounds = RANGES.get(name)
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool):  # a switch may have the name of another verb's number
            continue
        if bounds and isinstance(number, int | float) and not bounds.holds(number):
            raise UsageError(f"{path} is {number}; expected a number {bounds.words()}.")
    if name == "milestones" and isinstance(value, tuple) and list(value) != sorted(value):
        raise UsageError(f"{path} must ascend; received {', '.join(map(str, value))}.")


def check_options(**values: object) -> None:
    """Accept the values of a verb's options, or say of the first what was expected.

    Raises:
        UsageError: out of range.
    """
    for name, value in values.items():
        check(name, value, flag(name))
