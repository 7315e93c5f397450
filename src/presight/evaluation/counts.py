"""How many labels an evaluation learns from, one count after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from presight.errors import UsageError

_EACH = 5  # labels a class below which `auto` does not go
_MOST = 4  # counts below all that `auto` takes


def ladder(n: int, classes: int) -> list[int]:
    """Counts of labels on a 1-2-5 ladder from five a class to half of all, and all.

    Args:
        n: labelled images to learn from.
        classes: among them.

    Returns:
        Ascending, at most four counts and n.
    """
    steps = [factor * 10**power for power in range(1, 8) for factor in (1, 2, 5)]
    found = [step for step in steps if _EACH * classes <= step <= n // 2]
    if len(found) > _MOST:
        places = [round(i * (len(found) - 1) / (_MOST - 1)) for i in range(_MOST)]
        found = [found[place] for place in places]
    return [*found, n]


def read(text: str, n: int, classes: int, held: int = 0) -> list[int]:
    """Counts from what a user wrote.

    Args:
        text: `auto`, or counts and the word `all` with commas between: 50,200,all.
        n: labelled images to learn from.
        classes: among them.
        held: labelled images beside them that were held out for the test, for the message.

    Returns:
        Ascending, without repeats.

    Raises:
        UsageError: a word that is no count, or a count out of range.
    """
    if text.strip() == "auto":
        return ladder(n, classes)
    words = [word.strip() for word in text.split(",")]
    found = set()
    for word in words:
        if word == "all":
            found.add(n)
            continue
        if not re.fullmatch("[0-9]{1,12}", word):
            raise UsageError(
                f"--label-counts has {word[:40]!r}; expected auto, or counts such as 50,200,all."
            )
        found.add(int(word))
    if min(found) < 2:
        raise UsageError(f"--label-counts asks for {min(found)}; two labels are the least.")
    if max(found) > n:
        kept = f": {held:,} others are held out for the test, which --test SET replaces"
        raise UsageError(
            f"--label-counts asks for {max(found):,} labels; there are {n:,} to learn from"
            f"{kept if held else ''}. Take counts up to {n:,}, or the word all."
        )
    return sorted(found)


def told(counts: Sequence[int], classes: int) -> list[str]:
    """Warnings about counts below the number of classes."""
    few = [f"{n:,}" for n in counts if n < classes]
    if not few:
        return []
    return [
        f"{' and '.join(few)} labels are fewer than the {classes:,} classes: those that no label "
        "names cannot be answered, and count as wrong."
    ]
