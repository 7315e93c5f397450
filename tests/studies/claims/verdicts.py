"""A study's claims by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from presight.studies.cells import Row
from presight.studies.claims.claim import Claim
from presight.studies.claims.measured import Measured


def of(family: Callable[[Measured], list[Claim]], rows: Iterable[Row]) -> dict[str, Claim]:
    """What a family of claims says of rows."""
    return {claim.name: claim for claim in family(Measured(rows))}
