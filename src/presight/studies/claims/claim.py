"""What was claimed, what was measured, and whether they agree. No torch."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from presight.evaluation.intervals import Interval
from presight.store import atomic

Verdict = Literal["agrees", "disagrees", "inconclusive", "not measured"]
Unit = Literal["points", "doublings of labels", "doublings of updates", ""]


class Said(NamedTuple):
    """A claim before anything is measured.

    Args:
        name: short.
        text: what is claimed, in our words.
        where: who says it.
    """

    name: str
    text: str
    where: str


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim beside what a study measured of it.

    Args:
        name: short.
        said: the claim, in our words.
        where: who says it.
        verdict: agrees or disagrees only where a 95 % interval is clear of what would decide
            otherwise.
        measured: a sentence with numbers.
        missing: what would decide it, or what was left out; "" where nothing is.
        effect: the number that decides, where one does, with its 95 % interval.
        unit: of the effect; points are hundredths.
    """

    name: str
    said: str
    where: str
    verdict: Verdict
    measured: str
    missing: str = ""
    effect: Interval | None = None
    unit: Unit = ""

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        told = dataclasses.asdict(self)
        effect = self.effect
        told["effect"] = None if effect is None else [_plain(number) for number in effect]
        return told


def _plain(number: float) -> float | None:
    return number if math.isfinite(number) else None


def table(claims: Sequence[Claim]) -> list[dict[str, str | float]]:
    """A flat record each, for a CSV."""
    return [
        {
            "claim": one.name, "said": one.said, "where": one.where, "verdict": one.verdict,
            "measured": one.measured, "missing": one.missing,
            **dict(zip(("value", "low", "high"), one.effect or ("", "", ""), strict=True)),
            "unit": one.unit,
        }
        for one in claims
    ]  # fmt: skip


def write_claims(path: Path, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Write claims as a CSV with a header.

    Returns:
        Their records, for the study's file.
    """
    text = io.StringIO()
    rows = table(claims)
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())
    return [one.record() for one in claims]


def unmeasured(said: Said, missing: str) -> Claim:
    """A claim that the study has no cells for."""
    return Claim(*said, "not measured", "", missing)


def settled(
    said: Said,
    effect: Interval,
    unit: Unit,
    toward: int,
    measured: str,
    *,
    seeds: int,
    left: str = "",
    beyond: float = 0.0,
    barred: str = "",
) -> Claim:
    """A claim that one number decides.

    Args:
        said: the claim.
        effect: the number.
        unit: of it.
        toward: 1 where the claim says that it is above `beyond`, -1 for below, 0 for either.
        measured: a sentence.
        seeds: repetitions it is of; one tells of no spread between them, and decides nothing.
        left: what was left out.
        beyond: what the number is compared with.
        barred: why the claim cannot be said to hold, whatever the number is.
    """
    side = (effect.low > beyond) - (effect.high < beyond)
    verdict: Verdict = "inconclusive"
    if seeds > 1 and side:
        verdict = "disagrees" if side == -toward else "inconclusive" if barred else "agrees"
    missing = [left]
    if verdict == "inconclusive":
        missing.append(barred or more(effect, seeds, beyond))
    return Claim(*said, verdict, measured, " ".join(filter(None, missing)), effect, unit)


def compared(
    said: Said,
    measured: str,
    *,
    agrees: bool,
    disagrees: bool,
    seeds: int,
    left: str,
    missing: str,
    effect: Interval | None = None,
) -> Claim:
    """A claim that several comparisons decide.

    Args:
        said: the claim.
        measured: a sentence.
        agrees: whether all that must hold is clear.
        disagrees: whether what contradicts it is clear.
        seeds: repetitions; one decides nothing.
        left: what was left out.
        missing: what would decide it.
        effect: a number that stands for all.
    """
    verdict: Verdict = "inconclusive"
    if seeds > 1 and (agrees or disagrees):
        verdict = "agrees" if agrees else "disagrees"
    open_ = "" if verdict != "inconclusive" else missing if seeds > 1 else ALONE
    return Claim(*said, verdict, measured, f"{left} {open_}".strip(), effect)


ALONE = "One repetition tells nothing of the spread between repetitions: measure three."


def more(effect: Interval, seeds: int, beyond: float = 0.0) -> str:
    """How many repetitions would tell a number from another, in words; "" where these do."""
    if seeds < 2:
        return ALONE
    half, away = (effect.high - effect.low) / 2, abs(effect.value - beyond)
    if not effect.low <= beyond <= effect.high:
        return ""
    needed = seeds * (half / away) ** 2 if away else math.inf
    if needed > 100:
        return "What was found is so near to nothing that more repetitions will hardly decide it."
    return f"Should it stay as it is, at most {max(seeds + 1, math.ceil(needed))} repetitions tell."
