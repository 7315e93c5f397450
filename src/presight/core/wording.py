"""Numbers and names as people read them."""

from __future__ import annotations

import math

FIXED_SPACE = "\u00a0"
MINUS = "\u2212"
LONGEST = 60
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WELCOME = f"\n\t{FIXED_SPACE}"


def flag(option: str) -> str:
    """An option's name as on the command line: `--batch-size`."""
    return "--" + option.replace("_", "-")


def percent(share: float) -> str:
    """A share as `71.2 %`, with a fixed space."""
    return f"{100 * share:.1f}{FIXED_SPACE}%"


def between(low: float, high: float) -> str:
    """An interval of shares as `68.3 to 73.9`."""
    return f"{100 * low:.1f} to {100 * high:.1f}"


def points(difference: float) -> str:
    """A difference of shares as `+12.1`."""
    return f"{100 * difference:+.1f}".replace("-", MINUS)


def number(value: float) -> str:
    """A number with four significant digits and commas where it is long: 1,905 or 0.0712."""
    if not math.isfinite(value):
        return "not finite"
    if value < 0:
        return f"\N{MINUS SIGN}{number(-value)}"
    if value == int(value) and value < 1e15:
        return f"{int(value):,}"
    if value < 1e-4 or value >= 1e15:
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(value)))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def duration(seconds: float) -> str:
    """Seconds as `45 s`, `12 min` or `1 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def day(moment: object) -> str:
    """The day of `2026-11-23T14:02:09Z` as `23 November 2026`; anything else as it is."""
    text = cut(moment)
    year, _, rest = text.partition("T")[0].partition("-")
    month, _, number_ = rest.partition("-")
    if not (len(year) == 4 and year.isdigit() and month.isdigit() and number_.isdigit()):
        return text
    if not 1 <= int(month) <= 12:
        return text
    return f"{int(number_)} {_MONTHS[int(month) - 1]} {year}"


def visible(text: str) -> str:
    """The text without what cannot be printed: controls, direction marks and stray bytes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _WELCOME else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def cut(text: object, longest: int = LONGEST) -> str:
    """The text in one line, visible, and cut with an ellipsis."""
    line = visible(" ".join(str(text).split()))
    return line if len(line) <= longest else line[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
