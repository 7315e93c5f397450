"""Claims of section 4 of the survey beside what a study measured of them. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from presight.studies.cells import Row
from presight.studies.claims.backbones import on_backbones
from presight.studies.claims.claim import Claim as Claim
from presight.studies.claims.claim import table as table
from presight.studies.claims.claim import write_claims as write_claims
from presight.studies.claims.labels import on_labels
from presight.studies.claims.measured import Measured
from presight.studies.claims.order import on_order
from presight.studies.claims.pretexts import on_pretexts
from presight.studies.claims.speed import on_speed
from presight.studies.claims.tasks import on_tasks
from presight.studies.claims.worlds import on_worlds


def claims(rows: Sequence[Row]) -> list[Claim]:
    """Every testable claim beside what was measured.

    Rows of any tasks, worlds, methods and backbones, not all of which need be there: a claim takes
    the cells that are complete for it, and says what it left out.

    Args:
        rows: of a study.

    Source: Anand and Garg, Recent Advancements in Self-Supervised Paradigms for Visual Feature
    Representation, section 4, after Newell and Deng, How Useful is Self-Supervised Pretraining for
    Visual Tasks?, CVPR 2020. The claims are in our words, the rules that judge them ours.
    """
    measured = Measured(rows)
    families = (
        on_labels, on_speed, on_tasks, on_pretexts, on_backbones, on_worlds, on_order,
    )  # fmt: skip
    return [claim for family in families for claim in family(measured)]
