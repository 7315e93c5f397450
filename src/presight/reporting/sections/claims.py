"""What others claim of pretraining, beside what the study measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presight.core.wording import cut, visible
from presight.reporting.blocks import Block, Folded, Section, Table

DECIDED = ("agrees", "disagrees", "inconclusive")
OPEN = "not measured"
_LONGEST = 1200
_PLURAL = {"agrees": "agree", "disagrees": "disagree"}


def sections(claims: Sequence[Mapping[str, Any]]) -> list[Section]:
    """The section of a study's claims; none where the study holds none.

    Args:
        claims: records as a study's file has them.

    Raises:
        KeyError: a record without its words.
    """
    if not claims:
        return []
    groups = {verdict: [one for one in claims if one["verdict"] == verdict]
              for verdict in (*DECIDED, OPEN)}  # fmt: skip
    blocks: list[Block] = []
    judged = [one for verdict in DECIDED for one in groups[verdict]]
    if judged:
        rows = [
            [_text(one["said"], f"({one['where']})"), cut(one["verdict"]),
             _text(one["measured"], one["missing"])]
            for one in judged
        ]  # fmt: skip
        blocks.append(Table(["it is said", "here", "measured"], rows, numeric=False))
    if groups[OPEN]:
        rows = [
            [_text(one["said"], f"({one['where']})"), _text(one["missing"])] for one in groups[OPEN]
        ]
        table = Table(["it is said", "what is missing"], rows, numeric=False)
        blocks.append(Folded(f"{len(rows)} claims that this study did not measure", table))
    notes = [
        (
            "agrees, disagrees",
            "the whole 95 % interval, over repetitions and test images, lies on one side; else "
            "the claim is inconclusive. Each claim is wrongly decided in one of twenty studies.",
        )
    ]
    counts = [f"{len(groups[v])} {_PLURAL.get(v, v)}" for v in (*DECIDED, OPEN) if groups[v]]
    finding = f"Of {len(claims)} claims of the literature: {', '.join(counts)}."
    return [Section("claims", "Does it agree with what is claimed?", finding, blocks, notes)]


def _text(*parts: object) -> str:
    """Sentences one after the other."""
    return cut(" ".join(visible(str(part)) for part in parts if part), _LONGEST)
